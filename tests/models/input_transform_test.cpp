// SPDX-License-Identifier: MIT
#include "longhand/models/input_transform.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "longhand/core/samples.hpp"

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

TEST_CASE("fitted over missing values anywhere, row by row, as plain sums have it") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Index rows = 3, cols = 5;
  // row 0 misses its first, row 1 two in the middle, row 2 all
  const std::vector<double> columns{nan, 4,  nan, 1,   -2.5, nan, 7,  nan,
                                    nan, -3, nan, nan, 6,    9,   nan};
  const InputTransform t = fitted(Kind::standardize, columns, rows);
  CHECK(t.kind == Kind::standardize);
  REQUIRE(t.shift.size() == 3);
  REQUIRE(t.scale.size() == 3);
  for (Index i = 0; i < rows; ++i) {
    std::vector<double> seen;
    for (Index j = 0; j < cols; ++j)
      if (const double v = columns[static_cast<std::size_t>(i + j * rows)]; !std::isnan(v))
        seen.push_back(v);
    double mean = 0, variance = 0;
    for (const double v : seen) mean += v / static_cast<double>(seen.size());
    for (const double v : seen) variance += (v - mean) * (v - mean);
    const auto k = static_cast<std::size_t>(i);
    CAPTURE(i);
    CHECK(t.shift[k] == doctest::Approx(mean).epsilon(1e-14));
    CHECK(t.scale[k] ==
          (seen.empty() ? doctest::Approx(1)
                        : doctest::Approx(std::sqrt(variance / static_cast<double>(seen.size())))
                              .epsilon(1e-14)));
  }
  const InputTransform unit = fitted(Kind::unit, columns, rows);
  CHECK(unit.kind == Kind::unit);
  CHECK(unit.shift == std::vector<double>{-3});
  CHECK(unit.scale == std::vector<double>{12});
}

TEST_CASE("fitted to bytes as to the numbers they stand for") {
  const std::vector<std::uint8_t> bytes{3, 200, 90, 17, 255, 0};
  std::vector<float> numbers;
  for (const std::uint8_t b : bytes) numbers.push_back(static_cast<float>(b) / 255.0f);
  for (const Kind kind : {Kind::unit, Kind::symmetric, Kind::standardize}) {
    const AnySamples<float> a = samples_in_memory(bytes.data(), 3, 2),
                            b = samples_in_memory(numbers.data(), 3, 2);
    const InputTransform of_bytes = InputTransform::fit(kind, a),
                         of_numbers = InputTransform::fit(kind, b);
    CHECK(of_bytes.shift == of_numbers.shift);
    CHECK(of_bytes.scale == of_numbers.scale);
  }
}

TEST_CASE("fitted to rows of small spread, of one sample, of negative numbers") {
  CHECK(fitted(Kind::standardize, {0.5, -0.5}, 1).scale == std::vector<double>{0.5});
  const InputTransform one = fitted(Kind::standardize, {3}, 1);
  CHECK(one.shift == std::vector<double>{3});
  CHECK(one.scale == std::vector<double>{1});
  const InputTransform negative = fitted(Kind::unit, {-7, -4}, 1);
  CHECK(negative.shift == std::vector<double>{-7});
  CHECK(negative.scale == std::vector<double>{3});
}

TEST_CASE("a pixel drawn from the user's units is 1 where u lies below (x - shift) / scale") {
  for (const auto& [x, u, want] : {std::array{0.75, 0.4, 1.}, {0.75, 0.5, 0.}, {0.6, 0.4, 0.}}) {
    double pixel = -1;
    DrawPixelInModelUnits{}(x, 0.5, 0.5, u, pixel);
    CHECK(pixel == want);
  }
}
