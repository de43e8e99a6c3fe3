// SPDX-License-Identifier: MIT
#include <longhand/math/dropout.hpp>

#include "formulas.hpp"

using namespace longhand;
using namespace longhand::test;

namespace {

/// (x, u, dy) -> (factor, y, dx).
struct Both {
  Dropout dropout;
  template <class T>
  std::array<T, 3> operator()(const std::array<T, 3>& x) const {
    std::array<T, 3> y;
    dropout.forward(x[0], x[1], y[0], y[1]);
    dropout.backward(y[0], x[2], y[2]);
    return y;
  }
};

}  // namespace

TEST_CASE("dropout: worked numbers [DRO-1] [DRO-2]") {
  const auto check = [](const char* at, double x, double u, double dy, double y, double dx) {
    CAPTURE(at);
    const auto got = Both{{0.25}}(std::array{x, u, dy});
    check_worked("y", got[1], y);
    check_worked("dx", got[2], dx);
  };
  check("[0,0]", 2, 0.9, 0.3, 2.6666666666666665, 0.4);
  check("[0,1]", -1, 0.1, -0.6, 0, 0);
  check("[1,0]", 0.5, 0.25, 0.9, 0.6666666666666666, 1.2);
  check("[1,1]", 4, 0.5, 1.2, 5.333333333333333, 1.6);
}

TEST_CASE_TEMPLATE("dropout: within the declared bounds [DRO-1] [DRO-2]", S, float, double) {
  check_errors<S>(
      "dropout", Both{{0.3}},
      [](const auto& x) {
        const long double factor = x[1] < static_cast<S>(0.3) ? 0 : 1 / (1 - 0.3L);
        return std::array{Exact(factor), Exact(factor * x[0]), Exact(factor * x[2])};
      },
      std::array{Range{-10, 10}, Range{0, 1}, Range{-10, 10}}, std::array{1., 1.5, 1.5});
}

TEST_CASE("dropout: derivative by differences, the mask held fixed [DRO-2]") {
  const Both both{{0.4}};
  for (const double u : {0.9, 0.1, 0.3, 0.5, 0.7})
    LONGHAND_CHECK(check_formula<1>(
        "dropout", {{2}, {-1}, {0.5}, {4}, {0}},
        [&](const auto& x) {
          using T = decltype(x[0] + x[0]);
          return std::array{both(std::array{x[0], T(u), T(0)})[1]};
        },
        [&](const auto& x, const auto& dy) {
          return std::array{both(std::array{x[0], u, dy[0]})[2]};
        }));
}

TEST_CASE_TEMPLATE("dropout: tails; a dropped NaN survives [DRO-1]", S, float, double) {
  check_tail<S>(Both{{0.5}}, std::array{1e30, 0.6, -1e30}, std::array{2., 2e30, -2e30});
  check_tail<S>(Both{{0.5}}, std::array{-0.0, 0.6, -0.0}, std::array{2., 0., 0.});
  check_tail<S>(Both{{0.5}}, std::array{kNan, 0.1, 1.}, std::array{0., kNan, 0.});
  check_tail<S>(Both{{0.5}}, std::array{1., 0.1, kNan}, std::array{0., 0., kNan});
  check_tail<S>(Both{}, std::array{3., 0.001, 4.}, std::array{1., 3., 4.});  // p = 0 drops nothing
}
