// SPDX-License-Identifier: MIT
#include <longhand/backend/cpu.hpp>
#include <longhand/backend/reference.hpp>
#include <longhand/gradcheck/check_latent.hpp>
#include <longhand/latent/gaussian.hpp>

#include "instantiate/parts.hpp"
#include "support/allocation_count.hpp"
#include "support/matrix.hpp"

using namespace longhand;
using namespace longhand::test;

namespace {

template <class B>
struct Fixture : Bench<B> {
  using S = typename B::Scalar;
  using Cache = typename GaussianLatent<B>::Cache;
  GaussianLatent<B> latent;
  Matrix<S> h, z, dz, dh, w, kl, condition;
  Fixture(const GaussianLatentSpec& spec, Index n, Index gap = 0, B on = B(),
          Index condition_dim = 0)
      : Bench<B>(on),
        latent(this->layout, spec, condition_dim),
        h(2 * spec.dim, n, gap),
        z(spec.dim, n, gap),
        dz(spec.dim, n, gap),
        dh(2 * spec.dim, n, gap),
        w(1, n, gap),
        kl(1, n, gap),
        condition(condition_dim, n, gap) {
    this->ready();
    h.randomise(7, -3, 3), dz.randomise(8), w.randomise(9, 0.2, 2), condition.randomise(10);
  }
  ConstView<B> given() const { return condition.rows() > 0 ? condition.view() : ConstView<B>{}; }
  void forward(const Pass<B>& pass, Cache& cache) {
    latent.forward(pass, h.view(), given(), z.view(), cache);
  }
  /// With the KL weighed, or without it.
  void backward(const Pass<B>& pass, const Cache& cache, bool weighed) {
    latent.backward(pass, cache, weighed ? ConstView<B>(w.view()) : ConstView<B>{}, dz.view(),
                    dh.view(), weighed ? kl.view() : View<B>{});
  }
};

GaussianLatentSpec conditional(Index dim) {
  return {.dim = dim, .prior = ConditionalPrior{mlp({4}, Tanh{})}};
}

}  // namespace

TEST_CASE_TEMPLATE("gaussian latent: worked numbers, mu above raw [REP-1] [REP-2] [REP-3] [REP-4]",
                   B, Reference<double>, Cpu<double>, Cpu<float>) {
  using S = typename B::Scalar;
  Fixture<B> f({.dim = 1}, 2);
  const S h[] = {S(0.5), S(-0.2), -1, 3}, eps[] = {S(1.5), S(-0.5)}, dz[] = {S(0.3), S(-0.7)};
  f.backend.upload(h, f.h.view());
  f.backend.upload(dz, f.dz.view());
  const Pass<B> pass = f.pass();
  typename Fixture<B>::Cache cache;
  f.forward(pass, cache);
  // The noise of the page in place of the drawn one.
  Matrix<S> noise(1, 2);
  f.backend.upload(eps, noise.view());
  cache.eps = noise.view();
  f.backward(pass, cache, false);
  const std::vector<double> logvar = flat(cache.logvar), dh = f.dh.flat();
  const double want_logvar[] = {-0.19998814899088585, 2.96062980337356},
               want_dh[] = {0.3, 0.2035534360037761, -0.7, 0.739049374965132};
  const double u = 8 * std::numeric_limits<S>::epsilon();
  for (std::size_t k = 0; k < 2; ++k) CHECK_FALSE(!(std::abs(logvar[k] - want_logvar[k]) <= 3 * u));
  for (std::size_t k = 0; k < 4; ++k) CHECK_FALSE(!(std::abs(dh[k] - want_dh[k]) <= u));
}

