// SPDX-License-Identifier: MIT
#include <longhand/math/gaussian_kl.hpp>

#include "formulas.hpp"

using namespace longhand;
using namespace longhand::test;

namespace {

/// (mu, logvar, w) -> (KL, dmu, dlogvar).
struct Standard {
  template <class T>
  std::array<T, 3> operator()(const std::array<T, 3>& x) const {
    std::array<T, 3> y;
    StandardNormalKl{}(x[0], x[1], x[2], y[1], y[2], y[0]);
    return y;
  }
};
/// (mu, logvar, mu_p, logvar_p, w) -> (KL, dmu, dlogvar, dmu_p, dlogvar_p).
struct Conditional {
  template <class T>
  std::array<T, 5> operator()(const std::array<T, 5>& x) const {
    std::array<T, 5> y;
    ConditionalKl{}(x[0], x[1], x[2], x[3], x[4], y[1], y[2], y[3], y[4], y[0]);
    return y;
  }
};
/// (mu, logvar, eps, mu_p, logvar_p) -> log q - log p.
struct Ratio {
  template <class T>
  std::array<T, 1> operator()(const std::array<T, 5>& x) const {
    std::array<T, 1> y;
    GaussianLogRatio{}(x[0], x[1], x[2], x[3], x[4], y[0]);
    return y;
  }
};
struct Difference {
  template <class T>
  std::array<T, 1> operator()(const std::array<T, 1>& x) const {
    return {expm1_minus(x[0])};
  }
};

/// expm1(x) - x to all digits: the series where the difference cancels, 30 terms of it.
long double exact_difference(long double x) {
  if (std::fabs(x) > 1) return std::expm1(x) - x;
  long double term = x, sum = 0;
  for (int k = 2; k < 32; ++k) sum += term *= x / k;
  return sum;
}

}  // namespace

TEST_CASE("gaussian KL: worked numbers, standard prior [KL-1] [KL-2] [KL-3]") {
  const auto check = [](double mu, double logvar, double kl, double dmu, double dlogvar,
                        double tolerance = 1e-14) {
    const auto y = Standard{}(std::array{mu, logvar, 1.0});
    CAPTURE(mu);
    CAPTURE(logvar);
    check_worked("kl_standard", y[0], kl, tolerance);
    check_worked("kl_standard_dmu", y[1], dmu);
    check_worked("kl_standard_dlogvar", y[2], dlogvar);
  };
  check(0.5, -0.2, 0.13436537653899092, 0.5, -0.09063462346100908);
  check(-1, 1, 0.8591409142295227, -1, 0.8591409142295227);
  check(0, 0, 0, 0, 0);
  check(0, 0.001, 2.50083354170834e-07, 0, 0.0005002500833541708);
  check(2, -3, 3.024893534183932, 2, -0.475106465816068);
}

TEST_CASE("gaussian KL: worked numbers, conditional prior [KL-4] [KL-5] [KL-6] [KL-7] [KL-8]") {
  const auto check = [](const std::array<double, 4>& at, const std::array<double, 5>& want) {
    const auto y = Conditional{}(std::array{at[0], at[1], at[2], at[3], 1.0});
    const char* names[] = {"kl_conditional", "kl_conditional_dmu", "kl_conditional_dlogvar",
                           "kl_conditional_dmu_p", "kl_conditional_dlogvar_p"};
    for (std::size_t k = 0; k < 5; ++k) check_worked(names[k], y[k], want[k]);
  };
  check({0.5, -0.2, 0.2, 0.3}, {0.08660214978699401, 0.22224546620451535, -0.1967346701436833,
                                -0.22224546620451535, 0.16339785021300599});
  check({-1, 1, 0.5, -0.7}, {3.652445491767886, -3.0206290612057147, 2.2369736958636,
                             3.0206290612057147, -4.502445491767886});
  check({0.5, -0.2, 0, 0},
        {0.13436537653899092, 0.5, -0.09063462346100908, -0.5, -0.03436537653899093});
}

TEST_CASE("gaussian KL: worked numbers, the ratio at one draw [KL-10]") {
  const auto check = [](const std::array<double, 5>& at, double want) {
    check_worked("kl_ratio", Ratio{}(at)[0], want);
  };
  check({0.5, -0.2, 1.5, 0, 0}, 0.6997001607396992);
  check({0.5, -0.2, -0.5, 0.2, 0.3}, 0.1336051454894106);
  check({-1, 1, 0.25, 0.5, -0.7}, 0.3102388058695559);
}

