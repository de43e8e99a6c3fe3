// SPDX-License-Identifier: MIT
#include <longhand/math/bernoulli.hpp>

#include "formulas.hpp"

using namespace longhand;
using namespace longhand::test;

namespace {

/// (a, t) -> (nll, da, mean).
struct All {
  template <class T>
  std::array<T, 3> operator()(const std::array<T, 2>& x) const {
    std::array<T, 3> y;
    BernoulliLogits{}.value_and_gradient(x[0], x[1], y[0], y[1]);
    BernoulliLogits{}.mean(x[0], y[2]);
    return y;
  }
};

}  // namespace

TEST_CASE("bernoulli: worked numbers [BER-2] [BER-3] [BER-4]") {
  const auto check = [](double a, double t, double nll, double da, double mean) {
    const auto y = All{}(std::array{a, t});
    CAPTURE(a);
    CAPTURE(t);
    check_worked("bernoulli_nll", y[0], nll);
    check_worked("bernoulli_da", y[1], da);
    check_worked("bernoulli_mean", y[2], mean);
  };
  check(0.8, 1, 0.37110066594777774, -0.31002551887238755, 0.6899744811276124);
  check(-1.5, 0.3, 0.6514132779827524, -0.11757447619364365, 0.18242552380635635);
  check(0, 0.5, 0.6931471805599453, 0, 0.5);
  check(20, 0, 20.000000002061153, 0.9999999979388464, 0.9999999979388464);
  check(-100, 1, 100, -1, 3.720075976020836e-44);
  check(1000, 1, 0, 0, 1);
  check(1000, 0, 1000, 1, 1);
}

TEST_CASE_TEMPLATE("bernoulli: within the declared bounds [BER-2] [BER-3] [BER-4]", S, float,
                   double) {
  check_errors<S>(
      "bernoulli", All{},
      [](const auto& x) {
        const long double a = x[0], t = x[1], s = 1 / (1 + std::exp(-a));
        // The definition, -t log s(a) - (1 - t) log(1 - s(a)), in long double.
        const long double nll = t * std::log1p(std::exp(-a)) + (1 - t) * std::log1p(std::exp(a));
        return std::array{Exact(nll, nll + (a > 0 ? a : 0) + std::fabs(a) * t), Exact(s - t, s + t),
                          Exact(s)};
      },
      std::array{Range{-exp_range<S>(), exp_range<S>()}, Range{0, 1}}, std::array{2., 2., 4.});
}

TEST_CASE("bernoulli: derivative by differences [BER-3]") {
  for (const double t : {0.0, 0.3, 0.5, 1.0}) {
    const auto all = [&](const auto& a) {
      return All{}(std::array{a[0], decltype(a[0] + a[0])(t)});
    };
    LONGHAND_CHECK(check_formula<1>(
        "bernoulli", {{-5}, {-1.5}, {-0.01}, {-0.0}, {0}, {0.8}, {3}, {20}},
        [&](const auto& a) { return std::array{all(a)[0]}; },
        [&](const auto& a, const auto& dy) { return std::array{dy[0] * all(a)[1]}; }));
  }
}

TEST_CASE_TEMPLATE("bernoulli: tails; NaN in, NaN out [BER-2] [BER-3] [BER-4]", S, float, double) {
  const auto check = [](double a, double t, double nll, double da, double mean) {
    check_tail<S>(All{}, std::array{a, t}, std::array{nll, da, mean});
  };
  for (const double a : {88., 710., 1e30}) {
    check(a, 0, a, 1, 1);
    check(a, 1, 0, 0, 1);
    check(a, 0.5, a / 2, 0.5, 1);
    check(-a, 0, 0, 0, 0);
    check(-a, 1, a, -1, 0);
    check(-a, 0.5, a / 2, -0.5, 0);
  }
  check(-0.0, 0, 0.6931472, 0.5, 0.5);
  // An infinite logit is a fault already; inf - inf keeps it visible.
  check(kInf, 0, kNan, 1, 1);
  check(-kInf, 0, kNan, 0, 0);
  check(-kInf, 1, kInf, -1, 0);
  check(kNan, 0.5, kNan, kNan, kNan);
  check(1, kNan, kNan, kNan, 0.7310586);
}

TEST_CASE("bernoulli: draws are 1 where the uniform lies below the mean [BER-4]") {
  double t;
  BernoulliLogits{}.draw(0.8, 0.68997, t);
  CHECK(t == 1);
  BernoulliLogits{}.draw(0.8, 0.68998, t);
  CHECK(t == 0);
}

TEST_CASE("bernoulli: a draw is 1 exactly where u < s(a) [BER-4]") {
  double t;
  for (const auto& [u, want] : {std::array{0.25, 1.}, {0.5, 0.}, {0.75, 0.}}) {
    BernoulliLogits{}.draw(0.0, u, t);
    CHECK(t == want);
  }
}
