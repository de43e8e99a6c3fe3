// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>

#include "layer.hpp"

using namespace longhand;
using namespace longhand::test;

namespace {

double relu(double a) { return a > 0 ? a : 0; }

constexpr double kDistances[] = {0.0,  -0.0, 1e-300, 1e-15, 1e-12, -1e-12, 1e-10, -1e-9,
                                 1e-8, 1e-7, -1e-7,  1e-6,  1e-5,  -1e-4,  1e-3,  -1e-2};

}  // namespace

TEST_CASE("kinks: a right gradient passes at any distance from one") {
  for (const double d : kDistances) {
    CAPTURE(d);
    const GradientReport r = check_scalar({d, 0.7, -0.3}, relu, [](double a) { return a > 0; });
    CHECK_MESSAGE(r.passed(), r.text());
    CHECK(r.resolution < 1e-5);
    const GradientReport curved = check_scalar(
        {d, 0.7, -0.3}, [](double a) { return a > 0 ? a * (1 + a) : std::expm1(a) / 3; },
        [](double a) { return a > 0 ? 1 + 2 * a : std::exp(a) / 3; });
    CHECK_MESSAGE(curved.passed(), curved.text());
  }
  CHECK(check_scalar({0.0}, relu, [](double a) { return a > 0; }).verdict == Verdict::kink_ok);
}

TEST_CASE("kinks: a wrong gradient fails at any distance from one") {
  for (const double d : kDistances)
    for (const double factor : {1 + 1e-6, 1.001, 0.5, -1.0}) {
      CAPTURE(d);
      CAPTURE(factor);
      const GradientReport r =
          check_scalar({d}, relu, [factor](double a) { return a > 0 ? factor : 0; });
      CHECK_MESSAGE(r.verdict == Verdict::fail, r.text());
    }
}

TEST_CASE("kinks: any slope between the two sides is accepted at the kink, no other") {
  for (const double at_zero : {0.0, 1.0, 0.5, 0.25, -0.5, 2.0}) {
    const bool right = at_zero >= 0 && at_zero <= 1;
    CAPTURE(at_zero);
    const GradientReport r = check_scalar({0.0, 1.0}, relu, [at_zero](double a) {
      return a > 0 ? 1.0 : a < 0 ? 0.0 : at_zero;
    });
    CHECK_MESSAGE(r.passed() == right, r.text());
  }
  // |a| has slope -1 and 1.
  CHECK(check_scalar(
            {0.0}, [](double a) { return std::fabs(a); },
            [](double a) { return a > 0   ? 1.0
                                  : a < 0 ? -1.0
                                          : 0.0; })
            .passed());
}

TEST_CASE("kinks: a smooth function is not excused at the place where its formula branches") {
  // Both branches meet smoothly at 0, where the slope is 1/2: any other value there is an error.
  const auto softplus = [](double a) {
    return std::fmax(a, 0.0) + std::log1p(std::exp(-std::fabs(a)));
  };
  const auto slope = [](double at_zero) {
    return [at_zero](double a) { return a == 0 ? at_zero : 1 / (1 + std::exp(-a)); };
  };
  for (const double zero : {0.0, -0.0}) {
    CHECK(check_scalar({zero, 0.4}, softplus, slope(0.5)).verdict == Verdict::pass);
    CHECK(check_scalar({zero, 0.4}, softplus, slope(0.3)).verdict == Verdict::fail);
    CHECK(check_scalar({zero, 0.4}, softplus, slope(1)).verdict == Verdict::fail);
  }
}

TEST_CASE("kinks: many of them in one net, some exactly at the inputs") {
  // y = relu(W x) with rows of W x planted at 0: every sign of every unit is reachable.
  constexpr std::size_t n = 4;
  const auto check = [&](double plant, double factor) {
    std::vector<double> W(n * n), x(n), b(n);
    for (std::size_t k = 0; k < n * n; ++k) W[k] = std::sin(2.0 + 1.9 * static_cast<double>(k));
    for (std::size_t k = 0; k < n; ++k) x[k] = std::cos(1.0 + static_cast<double>(k));
    const auto sum = [&](std::size_t i) {
      double s = b[i];
      for (std::size_t k = 0; k < n; ++k) s += W[i + k * n] * x[k];
      return s;
    };
    for (std::size_t i = 0; i < n; ++i) b[i] = 0, b[i] = plant - sum(i);
    return check_gradient(
        "planted", {{"W", W, n}, {"x", x}, {"b", b}},
        [&] {
          std::vector<double> y;
          for (std::size_t i = 0; i < n; ++i) y.push_back(relu(sum(i)));
          return y;
        },
        [&](Cotangent dy, TensorGradients& g) {
          for (std::size_t k = 0; k < n; ++k) g["x"][k] = 0;
          for (std::size_t i = 0; i < n; ++i) {
            const double da = sum(i) > 0 ? dy[i] : 0;
            g["b"][i] = da;
            for (std::size_t k = 0; k < n; ++k) {
              g["W"][i + k * n] = factor * da * x[k];
              g["x"][k] += da * W[i + k * n];
            }
          }
        });
  };
  for (const double plant : {0.0, 1e-12, -1e-9, 1e-6, -1e-4}) {
    CAPTURE(plant);
    const GradientReport right = check(plant, 1);
    CHECK_MESSAGE(right.passed(), right.text());
    const GradientReport wrong = check(plant, 1.001);
    CHECK_MESSAGE(wrong.verdict == Verdict::fail, wrong.text());
  }
}

TEST_CASE("kinks: at a jump only the slopes beside it count") {
  const auto jump = [](double a) { return a > 0 ? 1.0 + a : a; };
  const GradientReport right = check_scalar({0.0, 0.4}, jump, [](double) { return 1.0; });
  CHECK_MESSAGE(right.verdict == Verdict::kink_ok, right.text());
  const GradientReport wrong = check_scalar({0.0}, jump, [](double) { return 1.001; });
  CHECK_MESSAGE(wrong.verdict == Verdict::fail, wrong.text());
}