TEST_CASE("gaussian KL: the mean of the ratio over three draws is the divergence [KL-10]") {
  for (const auto& x :
       sample<double, 4>({Range{-5, 5}, Range{-6, 6}, Range{-5, 5}, Range{-6, 6}})) {
    const auto at = [&](double eps) { return Ratio{}(std::array{x[0], x[1], eps, x[2], x[3]})[0]; };
    const double mean = (at(-std::sqrt(3)) + 4 * at(0) + at(std::sqrt(3))) / 6;
    const double kl = Conditional{}(std::array{x[0], x[1], x[2], x[3], 1.0})[0];
    CHECK_FALSE(!(std::abs(mean - kl) <= 1e-13 * (std::abs(kl) + 10)));
  }
}

TEST_CASE("gaussian KL: worked numbers, the small difference [KL-9]") {
  const auto check = [](double x, double want) {
    check_worked("expm1_minus_x", expm1_minus(x), want);
  };
  check(0.001, 5.00166708341668e-07);
  check(-0.005, 1.2479192682313352e-05);
  check(0.009, 4.0621773867814064e-05);
  check(0.5, 0.14872127070012814);
}

TEST_CASE_TEMPLATE("gaussian KL: within the declared bounds [KL-1] [KL-4] [KL-9]", S, float,
                   double) {
  const double r = exp_range<S>();
  check_errors<S>(
      "difference", Difference{},
      [](const auto& x) { return std::array{Exact(exact_difference(x[0]))}; },
      std::array{Range{-r, r}}, std::array{4.});
  check_errors<S>(
      "standard", Standard{},
      [](const auto& x) {
        return std::array{Exact((x[0] * x[0] + exact_difference(x[1])) / 2), Exact(x[2] * x[0]),
                          Exact(x[2] * std::expm1(x[1]) / 2)};
      },
      std::array{Range{-10, 10}, Range{-20, 20}, Range{0, 1}}, std::array{4., 1., 4.});
  check_errors<S>(
      "conditional", Conditional{},
      [](const auto& x) {
        const long double d = x[1] - x[3], delta = x[0] - x[2], scale = std::exp(-x[3]);
        // What the rounding of d and of delta costs: |d| f'(d) and |delta| 2 delta e^-logvar_p.
        const long double by_d = std::fabs(std::expm1(d) * d),
                          by_logvar = std::exp(d) * std::fabs(d);
        const long double square = delta * delta * scale;
        return std::array{
            Exact((exact_difference(d) + square) / 2, (exact_difference(d) + by_d + square) / 2),
            Exact(x[4] * delta * scale),
            Exact(x[4] * std::expm1(d) / 2, x[4] * (std::fabs(std::expm1(d)) + by_logvar) / 2),
            Exact(-x[4] * delta * scale),
            Exact(-x[4] * (std::expm1(d) + square) / 2,
                  x[4] * (std::fabs(std::expm1(d)) + by_logvar + square) / 2)};
      },
      std::array{Range{-10, 10}, Range{-20, 20}, Range{-10, 10}, Range{-20, 20}, Range{0, 1}},
      std::array{4., 4., 4., 4., 4.});
  check_errors<S>(
      "ratio", Ratio{},
      [](const auto& x) {
        const long double noise = std::exp(x[1] / 2) * x[2], delta = x[0] + noise - x[3];
        const long double scale = std::exp(-x[4]), square = delta * delta * scale;
        // What the rounding of delta costs: of mu, of the noise with its exponent, of mu_p.
        const long double by_delta =
            2 * std::fabs(delta) * scale *
            (std::fabs(x[0]) + std::fabs(x[3]) + std::fabs(noise) * (1 + std::fabs(x[1]) / 2));
        return std::array{Exact((square - x[2] * x[2] - (x[1] - x[4])) / 2,
                                (square * (1 + std::fabs(x[4])) + by_delta + x[2] * x[2] +
                                 std::fabs(x[1]) + std::fabs(x[4])) /
                                    2)};
      },
      std::array{Range{-10, 10}, Range{-20, 20}, Range{-5, 5}, Range{-10, 10}, Range{-20, 20}},
      std::array{4.});
}

