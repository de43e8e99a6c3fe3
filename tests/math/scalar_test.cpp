// SPDX-License-Identifier: MIT
#include <longhand/math/scalar.hpp>

#include "formulas.hpp"

using namespace longhand;
using namespace longhand::test;

namespace {

struct Sigmoid {
  template <class T>
  std::array<T, 1> operator()(const std::array<T, 1>& x) const {
    return {sigmoid(x[0])};
  }
};

}  // namespace

TEST_CASE("scalar: an unqualified call takes the function of the argument's type") {
  static_assert(std::is_same_v<decltype(longhand::exp(1.0f)), float>);
  static_assert(std::is_same_v<decltype(longhand::exp(1.0)), double>);
  static_assert(std::is_same_v<decltype(longhand::exp(1.0L)), long double>);
  static_assert(std::is_same_v<decltype(longhand::abs(-0.5)), double>);
  CHECK(longhand::abs(-0.5) == 0.5);  // not the int of <cstdlib>
  CHECK(longhand::log1p(1e-300) == 1e-300);
  CHECK(longhand::expm1(-1e-20f) == -1e-20f);
  CHECK(longhand::exp(11000.0L) > 1e4000L);
}

TEST_CASE_TEMPLATE("scalar: choose, abs and sign at zeros and NaN", S, float, double) {
  CHECK(choose(true, S(1), S(2)) == 1);
  CHECK(choose(false, S(1), S(2)) == 2);
  CHECK(longhand::abs(S(-3)) == 3);
  CHECK(longhand::abs(S(3)) == 3);
  CHECK(longhand::abs(S(-0.0)) == 0);
  CHECK(std::isnan(longhand::abs(static_cast<S>(kNan))));
  CHECK(longhand::abs(static_cast<S>(-kInf)) == kInf);
  CHECK(sign(S(-0.1)) == -1);
  CHECK(sign(S(0.1)) == 1);
  CHECK(sign(S(0)) == 0);
  CHECK(sign(S(-0.0)) == 0);
  CHECK(square(S(-3)) == 9);
}

TEST_CASE_TEMPLATE("scalar: sigmoid within the declared bounds, and its tails [ACT-7] [BER-4]", S,
                   float, double) {
  check_errors<S>(
      "sigmoid", Sigmoid{},
      [](const auto& a) { return std::array{Exact(1 / (1 + std::exp(-a[0])))}; },
      std::array{Range{-exp_range<S>(), exp_range<S>()}}, std::array{4.});
  for (const double a : {710., 1e30, kInf}) {
    check_tail<S>(Sigmoid{}, std::array{a}, std::array{1.});
    check_tail<S>(Sigmoid{}, std::array{-a}, std::array{0.});
  }
  check_tail<S>(Sigmoid{}, std::array{kNan}, std::array{kNan});
}
