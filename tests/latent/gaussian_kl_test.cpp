// SPDX-License-Identifier: MIT
#include <longhand/backend/cpu.hpp>
#include <longhand/backend/reference.hpp>
#include <longhand/gradcheck/check_layer.hpp>
#include <longhand/latent/gaussian_kl.hpp>

#include "support/allocation_count.hpp"
#include "support/matrix.hpp"

using namespace longhand;
using namespace longhand::test;

namespace {

/// (mu; logvar) of q above, of p below, as matrices.
template <class B>
struct Fixture : Bench<B> {
  using S = typename B::Scalar;
  Index dim;
  bool conditional;
  Matrix<S> q, p, kl, dh, dprior, w;
  Fixture(Index rows, Index n, bool with_prior, Index gap = 0, B on = B())
      : Bench<B>(on),
        dim(rows),
        conditional(with_prior),
        q(2 * dim, n, gap),
        p(2 * dim, n, gap),
        kl(1, n, gap),
        dh(2 * dim, n, gap),
        dprior(2 * dim, n, gap),
        w(1, n, gap) {
    this->ready();
    q.randomise(1, -2, 2), p.randomise(2, -2, 2), w.randomise(3, 0.2, 2);
  }
  GaussianKl<B> divergence() {
    GaussianKl<B> d{q.view().middle_rows(0, dim), q.view().middle_rows(dim, dim), {}};
    if (conditional) d.p = {p.view().middle_rows(0, dim), p.view().middle_rows(dim, dim)};
    return d;
  }
  void both() {
    divergence().value_and_gradient(this->pass(), per_sample(w.view()), kl.view(), dh.view(),
                                    conditional ? dprior.view() : View<B>{});
  }
  void value() { divergence().value(this->pass(), kl.view()); }
};

/// The KL as a layer with one output: of (mu; logvar), and of (mu_p; logvar_p) below them where
/// there is a prior. What comes from above is the weight.
template <class B>
struct KlLayer {
  Index dim;
  bool prior;

  Index in() const { return (prior ? 4 : 2) * dim; }
  static Index out() { return 1; }
  GaussianKl<B> of(ConstView<B> x) const {
    const auto rows = [&](Index k) { return x.middle_rows(k * dim, dim); };
    return {rows(0), rows(1), prior ? PriorMoments<B>{rows(2), rows(3)} : PriorMoments<B>{}};
  }
  void forward(const Pass<B>& pass, ConstView<B> x, View<B> kl) const { of(x).value(pass, kl); }
  void backward(const Pass<B>& pass, ConstView<B> x, ConstView<B> w, View<B> dx) const {
    if (!dx.present()) return;
    of(x).value_and_gradient(pass, per_sample(w), pass.matrix(1, x.cols),
                             dx.middle_rows(0, 2 * dim),
                             prior ? dx.middle_rows(2 * dim, 2 * dim) : View<B>{});
  }
};

}  // namespace

TEST_CASE_TEMPLATE("gaussian KL divergence: worked numbers, two dimensions [KL-1] [KL-2] [KL-3]", B,
                   Reference<double>, Cpu<double>, Cpu<float>) {
  using S = typename B::Scalar;
  Fixture<B> f(2, 1, false);
  const S q[] = {S(0.5), -1, S(-0.2), 1};
  f.backend.upload(q, f.q.view());
  f.w.fill(2);
  f.both();
  const double e = 8 * std::numeric_limits<S>::epsilon();
  CHECK_FALSE(!(std::abs(f.kl(0) - (0.13436537653899092 + 0.8591409142295227)) <= e));
  const double want[] = {0.5, -1, -0.09063462346100908, 0.8591409142295227};
  for (Index i = 0; i < 4; ++i) CHECK_FALSE(!(std::abs(f.dh(i) - 2 * want[i]) <= e));
}

TEST_CASE_TEMPLATE(
    "gaussian KL divergence: worked numbers, a prior [KL-4] [KL-5] [KL-6] [KL-7] [KL-8]", B,
    Reference<double>, Cpu<double>, Cpu<float>) {
  using S = typename B::Scalar;
  Fixture<B> f(1, 2, true);
  const S q[] = {S(0.5), S(-0.2), -1, 1}, p[] = {S(0.2), S(0.3), S(0.5), S(-0.7)};
  f.backend.upload(q, f.q.view());
  f.backend.upload(p, f.p.view());
  f.w.fill(1);
  f.both();
  const double kl[] = {0.08660214978699401, 3.652445491767886},
               dh[] = {0.22224546620451535, -0.1967346701436833, -3.0206290612057147,
                       2.2369736958636},
               dp[] = {-0.22224546620451535, 0.16339785021300599, 3.0206290612057147,
                       -4.502445491767886};
  const double e = 32 * std::numeric_limits<S>::epsilon();
  for (Index j = 0; j < 2; ++j) CHECK_FALSE(!(std::abs(f.kl(0, j) - kl[j]) <= e));
  for (Index k = 0; k < 4; ++k) {
    CHECK_FALSE(!(std::abs(f.dh(k % 2, k / 2) - dh[k]) <= e));
    CHECK_FALSE(!(std::abs(f.dprior(k % 2, k / 2) - dp[k]) <= e));
  }
}

TEST_CASE_TEMPLATE(
    "gaussian KL divergence: gradient and contracts [KL-2] [KL-3] [KL-5] [KL-6] [KL-7] [KL-8]", B,
    Reference<double>, Cpu<double>) {
  for (const bool prior : {false, true})
    for (const Index dim : {1, 3, 17})
      LONGHAND_CHECK(check_layer<B>("KL", [&]<class On>(ParamLayout&) {
        return KlLayer<On>{dim, prior};
      }));
}

