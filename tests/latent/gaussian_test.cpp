// SPDX-License-Identifier: MIT
#include <longhand/backend/cpu.hpp>
#include <longhand/backend/reference.hpp>
#include <longhand/gradcheck/check_latent.hpp>
#include <longhand/latent/any.hpp>
#include <longhand/latent/gaussian.hpp>

#include "support/allocation_count.hpp"
#include "support/matrix.hpp"

using namespace longhand;
using namespace longhand::test;

namespace {

template <class B>
struct Fixture : Bench<B> {
  using S = typename B::Scalar;
  GaussianLatent latent;
  Matrix<S> h, z, dz, dh;
  Fixture(Index dim, Index n, double c = 15, Index gap = 0, B on = B())
      : Bench<B>(on),
        latent{dim, {c}},
        h(2 * dim, n, gap),
        z(dim, n, gap),
        dz(dim, n, gap),
        dh(2 * dim, n, gap) {
    this->ready();
    h.randomise(7, -3, 3), dz.randomise(8), dh.fill(0);
  }
};

}  // namespace

TEST_CASE_TEMPLATE("gaussian latent: worked numbers, mu above raw [REP-1] [REP-2] [REP-3] [REP-4]",
                   B, Reference<double>, Cpu<double>, Cpu<float>) {
  using S = typename B::Scalar;
  Fixture<B> f(1, 2);
  const S h[] = {S(0.5), S(-0.2), -1, 3}, eps[] = {S(1.5), S(-0.5)}, dz[] = {S(0.3), S(-0.7)};
  f.backend.upload(h, f.h.view());
  f.backend.upload(dz, f.dz.view());
  const Pass<B> pass = f.pass();
  LatentCache<B> cache;
  f.latent.sample(pass, f.h.view(), f.z.view(), cache);
  // The noise of the page in place of the drawn one.
  Matrix<S> noise(1, 2);
  f.backend.upload(eps, noise.view());
  cache.eps = noise.view();
  f.latent.backward(pass, cache, f.dz.view(), f.dh.view());
  const std::vector<double> logvar = flat(cache.logvar), dh = f.dh.flat();
  const double want_logvar[] = {-0.19998814899088585, 2.96062980337356},
               want_dh[] = {0.3, 0.2035534360037761, -0.7, 0.739049374965132};
  const double u = 8 * std::numeric_limits<S>::epsilon();
  for (std::size_t k = 0; k < 2; ++k) CHECK_FALSE(!(std::abs(logvar[k] - want_logvar[k]) <= 3 * u));
  for (std::size_t k = 0; k < 4; ++k) CHECK_FALSE(!(std::abs(dh[k] - want_dh[k]) <= u));
}

TEST_CASE_TEMPLATE("gaussian latent: z is mu + sigma eps with the noise of key and row [REP-2]", B,
                   Reference<double>, Cpu<double>) {
  Fixture<B> f(5, 7);
  const Pass<B> pass = f.pass();
  LatentCache<B> cache;
  f.latent.sample(pass, f.h.view(), f.z.view(), cache);
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
}

TEST_CASE_TEMPLATE(
    "gaussian latent: gradient and contracts, joined with the divergence's [REP-3] [REP-4] [REP-5] "
    "[ELBO-4]",
    B, Reference<double>, Cpu<double>) {
  for (const double c : {15.0, 2.0, HUGE_VAL})
    for (const Index dim : {1, 3, 17})
      LONGHAND_CHECK(check_latent<B>("gaussian latent", GaussianLatent{dim, {c}}));
}

TEST_CASE("gaussian latent: float within the declared bounds, awkward shapes [REP-2] [REP-4]") {
  using R = Reference<long double>;
  for (const auto& [dim, n] : {std::array<Index, 2>{1, 1}, {2, 257}, {16, 7}, {33, 2}, {65, 0}}) {
    Fixture<Cpu<float>> f(dim, n, 15, 3, Cpu<float>(2));
    Fixture<R> r(dim, n);
    const auto pass = f.pass();
    const auto judge = r.pass();
    LatentCache<Cpu<float>> cache;
    LatentCache<R> cache_r;
    f.latent.sample(pass, f.h.view(), f.z.view(), cache);
    r.latent.sample(judge, r.h.view(), r.z.view(), cache_r);
    f.latent.backward(pass, cache, f.dz.view(), f.dh.view());
    r.latent.backward(judge, cache_r, r.dz.view(), r.dh.view());
    double worst = 0;
    for (const auto& [got, want] : {std::pair{f.z.flat(), r.z.flat()}, {f.dh.flat(), r.dh.flat()}})
      for (std::size_t k = 0; k < got.size(); ++k) {
        // |logvar| <= 3 and |eps| <= 6.7: e^(3/2) times that is the largest term.
        const double ratio = std::abs(got[k] - want[k]) /
                             (8 * std::numeric_limits<float>::epsilon() * (3 + 4.5 * 6.7));
        if (!(ratio <= worst)) worst = ratio;
      }
    CHECK_FALSE(!(worst <= 1));
    CHECK(f.z.guarded());
    CHECK(f.dh.guarded());
    CHECK(f.h.guarded());
  }
}

