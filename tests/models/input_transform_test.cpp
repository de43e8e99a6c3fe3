// SPDX-License-Identifier: MIT
#include "longhand/models/input_transform.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace {

using namespace longhand;
using Kind = InputTransform::Kind;

InputTransform fitted(Kind kind, const std::vector<double>& columns, Index rows) {
  return InputTransform::fit<double>(
      kind, {columns.data(), rows, static_cast<Index>(columns.size()) / rows, rows});
}

}  // namespace

TEST_CASE("to model units and back [INP-1] [INP-2]") {
  const double shift = 2.5, scale = 0.4;
  for (const double x : {-3.0, 0.0, 2.5, 7.25}) {
    double y, back;
    ToModelUnits{}(x, shift, scale, y);
    CHECK(y == (x - 2.5) / 0.4);
    ToUserUnits{}(y, shift, scale, back);
    CHECK(std::abs(back - x) <= 4 * std::numeric_limits<double>::epsilon() * (std::abs(x) + 2.5));
  }
}

TEST_CASE(
    "what is fitted: the range to [0, 1], to [-1, 1], or each row to mean 0 and deviation 1") {
  const std::vector<double> columns{1, 10, 3, 30, 5, 20};  // two rows, three samples
  const InputTransform none = fitted(Kind::none, columns, 2);
  CHECK(none.identity());

  const InputTransform unit = fitted(Kind::unit, columns, 2);
  CHECK(unit.shift == std::vector<double>{1});
  CHECK(unit.scale == std::vector<double>{29});

  const InputTransform symmetric = fitted(Kind::symmetric, columns, 2);
  CHECK(symmetric.shift == std::vector<double>{15.5});
  CHECK(symmetric.scale == std::vector<double>{14.5});

  const InputTransform standard = fitted(Kind::standardize, columns, 2);
  CHECK(standard.shift == std::vector<double>{3, 20});
  CHECK(standard.scale[0] == doctest::Approx(std::sqrt(8.0 / 3)).epsilon(1e-15));
  CHECK(standard.scale[1] == doctest::Approx(std::sqrt(200.0 / 3)).epsilon(1e-15));
}

TEST_CASE("missing values are left out, constant rows keep their scale") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const InputTransform t = fitted(Kind::standardize, {1, 7, nan, 7, 3, 7}, 2);
  CHECK(t.shift == std::vector<double>{2, 7});
  CHECK(t.scale == std::vector<double>{1, 1});
  CHECK(fitted(Kind::unit, {nan, 4, 4, nan}, 1).scale == std::vector<double>{1});
  CHECK_THROWS_WITH_AS(fitted(Kind::unit, {nan, nan}, 1),
                       "longhand: the data has no value to fit an input transform to",
                       std::invalid_argument);
}