TEST_CASE_TEMPLATE("gaussian KL divergence: assigns, adds up, stays inside [KL-1] [KL-4]", B,
                   Reference<double>, Cpu<double>, Cpu<float>) {
  for (const bool conditional : {false, true})
    for (const auto& [dim, n] : {std::array<Index, 2>{1, 1}, {2, 257}, {16, 7}, {17, 7}, {65, 3}}) {
      Fixture<B> f(dim, n, conditional, 3), each(1, 1, conditional);
      f.both();
      const auto value = f.kl.flat(), dh = f.dh.flat();
      f.both();  // assigns: the same again
      CHECK(f.dh.flat() == dh);
      f.kl.poison();
      f.value();
      CHECK(f.kl.flat() == value);
      Matrix<typename B::Scalar> per_unit(dim, 1);
      per_unit.fill(0);
      f.divergence().add_per_unit(f.pass(), per_unit.view());
      f.divergence().add_per_unit(f.pass(), per_unit.view());
      double by_sample = 0, by_unit = 0;
      for (const double v : value) by_sample += v;
      for (const double v : per_unit.flat()) by_unit += v / 2;
      const double eps = std::numeric_limits<typename B::Scalar>::epsilon();
      CHECK_FALSE(
          !(std::abs(by_sample - by_unit) <= static_cast<double>(dim + n) * eps * by_sample));
      // One element alone is the sum's term, its gradient w_j times the term's.
      const Index i = dim - 1, j = n - 1;
      for (Index k = 0; k < 2; ++k)
        each.q(k) = f.q(i + k * dim, j), each.p(k) = f.p(i + k * dim, j);
      each.w(0) = f.w(0, j);
      each.both();
      const auto same = [&](double one, double of_many) {  // but for a multiply-add's rounding
        CHECK_FALSE(!(std::abs(one - of_many) <= 8 * eps * std::max(1.0, std::abs(one))));
      };
      same(each.dh(0), f.dh(i, j));
      same(each.dh(1), f.dh(i + dim, j));
      if (conditional) same(each.dprior(1), f.dprior(i + dim, j));
      if (dim == 1) same(each.kl(0), f.kl(0, j));
      for (const auto* m : {&f.q, &f.p, &f.kl, &f.dh, &f.dprior}) CHECK(m->guarded());
    }
}

TEST_CASE("gaussian KL divergence: float within the declared bounds [KL-1] [KL-4]") {
  using F = Cpu<float>;
  using R = Reference<long double>;
  for (const bool conditional : {false, true})
    for (const auto& [dim, n] : {std::array<Index, 2>{1, 257}, {2, 7}, {33, 2}, {64, 7}, {3, 0}}) {
      Fixture<F> f(dim, n, conditional, 1, F(2));
      Fixture<R> r(dim, n, conditional);
      f.both(), r.both();
      // |mu|, |logvar| <= 2, so |d|, |delta| <= 4: terms below e^4 and 16 e^2.
      const double eps = std::numeric_limits<float>::epsilon(), size = 16 * 7.4 + 54.6 * 5;
      double worst = 0;
      const auto see = [&](const std::vector<double>& got, const std::vector<double>& want,
                           double bound) {
        for (std::size_t k = 0; k < got.size(); ++k)
          if (!(std::abs(got[k] - want[k]) / bound <= worst))
            worst = std::abs(got[k] - want[k]) / bound;
      };
      const double terms = static_cast<double>(dim);
      see(f.kl.flat(), r.kl.flat(), (4 + terms) * terms * eps * size);
      see(f.dh.flat(), r.dh.flat(), 10 * eps * size);
      if (conditional) see(f.dprior.flat(), r.dprior.flat(), 10 * eps * size);
      CHECK_FALSE(!(worst <= 1));
    }
}

TEST_CASE_TEMPLATE(
    "gaussian KL divergence: finite wherever the bound lets a log variance be [KL-1]", B,
    Cpu<float>, Cpu<double>) {
  using S = typename B::Scalar;
  for (const bool conditional : {false, true})
    for (const double logvar : {-15., 15.}) {
      Fixture<B> f(2, 2, conditional);
      f.q.fill(logvar), f.p.fill(-logvar);
      f.q(0, 0) = S(1e12);
      f.both();
      for (const double v : f.kl.flat()) CHECK((std::isfinite(v) && v > 0));
      for (const double v : f.dh.flat()) CHECK(std::isfinite(v));
      f.q(3, 1) = std::numeric_limits<S>::quiet_NaN();
      f.both();
      CHECK(std::isnan(f.kl(0, 1)));
      CHECK(std::isfinite(f.kl(0, 0)));
    }
}

TEST_CASE("gaussian KL divergence: wrong shapes are refused by name") {
  using B = Cpu<double>;
  Fixture<B> f(3, 4, true);
  Matrix<double> five(5, 4), wide(1, 5);
  const auto call = [&](View<B> kl, View<B> dh, View<B> dprior) {
    f.divergence().value_and_gradient(f.pass(), constant<B>(1), kl, dh, dprior);
  };
  check_refused("latent: kl", [&] { call(wide, f.dh, f.dprior); });
  check_refused("latent: dh", [&] { call(f.kl, five, f.dprior); });
  check_refused("latent: dprior", [&] { call(f.kl, f.dh, five); });
  check_refused("latent: dprior", [&] { call(f.kl, f.dh, {}); });
  check_refused("latent: kl", [&] { f.divergence().value(f.pass(), wide); });
}

#ifndef __clang__  // libomp allocates for every worksharing loop
TEST_CASE("gaussian KL divergence: nothing is allocated after the first call") {
  Fixture<Cpu<float>> f(20, 600, true, 0, Cpu<float>(2));
  f.both();
  AllocationCount count;
  f.both();
  CHECK(count.get() == 0);
}
#endif