TEST_CASE_TEMPLATE("gaussian latent: z is mu + sigma eps with the noise of key and sample [REP-2]",
                   B, Reference<double>, Cpu<double>) {
  Fixture<B> f({.dim = 5}, 7);
  const Pass<B> pass = f.pass();
  typename Fixture<B>::Cache cache;
  f.forward(pass, cache);
  Matrix<double> eps(5, 7);
  f.backend.fill_normal(f.key, {}, eps);
  CHECK(flat(cache.eps) == eps.flat());
  for (Index j = 0; j < 7; ++j)
    for (Index i = 0; i < 5; ++i) {
      const double logvar = 15 * std::tanh(f.h(5 + i, j) / 15);
      CHECK_FALSE(!(std::abs(cache.logvar(i, j) - logvar) <= 1e-14 * 15));
      CHECK_FALSE(!(std::abs(f.z(i, j) - (f.h(i, j) + std::exp(logvar / 2) * eps(i, j))) <= 1e-13));
    }
  Matrix<double> mean(5, 7), logvar(5, 7);
  f.latent.mean(pass, f.h.view(), mean.view(), logvar.view());
  for (Index i = 0; i < 5; ++i) CHECK(mean(i, 3) == f.h(i, 3));
  CHECK(logvar.flat() == flat(cache.logvar));
  mean.poison(), logvar.poison();  // each alone
  f.latent.mean(pass, f.h.view(), mean.view());
  f.latent.mean(pass, f.h.view(), {}, logvar.view());
  CHECK(mean(4, 6) == f.h(4, 6));
  CHECK(logvar.flat() == flat(cache.logvar));
}

TEST_CASE_TEMPLATE(
    "gaussian latent: gradient and contracts, joined with the KL's [REP-3] [REP-4] [REP-5] "
    "[ELBO-4]",
    B, Reference<double>, Cpu<double>) {
  for (const bool weighed : {true, false})
    for (const double c : {15.0, 2.0, HUGE_VAL})
      for (const Index dim : {1, 3, 17})
        LONGHAND_CHECK(check_latent<B>("gaussian latent",
                                       [&]<class On>(ParamLayout& layout) {
                                         return GaussianLatent<On>(
                                             layout, {.dim = dim, .logvar_bound = c}, 0);
                                       },
                                       {.weighed = weighed}));
}

TEST_CASE_TEMPLATE("gaussian latent: without a weight only what comes through z, over NaN [REP-3]",
                   B, Reference<double>, Cpu<double>, Cpu<float>) {
  using S = typename B::Scalar;
  for (const bool learned : {false, true}) {
    Fixture<B> f(learned ? conditional(3) : GaussianLatentSpec{.dim = 3}, 5, 2, B(),
                 learned ? 2 : 0);
    const Pass<B> pass = f.pass();
    typename Fixture<B>::Cache cache;
    f.forward(pass, cache);
    f.dh.poison();
    f.backward(pass, cache, false);
    const double u = 8 * std::numeric_limits<S>::epsilon();
    double worst = 0;
    for (Index j = 0; j < 5; ++j)
      for (Index i = 0; i < 3; ++i) {
        CHECK(f.dh(i, j) == f.dz(i, j));  // [REP-3]
        const double l = static_cast<double>(cache.logvar(i, j)), r = l / 15,
                     want = 0.5 * static_cast<double>(f.dz(i, j)) *
                            static_cast<double>(cache.eps(i, j)) * std::exp(l / 2) * (1 - r * r);
        worst = std::max(worst, std::abs(static_cast<double>(f.dh(3 + i, j)) - want) /
                                    std::max(1.0, std::abs(want)));
      }
    CHECK_FALSE(!(worst <= u));
    CHECK(f.dh.guarded());
    // The KL is not part of the objective: its row is not written, the prior gets no gradient.
    for (const double v : f.kl.flat()) CHECK(std::isnan(v));
    for (std::size_t b = 0; b < f.layout.blocks().size(); ++b)
      CHECK(f.grads.next_write(static_cast<BlockId>(b)) == Store::assign);
  }
}

