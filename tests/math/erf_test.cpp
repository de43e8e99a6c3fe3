// SPDX-License-Identifier: MIT
#include <longhand/math/erf.hpp>

#include "formulas.hpp"

using namespace longhand;
using namespace longhand::test;

namespace {

struct Rational {
  template <class T>
  std::array<T, 1> operator()(const std::array<T, 1>& x) const {
    return {erf_rational(x[0])};
  }
};
/// What a formula calls: the library's for numbers, the rational one for packs.
struct Called {
  template <class T>
  std::array<T, 1> operator()(const std::array<T, 1>& x) const {
    using longhand::erf;  // not the double of <cmath>
    return {erf(x[0])};
  }
};

}  // namespace

TEST_CASE_TEMPLATE("erf: within the declared bounds [ACT-15]", S, float, double) {
  const auto exact = [](const auto& x) { return std::array{Exact(std::erf(x[0]))}; };
  check_errors<S>("rational", Rational{}, exact, std::array{Range{-7, 7}}, std::array{1.});
  check_errors<S>("called", Called{}, exact, std::array{Range{-7, 7}}, std::array{1.});
  // Both sides of each seam, where a wrong interval would show.
  for (const double seam : {0.84375, 1.25, 1 / 0.35, 6.0})
    check_errors<S>("seam", Rational{}, exact, std::array{Range{seam - 1e-3, seam + 1e-3}},
                    std::array{1.});
}

TEST_CASE_TEMPLATE("erf: odd, tails; NaN in, NaN out [ACT-15]", S, float, double) {
  for (const double x : {7., 88., 1e30, kInf}) {
    check_tail<S>(Rational{}, std::array{x}, std::array{1.});
    check_tail<S>(Rational{}, std::array{-x}, std::array{-1.});
  }
  check_tail<S>(Rational{}, std::array{kNan}, std::array{kNan});
  check_tail<S>(Rational{}, std::array{0.}, std::array{0.});
  check_tail<S>(Rational{}, std::array{-0.}, std::array{0.});
  for (const auto& [x] : sample<S, 1>({Range{0, 7}}, 512))
    CHECK(erf_rational(x) == -erf_rational(-x));
}
