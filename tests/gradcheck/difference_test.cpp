// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>
#include <longhand/gradcheck/detail/difference.hpp>
#include <longhand/gradcheck/detail/noise.hpp>
#include <random>

using namespace longhand;
using namespace longhand::detail;

namespace {

/// Central quotients of f at x in a table.
template <class F>
Estimate table_of(const F& f, double x, double noise = 1e-16) {
  RichardsonTable table(4);
  double h = 0x1p-3;
  while (!table.full() && !table.settled(0)) {
    table.add((f(x + h) - f(x - h)) / (2 * h), noise / h);
    h /= 2;
  }
  return table.best();
}

}  // namespace

TEST_CASE("Richardson table: the error is within the estimate for smooth functions") {
  for (double x = -3; x < 3; x += 0.37) {
    const auto within = [&](double got, const Estimate& e) {
      CHECK(std::fabs(e.value - got) <= 2 * e.error());
      CHECK(e.error() < 1e-9);
    };
    within(std::cos(x), table_of([](double a) { return std::sin(a); }, x));
    within(std::exp(x), table_of([](double a) { return std::exp(a); }, x, 2e-15));
    within(3 * x * x, table_of([](double a) { return a * a * a; }, x, 4e-15));
    within(20 * std::cos(20 * x), table_of([](double a) { return std::sin(20 * a); }, x));
  }
}

TEST_CASE("Richardson table: a kink nearby does not pass for convergence") {
  for (const double d : {1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6}) {
    CAPTURE(d);
    const Estimate e = table_of([](double a) { return a > 0 ? a : 0; }, d);
    CHECK(std::fabs(e.value - 1) <= 2 * e.error());
  }
}

TEST_CASE("Richardson table: values that are not finite are passed over") {
  const Estimate e = table_of([](double a) { return std::log(a); }, 0.01);
  CHECK(std::fabs(e.value - 100) <= 2 * e.error());
  CHECK(e.error() < 1e-6);
}

TEST_CASE("noise: the standard deviation of what is added to a smooth function") {
  std::mt19937_64 random(1);
  std::normal_distribution<double> normal;
  double low = HUGE_VAL, high = 0;
  for (int trial = 0; trial < 1000; ++trial) {
    double values[kNoisePoints];
    for (int p = 0; p < kNoisePoints; ++p)
      values[p] = 5 + 3 * p + 0.01 * p * p + 1e-3 * normal(random);
    const double noise = noise_of(values);
    low = std::min(low, noise), high = std::max(high, noise);
  }
  CHECK(low > 2e-5);
  CHECK(high < 5e-3);
  double flat[kNoisePoints] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
  CHECK(noise_of(flat) == 0);
  double broken[kNoisePoints] = {1, 1, 1, std::nan(""), 1, 1, 1, 1, 1};
  CHECK(std::isnan(noise_of(broken)));
}

TEST_CASE("objective: a constant in the outputs does not enter the rounding") {
  std::vector<double> a{0.3};
  Objective objective({{"a", a}}, [&] { return std::vector<double>{1e9, std::sin(a[0])}; });
  objective.set_cotangent({1, 1});
  objective.rebase();
  const std::vector<Step> steps{{0, 0, 1}};
  const Objective::Value v = objective.along(steps, 1e-3);
  CHECK(v.change == std::sin(a[0] + v.distance) - std::sin(0.3));
  CHECK(a[0] == 0.3);
}
