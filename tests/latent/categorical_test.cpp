// SPDX-License-Identifier: MIT
#include "longhand/latent/categorical.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "instantiate/parts.hpp"
#include "longhand/backend/cpu.hpp"
#include "longhand/gradcheck/check_gradient.hpp"
#include "longhand/gradcheck/check_latent.hpp"
#include "longhand/gradcheck/doctest.hpp"
#include "support/matrix.hpp"

namespace {

using namespace longhand;
using namespace longhand::test;

constexpr Index kVariables = 3, kClasses = 4, kRows = kVariables * kClasses;

CategoricalLatentSpec spec_of(Estimator estimator) {
  return {.variables = kVariables, .classes = kClasses, .estimator = estimator};
}

/// One latent with a batch of n, at a temperature, in a workspace full of NaN.
template <class B>
struct Fixture : Bench<B> {
  using S = typename B::Scalar;
  CategoricalLatent<B> latent;
  typename CategoricalLatent<B>::Cache cache;
  HostScalars<S> numbers;
  Matrix<S> h, z, dz, dh, w, rows;

  explicit Fixture(Index n, Estimator estimator = Estimator::gumbel, double tau = 0.7,
                   Index gap = 0)
      : latent(this->layout, spec_of(estimator), 0),
        numbers{.schedules = {S(1), S(tau)}},
        h(kRows, n),
        z(kRows, n),
        dz(kRows, n, gap),
        dh(kRows, n),
        w(1, n),
        rows(1, n) {
    this->ready();
    h.randomise(5, -2, 2);
    dz.randomise(6, -1, 1);
    w.randomise(7, 0.1, 1);
  }
  /// Unlike pass(), these leave the workspace as it is, with the caches in it.
  Pass<B> training() { return pass_in(Mode::train, numbers.view()); }
  Pass<B> evaluation() { return pass_in(Mode::eval, {}); }
  Pass<B> pass_in(Mode how, const StepScalars<S>& scalars) {
    return {.backend = this->backend,
            .theta = this->theta,
            .grads = &this->grads,
            .workspace = this->workspace,
            .key = this->key,
            .mode = how,
            .scalars = scalars};
  }
  void forward(const Pass<B>& pass) { latent.forward(pass, h.view(), {}, z.view(), cache); }
  bool one_hot() const {
    for (Index j = 0; j < z.cols(); ++j)
      for (Index v = 0; v < kVariables; ++v) {
        int ones = 0;
        for (Index k = 0; k < kClasses; ++k) {
          const S number = z(v * kClasses + k, j);
          if (number != S(0) && number != S(1)) return false;
          ones += number == S(1);
        }
        if (ones != 1) return false;
      }
    return true;
  }
};

}  // namespace

TEST_CASE("categorical latent: the soft estimator's gradient and contracts [CAT-7] [CAT-8]") {
  const auto make = []<class B>(ParamLayout& layout) {
    return CategoricalLatent<B>(layout, spec_of(Estimator::gumbel), 0);
  };
  for (const double tau : {0.5, 1.0, 2.0})
    LONGHAND_CHECK(check_latent("gumbel", make, {.schedules = {1, tau}}));
  LONGHAND_CHECK(check_latent("gumbel without its KL", make, {.weighed = false}));
}

// The function whose gradient straight-through is: z* + softmax((l + g) / tau) - y*, with z* and y*
// held fixed. It differs from the relaxed sample by a constant, so its gradient is that of the soft
// estimator at the same cotangent.
TEST_CASE_TEMPLATE(
    "categorical latent: straight-through is the gradient of what it declares [CAT-9]", B,
    Cpu<float>, Reference<double>) {
  Fixture<B> soft(9), hard(9, Estimator::straight_through);
  soft.forward(soft.training());
  hard.forward(hard.training());
  CHECK_FALSE(soft.one_hot());
  CHECK(hard.one_hot());
  CHECK(flat(hard.cache.relaxed) == flat(soft.cache.relaxed));
  for (auto* f : {&soft, &hard})
    f->latent.backward(f->training(), f->cache, f->w.view(), f->dz.view(), f->dh.view(),
                       f->rows.view());
  CHECK(flat(hard.dh.view()) == flat(soft.dh.view()));
  CHECK(flat(hard.rows.view()) == flat(soft.rows.view()));
}

TEST_CASE("categorical latent: what straight-through declares, by differences [CAT-9]") {
  using B = Reference<double>;
  Fixture<B> f(2, Estimator::straight_through);
  std::vector<double> h = flat(f.h.view());
  const auto forward = [&] {
    f.workspace.reset();
    for (std::size_t i = 0; i < h.size(); ++i) f.h.view().data[i] = h[i];
    f.forward(f.training());
  };
  forward();
  std::vector<double> held;  // z* - y*
  const std::vector<double> z = flat(f.z.view()), y = flat(f.cache.relaxed);
  for (std::size_t i = 0; i < z.size(); ++i) held.push_back(z[i] - y[i]);
  LONGHAND_CHECK(check_gradient(
      "straight-through", {{"h", h}},
      [&] {
        forward();
        std::vector<double> declared = flat(f.cache.relaxed);
        for (std::size_t i = 0; i < held.size(); ++i) declared[i] += held[i];
        return declared;
      },
      [&](Cotangent dy, TensorGradients& g) {
        std::copy(dy.begin(), dy.end(), f.dz.view().data);
        f.latent.backward(f.training(), f.cache, {}, f.dz.view(), f.dh.view(), {});
        std::copy_n(f.dh.view().data, h.size(), g["h"].begin());
      }));
}

