// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>
#include <longhand/core/uniform.hpp>
#include <vector>

#include "noise_support.hpp"

using namespace longhand;

TEST_CASE("uniform: the worked numbers [NOI-2]") {
  float u[4];
  uniform4({.seed = 42, .step = 3, .stream = Stream::latent}, 7, 0, u);
  CHECK(u[0] == (8283070 + 0.5) / 8388608);
  CHECK(u[1] == (1929792 + 0.5) / 8388608);
  CHECK(u[2] == (2564244 + 0.5) / 8388608);
  CHECK(u[3] == (6179351 + 0.5) / 8388608);
}

TEST_CASE("uniform: strictly inside (0, 1), exact and symmetric [NOI-2]") {
  CHECK(uniform_from_bits(0) == 0x1p-24f);
  CHECK(uniform_from_bits(~0u) == 1 - 0x1p-24f);
  int wrong = 0;
  for (std::uint32_t k = 0; k < 1u << 23; ++k) {
    const float u = uniform_from_bits(k << 9);
    wrong += static_cast<double>(u) != (k + 0.5) / 8388608;
    wrong += uniform_from_bits(~(k << 9)) != 1 - u;
  }
  CHECK(wrong == 0);
}

TEST_CASE("uniform: hash of 2^22 values [NOI-2]") {
  CHECK(test::noise_hash<UniformNoise>() == 0x524ec3433168d868);
}

TEST_CASE("uniform: 256 bins, mean and variance [NOI-2]") {
  const std::vector<float> u = test::noise_rows<UniformNoise>({.seed = 11}, 64, 1 << 14);
  const double n = static_cast<double>(u.size());
  std::vector<double> bins(256);
  double sum = 0, squares = 0;
  for (const float x : u) {
    ++bins[static_cast<std::size_t>(x * 256)];
    sum += x - 0.5;
    squares += (x - 0.5) * (x - 0.5);
  }
  double chi2 = 0;
  for (const double count : bins) chi2 += (count - n / 256) * (count - n / 256) / (n / 256);
  CHECK_FALSE(!(std::abs(chi2 - 255) <= 5 * std::sqrt(2.0 * 255)));
  CHECK_FALSE(!(std::abs(sum / n) <= 5 * std::sqrt(1 / (12 * n))));
  CHECK_FALSE(!(std::abs(squares / n - 1.0 / 12) <= 5 * std::sqrt(1 / (180 * n))));
}

TEST_CASE("uniform column: the values of uniform4, in float and in double [NOI-2]") {
  test::check_column<UniformNoise>(uniform4);
}

TEST_CASE("uniform column: refuses what no counter can hold") {
  float out[4];
  CHECK_THROWS_AS(uniform_column({}, -1, 4, out), std::out_of_range);
  CHECK_THROWS_AS(uniform_column({}, std::int64_t{1} << 32, 4, out), std::out_of_range);
  CHECK_THROWS_AS(uniform_column({}, 0, 8, out, (std::int64_t{1} << 34) - 4), std::out_of_range);
  CHECK_THROWS_AS(uniform_column({}, 0, 4, out, -4), std::out_of_range);
  CHECK_THROWS_AS(uniform_column({}, 0, -1, out), std::invalid_argument);
  CHECK_THROWS_AS(uniform_column({}, 0, 4, out, 2), std::invalid_argument);
}