TEST_CASE_TEMPLATE("gaussian latent: extreme heads stay finite, NaN shows [REP-1]", B, Cpu<float>,
                   Cpu<double>) {
  using S = typename B::Scalar;
  Fixture<B> f(2, 2);
  for (const double raw : {-1e30, -710., -88., 0., 88., 710., 1e30}) {
    f.h.fill(raw);
    f.dh.fill(1);
    const Pass<B> pass = f.pass();
    LatentCache<B> cache;
    f.latent.sample(pass, f.h.view(), f.z.view(), cache);
    f.latent.backward(pass, cache, f.dz.view(), f.dh.view());
    for (const double v : f.z.flat()) CHECK(std::isfinite(v));
    for (const double v : f.dh.flat()) CHECK(std::isfinite(v));
  }
  f.h.fill(0);
  f.h(3, 1) = std::numeric_limits<S>::quiet_NaN();
  LatentCache<B> cache;
  f.latent.sample(f.pass(), f.h.view(), f.z.view(), cache);
  CHECK(std::isnan(f.z(1, 1)));
  CHECK(std::isfinite(f.z(1, 0)));
}

TEST_CASE("gaussian latent: wrong shapes are refused by name") {
  using B = Cpu<double>;
  Fixture<B> f(3, 4);
  Matrix<double> five(5, 4);
  LatentCache<B> cache;
  check_refused("latent: h", [&] { f.latent.sample(f.pass(), five.view(), f.z.view(), cache); });
  check_refused("latent: z", [&] { f.latent.sample(f.pass(), f.h.view(), five.view(), cache); });
  const Pass<B> pass = f.pass();
  f.latent.sample(pass, f.h.view(), f.z.view(), cache);
  check_refused("latent: dz", [&] { f.latent.backward(pass, cache, five.view(), f.dh.view()); });
  check_refused("latent: dh", [&] { f.latent.backward(pass, cache, f.dz.view(), five.view()); });
}

TEST_CASE("any latent: hands every call on [REP-2] [REP-6]") {
  using B = Cpu<double>;
  Fixture<B> f(3, 4);
  const AnyLatent any = f.latent, plain = DeterministicLatent{3};
  CHECK(any.head_rows() == 6);
  CHECK(any.dim_rows() == 3);
  CHECK(any.has_divergence());
  CHECK(plain.head_rows() == 3);
  CHECK(!plain.has_divergence());
  LatentCache<B> cache;
  Pass<B> pass = f.pass();
  f.latent.sample(pass, f.h.view(), f.z.view(), cache);
  f.latent.backward(pass, cache, f.dz.view(), f.dh.view());
  const auto z = f.z.flat(), dh = f.dh.flat();
  f.z.poison(), f.dh.fill(0);
  any.sample<B>(pass, f.h.view(), f.z.view(), cache);
  any.backward<B>(pass, cache, f.dz.view(), f.dh.view());
  CHECK(f.z.flat() == z);
  CHECK(f.dh.flat() == dh);
  Matrix<double> mean(3, 4);
  any.mean<B>(pass, f.h.view(), mean.view(), {});
  CHECK(mean(2, 1) == f.h(2, 1));
}

#ifndef __clang__  // libomp allocates for every worksharing loop
TEST_CASE("gaussian latent: nothing is allocated after the first call") {
  using B = Cpu<float>;
  Fixture<B> f(20, 600, 15, 0, B(2));
  const auto step = [&] {
    const Pass<B> pass = f.pass();
    LatentCache<B> cache;
    f.latent.sample(pass, f.h.view(), f.z.view(), cache);
    f.latent.backward(pass, cache, f.dz.view(), f.dh.view());
  };
  step();
  AllocationCount count;
  step();
  CHECK(count.get() == 0);
}
#endif