TEST_CASE_TEMPLATE(
    "gaussian latent: a weight of 0 leaves what comes through z; the KL is told all the same "
    "[ELBO-4]",
    B, Reference<double>, Cpu<double>) {
  Fixture<B> f({.dim = 4}, 6);
  const Pass<B> pass = f.pass();
  typename Fixture<B>::Cache cache;
  f.forward(pass, cache);
  f.backward(pass, cache, false);
  const auto alone = f.dh.flat();
  f.w.fill(0);
  f.backward(pass, cache, true);
  CHECK(f.dh.flat() == alone);
  // And the KL is told all the same: by backward and by values, from a caller's row.
  Matrix<double> kl(1, 6, 2);
  f.latent.values(pass, cache, kl.view());
  for (Index j = 0; j < 6; ++j) {
    double want = 0;
    for (Index i = 0; i < 4; ++i) {
      const double mu = f.h(i, j), l = 15 * std::tanh(f.h(4 + i, j) / 15);
      want += 0.5 * (mu * mu + std::expm1(l) - l);  // [KL-1]
    }
    CHECK_FALSE(!(std::abs(kl(0, j) - want) <= 1e-13 * want));
    CHECK_FALSE(!(std::abs(f.kl(0, j) - kl(0, j)) <= 1e-13 * want));
  }
  CHECK(kl.guarded());
}

TEST_CASE_TEMPLATE("gaussian latent: the ratio at the draw is that of the two densities [KL-10]", B,
                   Reference<double>, Cpu<double>) {
  const auto log_density = [](double z, double mu, double logvar) {
    return -(std::log(2 * 3.141592653589793) + logvar + (z - mu) * (z - mu) * std::exp(-logvar)) /
           2;
  };
  for (const bool learned : {false, true}) {
    Fixture<B> f(learned ? conditional(4) : GaussianLatentSpec{.dim = 4}, 7, 1, B(),
                 learned ? 2 : 0);
    const Pass<B> pass = f.pass();
    typename Fixture<B>::Cache cache;
    f.forward(pass, cache);
    Matrix<double> ratio(1, 7, 2);
    f.latent.log_ratio(pass, cache, ratio.view());
    for (Index j = 0; j < 7; ++j) {
      double want = 0, terms = 0;
      for (Index i = 0; i < 4; ++i) {
        const double q = log_density(f.z(i, j), cache.mu(i, j), cache.logvar(i, j));
        const double p =
            learned ? log_density(f.z(i, j), cache.prior.mu(i, j), cache.prior.logvar(i, j))
                    : log_density(f.z(i, j), 0, 0);
        want += q - p;
        terms += std::abs(q) + std::abs(p);
      }
      CHECK_FALSE(!(std::abs(ratio(0, j) - want) <= 1e-14 * terms));
    }
    CHECK(ratio.guarded());
  }
}

TEST_CASE_TEMPLATE("gaussian latent: draws from the prior have a stream of their own [REP-2]", B,
                   Reference<double>, Cpu<double>) {
  Fixture<B> f(conditional(3), 5, 1, B(), 2), plain({.dim = 3}, 5);
  NoiseKey key = f.key;
  key.stream = Stream::prior;
  Matrix<double> eps(3, 5), z(3, 5, 2);
  f.backend.fill_normal(key, {}, eps);
  plain.latent.from_prior(plain.pass(), {}, z.view());
  CHECK(z.flat() == eps.flat());
  CHECK(z.guarded());
  // The key's own stream belongs to the codes.
  typename Fixture<B>::Cache cache;
  const Pass<B> pass = f.pass();
  f.forward(pass, cache);
  CHECK(flat(cache.eps) != eps.flat());
  CHECK(cache.prior.present());
  z.poison();
  f.latent.from_prior(pass, f.given(), z.view());
  for (Index j = 0; j < 5; ++j)
    for (Index i = 0; i < 3; ++i) {
      const double want = cache.prior.mu(i, j) + std::exp(cache.prior.logvar(i, j) / 2) * eps(i, j);
      CHECK_FALSE(!(std::abs(z(i, j) - want) <= 1e-14 * (1 + std::abs(want))));
    }
  CHECK(z.guarded());
}

