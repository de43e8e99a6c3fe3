// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <longhand/core/normal.hpp>
#include <numbers>
#include <vector>

#include "noise_support.hpp"

using namespace longhand;

namespace {

/// |got - want| in units of the last place of a float as large as `want`.
double ulps(float got, long double want) {
  int exponent;
  std::frexp(static_cast<float>(want), &exponent);
  return static_cast<double>(std::abs(got - want) / std::ldexp(1.0L, exponent - 24));
}

std::vector<float> normals(const NoiseKey& key, int rows = 64, int n = 1 << 14) {
  return test::noise_rows<NormalNoise>(key, rows, n);
}

/// sqrt(n) times the correlation coefficient of f(x) and f(y): about N(0, 1) if independent.
template <class F>
double scaled_correlation(const std::vector<float>& x, const std::vector<float>& y, F f) {
  double sx = 0, sy = 0, sxx = 0, syy = 0, sxy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double a = f(x[i]), b = f(y[i]);
    sx += a, sy += b, sxx += a * a, syy += b * b, sxy += a * b;
  }
  const double n = static_cast<double>(x.size());
  return std::sqrt(n) * (sxy / n - sx / n * sy / n) /
         std::sqrt((sxx / n - sx / n * sx / n) * (syy / n - sy / n * sy / n));
}

void check_independent(const std::vector<float>& x, const std::vector<float>& y) {
  const double linear = scaled_correlation(x, y, [](double z) { return z; });
  const double squares = scaled_correlation(x, y, [](double z) { return z * z; });
  CHECK_FALSE(!(std::abs(linear) <= 5));
  CHECK_FALSE(!(std::abs(squares) <= 5));
}

[[gnu::noinline]] float first_of_pair(std::uint32_t u, std::uint32_t v) {
  float z0, z1;
  box_muller(u, v, z0, z1);
  return z0;
}

}  // namespace

TEST_CASE("normal: the worked numbers [NOI-3]") {
  float z[4];
  normal4({.seed = 42, .step = 3, .stream = Stream::latent}, 7, 0, z);
  CHECK(z[0] == 0x1.0171cep-3f);
  CHECK(z[1] == 0x1.8fa4d8p-4f);
  CHECK(z[2] == -0x1.2d17dp+0f);
  CHECK(z[3] == -0x1.fcb036p-1f);
  // The same by the definition, in double; u is what a float keeps of (k + 1/2) / 2^30.
  const double u[2] = {16566142 / 16777216.0, 10256976 / 33554432.0};
  const double turn[2] = {(15438340 + 0.5) / 16777216 - 0.5, 2 + (15880378 + 0.5) / 16777216 - 0.5};
  for (int pair = 0; pair < 2; ++pair) {
    const double radius = std::sqrt(-2 * std::log(u[pair]));
    const double angle = std::numbers::pi / 2 * turn[pair];
    CHECK_FALSE(!(ulps(z[2 * pair], radius * std::cos(angle)) <= 3));
    CHECK_FALSE(!(ulps(z[2 * pair + 1], radius * std::sin(angle)) <= 3));
  }
}

TEST_CASE("normal: the logarithm is within 0.95 ulp on (0, 1] [NOI-3]") {
  double worst = 0;
  for (std::uint32_t b = float_bits(0x1p-31f); b < float_bits(1.0f); b += 499) {
    worst = std::max(worst, ulps(noise::log_unit(from_bits(b)),
                                 std::log(static_cast<long double>(from_bits(b)))));
  }
  for (std::uint32_t b = float_bits(1.0f) - 1; b > float_bits(1.0f) - 100000; --b) {
    worst = std::max(worst, ulps(noise::log_unit(from_bits(b)),
                                 std::log(static_cast<long double>(from_bits(b)))));
  }
  MESSAGE("log: " << worst << " ulp");
  CHECK_FALSE(!(worst <= 0.95));
  CHECK(noise::log_unit(1.0f) == 0.0f);
}

TEST_CASE("normal: sine and cosine are within 0.73 and 0.88 ulp [NOI-3]") {
  double sine = 0, cosine = 0;
  for (std::uint32_t k = 0; k < 1u << 24; k += 61) {
    const float a = static_cast<float>((k + 0.5) / 16777216 - 0.5);
    const long double angle = std::numbers::pi_v<long double> / 2 * a;
    sine = std::max(sine, ulps(noise::sin_quarter(a), std::sin(angle)));
    cosine = std::max(cosine, ulps(noise::cos_quarter(a), std::cos(angle)));
  }
  MESSAGE("sin: " << sine << " ulp, cos: " << cosine << " ulp");
  CHECK_FALSE(!(sine <= 0.73));
  CHECK_FALSE(!(cosine <= 0.88));
}

TEST_CASE("normal: the angle covers the circle evenly, on the circle [NOI-3]") {
  double worst = 0, sum_c = 0, sum_s = 0;
  for (std::uint32_t i = 0; i < 1u << 16; ++i) {
    float c, s;
    noise::direction(i << 16, c, s);
    worst = std::max(worst, std::abs(std::hypot(static_cast<double>(c), s) - 1));
    const double angle =
        std::numbers::pi / 2 * ((i >> 14) + ((i & 0x3FFF) * 1024 + 0.5) / 16777216 - 0.5);
    worst = std::max({worst, std::abs(c - std::cos(angle)), std::abs(s - std::sin(angle))});
    sum_c += c, sum_s += s;
  }
  CHECK_FALSE(!(worst <= 1e-7));
  CHECK_FALSE(!(std::abs(sum_c) + std::abs(sum_s) <= 2));  // the grid of i is off centre by 1/2
}

