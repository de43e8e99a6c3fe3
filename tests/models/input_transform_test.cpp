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

TEST_CASE("equal numbers have themselves as mean and 1 as scale, however they round") {
  for (const double value : {9.81, 0.1, 1e17 / 3, -273.15}) {
    CAPTURE(value);
    for (const int samples : {2, 7, 1000}) {
      const InputTransform t = fitted(
          Kind::standardize, std::vector<double>(static_cast<std::size_t>(samples), value), 1);
      CHECK(t.shift == std::vector<double>{value});
      CHECK(t.scale == std::vector<double>{1});
    }
  }
}

TEST_CASE("a feature far from 0 has an offset in float, and the transform follows") {
  // Quarter hours since 1970 beside a temperature, and a pressure that does not vary.
  std::vector<double> columns;
  for (int i = 0; i < 100; ++i)
    columns.insert(columns.end(), {1.6e9 + 900 * i, 20.5 + i % 7, 101325});
  const InputTransform t = fitted(Kind::standardize, columns, 3);
  CHECK(t.offsets<double>().empty());
  const std::vector<double> offsets = t.offsets<float>();
  CHECK(offsets == std::vector<double>{t.shift[0], 0, 101325});
  const InputTransform moved = t.after(offsets);
  CHECK(moved.shift == std::vector<double>{0, t.shift[1], 0});
  CHECK(moved.scale == t.scale);
  CHECK(moved.offsets<float>().empty());
  CHECK_NOTHROW(moved.require_fits<float>());
  // What float sees of two neighbours differs by what it should, to float's precision.
  const auto seen = [&](double x) {
    return (static_cast<float>(x - offsets[0]) - static_cast<float>(moved.shift[0])) /
           static_cast<float>(moved.scale[0]);
  };
  CHECK(seen(1.6e9 + 900) - seen(1.6e9) == doctest::Approx(900 / t.scale[0]).epsilon(1e-4));
  CHECK(fitted(Kind::unit, columns, 3).offsets<float>().empty());
}

TEST_CASE("numbers that the model's precision cannot standardise are refused") {
  CHECK_THROWS_WITH_AS(fitted(Kind::standardize, {1, 1e300, 2, -1e300}, 2),
                       "longhand: column 1: the numbers are too large, the input transform would "
                       "divide by inf",
                       std::invalid_argument);
  CHECK_THROWS_AS(fitted(Kind::unit, {-1.7e308, 1.7e308}, 1), std::invalid_argument);
  const InputTransform large = fitted(Kind::standardize, {1e60, 3e60}, 1);
  CHECK_NOTHROW(large.require_fits<double>());
  CHECK_THROWS_AS(large.require_fits<float>(), std::invalid_argument);
  CHECK(fitted(Kind::standardize, {1e-200, 3e-200}, 1).scale == std::vector<double>{1e-200});
  const InputTransform small = fitted(Kind::standardize, {1e-60, 3e-60}, 1);
  CHECK_THROWS_WITH_AS(small.require_fits<float>(),
                       "longhand: column 0: the numbers are too near to one another, the input "
                       "transform would divide by 1e-60",
                       std::invalid_argument);
}