TEST_CASE("gaussian latent: statistics add the KL of each unit and tell the means [KL-1] [KL-4]") {
  using B = Cpu<double>;
  for (const bool learned : {false, true}) {
    Fixture<B> f(learned ? conditional(3) : GaussianLatentSpec{.dim = 3}, 5, 0, B(),
                 learned ? 2 : 0);
    const Pass<B> pass = f.pass();
    Fixture<B>::Cache cache;
    f.forward(pass, cache);
    f.latent.values(pass, cache, f.kl.view());
    Matrix<double> units(3, 1), mean(3, 5);
    units.fill(0);
    CHECK(f.latent.units() == 3);
    f.latent.statistics(pass, cache, units.view(), mean.view());
    f.latent.statistics(pass, cache, units.view(), mean.view());
    double by_sample = 0, by_unit = 0;
    for (const double v : f.kl.flat()) by_sample += v;
    for (const double v : units.flat()) by_unit += v / 2;
    CHECK_FALSE(!(std::abs(by_sample - by_unit) <= 1e-14 * by_sample));
    CHECK(mean.flat() == flat(cache.mu));
  }
}

TEST_CASE("gaussian latent: float within the declared bounds, awkward shapes [REP-2] [REP-4]") {
  using R = Reference<long double>;
  for (const auto& [dim, n] : {std::array<Index, 2>{1, 1}, {2, 257}, {16, 7}, {33, 2}, {65, 0}}) {
    Fixture<Cpu<float>> f({.dim = dim}, n, 3, Cpu<float>(2));
    Fixture<R> r({.dim = dim}, n);
    const auto pass = f.pass();
    const auto judge = r.pass();
    Fixture<Cpu<float>>::Cache cache;
    Fixture<R>::Cache cache_r;
    f.forward(pass, cache);
    r.forward(judge, cache_r);
    double worst = 0;
    const auto see = [&](const std::vector<double>& got, const std::vector<double>& want,
                         double size) {
      for (std::size_t k = 0; k < got.size(); ++k) {
        const double ratio =
            std::abs(got[k] - want[k]) / (8 * std::numeric_limits<float>::epsilon() * size);
        if (!(ratio <= worst)) worst = ratio;
      }
    };
    // |logvar| <= 3 and |eps| <= 6.7: e^(3/2) times that is the largest term of z.
    see(f.z.flat(), r.z.flat(), 3 + 4.5 * 6.7);
    f.backward(pass, cache, false);
    r.backward(judge, cache_r, false);
    see(f.dh.flat(), r.dh.flat(), 3 + 4.5 * 6.7);
    f.backward(pass, cache, true);
    r.backward(judge, cache_r, true);
    see(f.dh.flat(), r.dh.flat(), 3 + 4.5 * 6.7 + 2 * 10);  // w e^logvar / 2
    CHECK_FALSE(!(worst <= 1));
    for (const auto* m : {&f.z, &f.dh, &f.h, &f.kl, &f.w}) CHECK(m->guarded());
  }
}