TEST_CASE("normal: largest and smallest radius [NOI-3]") {
  CHECK(noise::squared_radius(0) == doctest::Approx(62 * std::numbers::ln2).epsilon(1e-7));
  CHECK(noise::squared_radius(1u << 31) == doctest::Approx(2 * std::numbers::ln2).epsilon(1e-7));
  CHECK(noise::squared_radius(~0u) == 0.0f);
  int wrong = 0;
  for (std::uint32_t i = 0; i < 1u << 16; ++i) {  // finite whatever the words
    float z[4];
    box_muller(i, i << 16, z[0], z[1]);
    box_muller(~i, ~(i << 16), z[2], z[3]);
    for (const float x : z) wrong += !(std::abs(x) <= 6.5556f);
  }
  CHECK(wrong == 0);
}

TEST_CASE("normal: hash of 2^22 values [NOI-3]") {
  CHECK(test::noise_hash<NormalNoise>() == 0xd5f123ecf682809d);
}

TEST_CASE("normal column: the values of normal4, in float and in double [NOI-3]") {
  test::check_column<NormalNoise>(normal4);
}

TEST_CASE("normal: a sum with fresh noise does not change the noise [NOI-3]") {
  // With -ffp-contract=fast a compiler may skip the rounding of a product that is added at once.
  int wrong = 0;
  for (std::uint32_t i = 0; i < 10000; ++i) {
    const std::uint32_t u = i * 0x9E3779B9u, v = i * 0x85EBCA6Bu;
    float z0, z1;
    box_muller(u, v, z0, z1);
    wrong += (z0 - 0.75f) != (first_of_pair(u, v) - 0.75f);
  }
  CHECK(wrong == 0);
}

TEST_CASE("normal: mean, variance, skewness, kurtosis [NOI-3]") {
  const std::vector<float> z = normals({.seed = 1}, 256);
  const double n = static_cast<double>(z.size());  // 2^22
  double m1 = 0, m2 = 0, m3 = 0, m4 = 0;
  for (const float x : z) {
    const double a = x, a2 = a * a;
    m1 += a, m2 += a2, m3 += a2 * a, m4 += a2 * a2;
  }
  // Standard errors of raw moments: Var[z] = 1, Var[z^2] = 2, Var[z^3] = 15, Var[z^4] = 96.
  CHECK_FALSE(!(std::abs(m1 / n) <= 5 * std::sqrt(1 / n)));
  CHECK_FALSE(!(std::abs(m2 / n - 1) <= 5 * std::sqrt(2 / n)));
  CHECK_FALSE(!(std::abs(m3 / n) <= 5 * std::sqrt(15 / n)));
  CHECK_FALSE(!(std::abs(m4 / n - 3) <= 5 * std::sqrt(96 / n)));
}

TEST_CASE("normal: Kolmogorov-Smirnov distance [NOI-3]") {
  std::vector<float> z = normals({.seed = 2});
  std::sort(z.begin(), z.end());
  const double n = static_cast<double>(z.size());
  double distance = 0;
  for (std::size_t i = 0; i < z.size(); ++i) {
    const double cdf = std::erfc(-z[i] / std::numbers::sqrt2) / 2;
    distance = std::max({distance, std::abs(cdf - static_cast<double>(i) / n),
                         std::abs(cdf - static_cast<double>(i + 1) / n)});
  }
  CHECK_FALSE(!(std::sqrt(n) * distance <= 2.2));  // exceeded once in 8000 by true normals
}

TEST_CASE("normal: as many in the tails as there should be [NOI-3]") {
  const std::vector<float> z = normals({.seed = 3}, 1024);  // 2^24
  const double n = static_cast<double>(z.size());
  for (const double t : {1.0, 2.0, 3.0, 4.0, 5.0}) {
    double beyond = 0;
    for (const float x : z) beyond += std::abs(x) > t;
    const double p = std::erfc(t / std::numbers::sqrt2);
    CHECK_FALSE(!(std::abs(beyond - n * p) <= 5 * std::sqrt(n * p * (1 - p))));
  }
}

TEST_CASE("normal: independent between seeds, steps, streams, samples, rows and elements [NOI-3]") {
  const NoiseKey key{.seed = 4, .step = 1, .stream = Stream::latent, .draw = 1};
  const std::vector<float> z = normals(key);
  NoiseKey other = key;
  other.seed = 5;
  check_independent(z, normals(other));
  other = key;
  other.step = 2;
  check_independent(z, normals(other));
  other = key;
  other.stream = Stream::evaluate;
  check_independent(z, normals(other));
  other = key;
  other.draw = 2;
  check_independent(z, normals(other));
  for (const std::ptrdiff_t lag : {1, 2, 3, 4, 32, 1 << 14}) {  // 2^14: the next row
    check_independent({z.begin(), z.end() - lag}, {z.begin() + lag, z.end()});
  }
  std::vector<float> first, second;  // the two values of one Box-Muller pair
  for (std::size_t i = 0; i < z.size(); i += 2) first.push_back(z[i]), second.push_back(z[i + 1]);
  check_independent(first, second);
}