TEST_CASE_TEMPLATE("categorical latent: outside of training every code is one-hot [CAT-6]", B,
                   Cpu<float>, Reference<double>) {
  Fixture<B> f(33);
  f.forward(f.evaluation());
  CHECK(f.one_hot());
  const std::vector<double> drawn = flat(f.z.view());
  Pass<B> other = f.evaluation();
  other.key.draw = 1;
  f.forward(other);
  CHECK(f.one_hot());
  CHECK(flat(f.z.view()) != drawn);  // the noise is used
  f.latent.mean(f.evaluation(), f.h.view(), f.z.view());
  CHECK(f.one_hot());
  f.latent.from_prior(f.evaluation(), {}, f.z.view());
  CHECK(f.one_hot());
}

TEST_CASE("categorical latent: how often a class is drawn is its probability [CAT-6]") {
  using B = Reference<double>;
  const Index n = 40000;
  Fixture<B> f(n);
  for (Index j = 0; j < n; ++j)
    for (Index i = 0; i < kRows; ++i) f.h(i, j) = std::sin(double(i));
  f.forward(f.evaluation());
  std::vector<double> share(kRows), prior(kRows);
  for (Index j = 0; j < n; ++j)
    for (Index i = 0; i < kRows; ++i) share[std::size_t(i)] += f.z(i, j) / double(n);
  f.latent.from_prior(f.evaluation(), {}, f.z.view());
  for (Index j = 0; j < n; ++j)
    for (Index i = 0; i < kRows; ++i) prior[std::size_t(i)] += f.z(i, j) / double(n);
  for (Index i = 0; i < kRows; ++i) {
    const double q = f.cache.q(i % kClasses, i / kClasses);
    CHECK(!(std::fabs(share[std::size_t(i)] - q) > 4.5 * std::sqrt(q * (1 - q) / double(n))));
    CHECK(!(std::fabs(prior[std::size_t(i)] - 0.25) > 4.5 * std::sqrt(0.1875 / double(n))));
  }
}

TEST_CASE("categorical latent: the temperature's two ends [CAT-5] [CAT-7]") {
  using B = Reference<double>;
  Fixture<B> hot(5, Estimator::gumbel, 1e6), cold(5, Estimator::gumbel, 1e-4);
  hot.forward(hot.training());
  cold.forward(cold.training());
  for (Index j = 0; j < 5; ++j)
    for (Index i = 0; i < kRows; ++i) {
      CHECK(hot.z(i, j) == doctest::Approx(0.25).epsilon(1e-4));
      CHECK((cold.z(i, j) < 1e-6 || cold.z(i, j) > 1 - 1e-6));
    }
}

TEST_CASE("categorical latent: KL at the ends, and a constant on the logits [CAT-10]") {
  using B = Reference<double>;
  Fixture<B> f(3);
  for (Index i = 0; i < kRows; ++i) {
    f.h(i, 0) = 0.3;                             // uniform
    f.h(i, 1) = i % kClasses == 1 ? 40.0 : 0.0;  // certain
    f.h(i, 2) = std::cos(double(i)) + 7 * double(i / kClasses);
  }
  f.forward(f.evaluation());
  f.latent.values(f.evaluation(), f.cache, f.rows.view());
  CHECK(f.rows(0, 0) == doctest::Approx(0).epsilon(1e-15));
  CHECK(f.rows(0, 1) == doctest::Approx(kVariables * std::log(kClasses)).epsilon(1e-14));
  const double kl = f.rows(0, 2);
  for (Index i = 0; i < kRows; ++i) f.h(i, 2) = std::cos(double(i));
  f.forward(f.evaluation());
  f.latent.values(f.evaluation(), f.cache, f.rows.view());
  CHECK(f.rows(0, 2) == doctest::Approx(kl).epsilon(1e-13));
}

TEST_CASE("categorical latent: training reports the KL that evaluation does [CAT-10]") {
  using B = Reference<double>;
  Fixture<B> f(7);
  f.forward(f.training());
  f.latent.backward(f.training(), f.cache, f.w.view(), f.dz.view(), f.dh.view(), f.rows.view());
  Matrix<double> again(1, 7);
  f.latent.values(f.training(), f.cache, again.view());
  for (Index j = 0; j < 7; ++j) {
    CHECK(f.rows(0, j) > 0.01);
    CHECK(f.rows(0, j) == doctest::Approx(again(0, j)).epsilon(1e-13));
  }
}

TEST_CASE("categorical latent: gaps between the columns of dz change nothing") {
  using B = Cpu<float>;
  Fixture<B> close(6), apart(6, Estimator::gumbel, 0.7, 5);
  for (Index j = 0; j < 6; ++j)
    for (Index i = 0; i < kRows; ++i) apart.dz(i, j) = close.dz(i, j);
  for (auto* f : {&close, &apart}) {
    f->forward(f->training());
    f->latent.backward(f->training(), f->cache, f->w.view(), f->dz.view(), f->dh.view(),
                       f->rows.view());
  }
  CHECK(flat(close.dh.view()) == flat(apart.dh.view()));
}