TEST_CASE("gaussian latent: the same bits on 1 and 3 threads, with and without a weight") {
  using B = Cpu<float>;
  const auto run = [](int threads, bool weighed) {
    Fixture<B> f(conditional(20), 600, 0, B(threads), 5);
    const Pass<B> pass = f.pass();
    Fixture<B>::Cache cache;
    f.forward(pass, cache);
    f.kl.fill(0);
    f.backward(pass, cache, weighed);
    f.grads.zero_unwritten(f.backend);
    std::vector<double> all = f.z.flat();
    for (const auto& more : {f.dh.flat(), f.kl.flat(), flat(f.grads.flat())})
      all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  for (const bool weighed : {true, false}) CHECK(run(1, weighed) == run(3, weighed));
}

TEST_CASE_TEMPLATE("gaussian latent: extreme heads stay finite, NaN shows [REP-1]", B, Cpu<float>,
                   Cpu<double>) {
  using S = typename B::Scalar;
  Fixture<B> f({.dim = 2}, 2);
  typename Fixture<B>::Cache cache;
  for (const double raw : {-1e30, -710., -88., 0., 88., 710., 1e30}) {
    f.h.fill(raw);
    // A mean of 1e30 has a KL that is not a float: the objective without it.
    const bool weighed = std::abs(raw) < 1e30 || std::is_same_v<S, double>;
    const Pass<B> pass = f.pass();
    f.forward(pass, cache);
    f.backward(pass, cache, weighed);
    for (const double v : f.z.flat()) CHECK(std::isfinite(v));
    for (const double v : f.dh.flat()) CHECK(std::isfinite(v));
  }
  f.h.fill(0);
  f.h(3, 1) = std::numeric_limits<S>::quiet_NaN();
  const Pass<B> pass = f.pass();
  f.forward(pass, cache);
  f.backward(pass, cache, true);
  CHECK(std::isnan(f.z(1, 1)));
  CHECK(std::isnan(f.dh(3, 1)));
  CHECK(std::isnan(f.kl(0, 1)));
  CHECK(std::isfinite(f.z(1, 0)));
  CHECK(std::isfinite(f.kl(0, 0)));
}

TEST_CASE("gaussian latent: what it tells of itself") {
  Fixture<Cpu<double>> f({.dim = 3}, 4);
  CHECK(f.latent.head_rows() == 6);
  CHECK(f.latent.z_rows() == 3);
  CHECK(f.latent.has_density());
  REQUIRE(f.latent.terms().size() == 1);
  CHECK(f.latent.terms()[0].name == "kl");
  CHECK(f.layout.blocks().empty());
}

TEST_CASE("gaussian latent: wrong shapes are refused by name") {
  using B = Cpu<double>;
  Fixture<B> f({.dim = 3}, 4);
  Matrix<double> five(5, 4);
  Fixture<B>::Cache cache;
  check_refused("latent: h",
                [&] { f.latent.forward(f.pass(), five.view(), {}, f.z.view(), cache); });
  check_refused("latent: z",
                [&] { f.latent.forward(f.pass(), f.h.view(), {}, five.view(), cache); });
  const Pass<B> pass = f.pass();
  f.forward(pass, cache);
  for (const bool weighed : {true, false}) {
    const ConstView<B> w = weighed ? ConstView<B>(f.w.view()) : ConstView<B>{};
    check_refused("latent: dz", [&] {
      f.latent.backward(pass, cache, w, five.view(), f.dh.view(), f.kl.view());
    });
    check_refused("latent: dh", [&] {
      f.latent.backward(pass, cache, w, f.dz.view(), five.view(), f.kl.view());
    });
  }
  check_refused("latent: kl", [&] {
    f.latent.backward(pass, cache, f.w.view(), f.dz.view(), f.dh.view(), five.view());
  });
  check_refused("latent: kl", [&] { f.latent.values(pass, cache, five.view()); });
}

#ifndef __clang__  // libomp allocates for every worksharing loop
TEST_CASE("gaussian latent: nothing is allocated after the first call") {
  using B = Cpu<float>;
  Fixture<B> f(conditional(20), 600, 0, B(2), 5);
  const auto step = [&] {
    const Pass<B> pass = f.pass();
    Fixture<B>::Cache cache;
    f.forward(pass, cache);
    f.backward(pass, cache, true);
    f.backward(pass, cache, false);
    f.latent.values(pass, cache, f.kl.view());
  };
  step();
  AllocationCount count;
  step();
  CHECK(count.get() == 0);
}
#endif