TEST_CASE("gaussian KL: derivatives by differences [KL-2] [KL-3] [KL-5] [KL-6] [KL-7] [KL-8]") {
  const auto conditional = [](const auto& x, const auto& w) {
    return Conditional{}(std::array{x[0], x[1], x[2], x[3], w});
  };
  LONGHAND_CHECK(check_formula<4>(
      "conditional",
      {{0.5, -0.2, 0.2, 0.3}, {-1, 1, 0.5, -0.7}, {2, -3, 0, 0.004}, {0.1, 0.05, 0.1, 0.05}},
      [&](const auto& x) { return std::array{conditional(x, x[0])[0]}; },
      [&](const auto& x, const auto& dkl) {
        const auto y = conditional(x, dkl[0]);
        return std::array{y[1], y[2], y[3], y[4]};
      }));
  LONGHAND_CHECK(check_formula<2>(
      "standard", {{0.5, -0.2}, {0.2, 0.3}, {-1, 1}, {2, -3}, {0, 0.004}, {0.1, 0}},
      [](const auto& x) {
        return std::array{Standard{}(std::array{x[0], x[1], x[0]})[0]};
      },
      [](const auto& x, const auto& dkl) {
        const auto y = Standard{}(std::array{x[0], x[1], dkl[0]});
        return std::array{y[1], y[2]};
      }));
}

TEST_CASE("gaussian KL: equals the integral of q log(q / p) [KL-1] [KL-4]") {
  const auto log_density = [](long double z, long double mu, long double logvar) {
    return -(std::log(2 * 3.14159265358979323846264338L) + logvar +
             (z - mu) * (z - mu) * std::exp(-logvar)) /
           2;
  };
  for (const auto& [mu, logvar, mu_p, logvar_p] :
       {std::array{0.5, -0.2, 0.0, 0.0}, std::array{-1.0, 1.0, 0.5, -0.7},
        std::array{2.0, -3.0, 0.0, 0.0}}) {
    const long double sigma = std::exp(logvar / 2.0L), step = sigma / 64;
    long double integral = 0;  // trapezia converge exponentially on a smooth bump
    for (int k = -64 * 12; k <= 64 * 12; ++k) {
      const long double z = mu + k * step, log_q = log_density(z, mu, logvar);
      integral += step * std::exp(log_q) * (log_q - log_density(z, mu_p, logvar_p));
    }
    check_worked("kl", Conditional{}(std::array{mu, logvar, mu_p, logvar_p, 1.0})[0],
                 static_cast<double>(integral), 1e-13);
    if (mu_p == 0 && logvar_p == 0)
      check_worked("kl", Standard{}(std::array{mu, logvar, 1.0})[0], static_cast<double>(integral),
                   1e-13);
  }
}

TEST_CASE_TEMPLATE("gaussian KL: never negative; tails; NaN in, NaN out [KL-1] [KL-4] [KL-9]", S,
                   float, double) {
  for (const auto& y : evaluate<64>(Difference{}, sample<S, 1>({Range{-1, 1}}))) CHECK(y[0] >= 0);
  const double limit = std::is_same_v<S, float> ? 80 : 700, e = std::exp(limit);
  check_tail<S>(Standard{}, std::array{0., limit, 1.}, std::array{(e - limit) / 2, 0., e / 2});
  check_tail<S>(Standard{}, std::array{0., -limit, 1.}, std::array{(limit - 1) / 2, 0., -0.5});
  check_tail<S>(Standard{}, std::array{1e15, -1e15, 2.}, std::array{5e29, 2e15, -1.});
  check_tail<S>(Standard{}, std::array{-0.0, -0.0, 1.}, std::array{0., 0., 0.});
  check_tail<S>(Standard{}, std::array{0., kInf, 1.}, std::array{kNan, 0., kInf});
  check_tail<S>(Standard{}, std::array{0., -kInf, 1.}, std::array{kInf, 0., -0.5});
  check_tail<S>(Standard{}, std::array{kNan, 0., 1.}, std::array{kNan, kNan, 0.});
  check_tail<S>(Standard{}, std::array{1., kNan, 1.}, std::array{kNan, 1., kNan});
  check_tail<S>(Conditional{}, std::array{1., kNan, 0., 0., 1.},
                std::array{kNan, 1., kNan, -1., kNan});
  check_tail<S>(Conditional{}, std::array{1., 0., kNan, 0., 1.},
                std::array{kNan, kNan, 0., kNan, kNan});
  check_tail<S>(Conditional{}, std::array{1., 0., 0., kNan, 1.},
                std::array{kNan, kNan, kNan, kNan, kNan});
}
