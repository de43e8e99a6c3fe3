// SPDX-License-Identifier: MIT
#include <longhand/math/cross_entropy.hpp>

#include "formulas.hpp"

using namespace longhand;
using namespace longhand::test;

namespace {

/// (logit, lse, p, y, w) -> (nll, dlogit).
struct Cost {
  template <class T>
  std::array<T, 2> operator()(const std::array<T, 5>& x) const {
    std::array<T, 2> y;
    CrossEntropy{}(x[0], x[1], x[2], x[3], x[4], y[1], y[0]);
    return y;
  }
};

/// The cost of one sample of three classes, whose class is `label`, from its logits.
template <class T>
T cost(const std::array<T, 3>& logits, std::size_t label) {
  const T lse = log(exp(logits[0]) + exp(logits[1]) + exp(logits[2]));
  T sum(0);
  for (std::size_t k = 0; k < 3; ++k) {
    T summand;
    CrossEntropyValue{}(logits[k], lse, T(k == label ? 1 : 0), summand);
    sum = sum + summand;
  }
  return sum;
}

}  // namespace

TEST_CASE("cross-entropy: worked numbers [CLS-1] [CLS-2] [CLS-3] [CLS-4]") {
  const std::array<double, 3> logits{0.5, -0.2, 0.1};
  const double lse = std::log(std::exp(0.5) + std::exp(-0.2) + std::exp(0.1));
  check_worked("class_lse", lse, 1.2733000436247917);
  const double p[] = {0.46148762338872573, 0.22916797165646596, 0.3093444049548084};
  const double want[] = {-0.26925618830563713, 0.11458398582823298, 0.1546722024774042};
  for (std::size_t k = 0; k < 3; ++k) {
    check_worked("class_p", std::exp(logits[k] - lse), p[k]);
    const auto y = Cost{}(std::array{logits[k], lse, p[k], k == 0 ? 1.0 : 0.0, 0.5});
    check_worked("class_nll", y[0], k == 0 ? 0.7733000436247917 : 0);
    check_worked("class_dlogit", y[1], want[k]);
  }
  double right = 0, none = 0;
  RightClass{}(1.0, 1.0, right);
  RightClass{}(1.0, 0.0, none);
  CHECK(right == 1);
  CHECK(none == 0);
}

TEST_CASE("cross-entropy: derivatives by differences [CLS-3]") {
  for (const std::size_t label : {0, 1, 2})
    LONGHAND_CHECK(check_formula<3>(
        "cross-entropy", {{0.5, -0.2, 0.1}, {3, -4, 1}, {0, 0, 0}, {-20, 1, 2}},
        [&](const auto& x) { return std::array{cost(x, label)}; },
        [&](const auto& x, const auto& dcost) {
          auto dx = x;
          const auto lse = log(exp(x[0]) + exp(x[1]) + exp(x[2]));
          for (std::size_t k = 0; k < 3; ++k) {
            auto summand = x[0];
            CrossEntropy{}(x[k], lse, exp(x[k] - lse), 0 * x[k] + (k == label ? 1.0 : 0.0),
                           dcost[0], dx[k], summand);
          }
          return dx;
        }));
}

TEST_CASE_TEMPLATE("cross-entropy: within the declared bounds [CLS-2] [CLS-3]", S, float, double) {
  check_errors<S>(
      "cross-entropy", Cost{},
      [](const auto& x) {
        return std::array{Exact(x[3] * (x[1] - x[0]), x[3] * (std::fabs(x[1]) + std::fabs(x[0]))),
                          Exact(x[4] * (x[2] - x[3]), x[4] * (x[2] + x[3]))};
      },
      std::array{Range{-30, 30}, Range{-30, 30}, Range{0, 1}, Range{0, 1}, Range{0, 1}},
      std::array{2., 2.});
}
