// SPDX-License-Identifier: MIT
#include <longhand/math/optimizers.hpp>

#include "formulas.hpp"

using namespace longhand;
using namespace longhand::test;

namespace {

constexpr double lr = 0.1;
constexpr double gradients[] = {0.5, -1, 0.25};

/// (g, lr, clip, c1, c2, theta, m, v) -> (theta, m, v).
struct AdamStep {
  Adam adam;
  template <class T>
  std::array<T, 3> operator()(const std::array<T, 8>& x) const {
    std::array<T, 3> y{x[5], x[6], x[7]};
    adam(x[0], x[1], x[2], x[3], x[4], y[0], y[1], y[2]);
    return y;
  }
};
/// (g, lr, clip, theta, moment) -> (theta, moment), for the three simpler ones.
template <class O>
struct Step {
  O o;
  template <class T>
  std::array<T, 2> operator()(const std::array<T, 5>& x) const {
    std::array<T, 2> y{x[3], x[4]};
    if constexpr (O::moments == 0)
      o(x[0], x[1], x[2], y[0]);
    else
      o(x[0], x[1], x[2], y[0], y[1]);
    return y;
  }
};

/// Three steps from theta = 1 against the page: (theta, m, v) after each.
void check_adam(const char* name, const Adam& adam, const double (&want)[3][3]) {
  double theta = 1, m = 0, v = 0;
  for (int t = 1; t <= 3; ++t) {
    CAPTURE(t);
    adam(gradients[t - 1], lr, 1.0, 1 / (1 - std::pow(adam.beta1, t)),
         1 / (1 - std::pow(adam.beta2, t)), theta, m, v);
    check_worked(std::string(name) + "_theta", theta, want[t - 1][0], 1e-13);
    check_worked(std::string(name) + "_m", m, want[t - 1][1]);
    check_worked(std::string(name) + "_v", v, want[t - 1][2], 1e-13);  // 1 - 0.999 is rounded
  }
}

}  // namespace

TEST_CASE("optimizers: worked numbers, sgd and momentum [OPT-1] [OPT-2]") {
  const double sgd_theta[] = {0.95, 1.05, 1.025}, momentum_theta[] = {0.95, 1.005, 1.0295},
               momentum_u[] = {0.5, -0.55, -0.245};
  double theta = 1, with_momentum = 1, u = 0;
  for (int t = 0; t < 3; ++t) {
    Sgd{}(gradients[t], lr, 1.0, theta);
    check_worked("sgd_theta", theta, sgd_theta[t]);
    Momentum{}(gradients[t], lr, 1.0, with_momentum, u);
    check_worked("momentum_theta", with_momentum, momentum_theta[t]);
    check_worked("momentum_u", u, momentum_u[t]);
  }
}

TEST_CASE("optimizers: worked numbers, adam and adamw [OPT-3] [OPT-4] [OPT-5] [OPT-6]") {
  check_adam("adam", {},
             {{0.900000002, 0.05, 0.00025},
              {0.9366103542405656, -0.055, 0.00124975},
              {0.9502794203389764, -0.0245, 0.00131100025}});
  check_adam("adamw", {.weight_decay = 0.01},
             {{0.899000002, 0.05, 0.00025},
              {0.9347113542385656, -0.055, 0.00124975},
              {0.9474457089827378, -0.0245, 0.00131100025}});
}

TEST_CASE("optimizers: worked numbers, rmsprop [OPT-7]") {
  const double want_theta[] = {1.99999960000008e-07, 0.895323081911337, 0.6758495749040282},
               want_v[] = {0.0025, 0.012475, 0.01297525};
  double theta = 1, v = 0;
  for (int t = 0; t < 3; ++t) {
    RmsProp{}(gradients[t], lr, 1.0, theta, v);
    check_worked("rmsprop_v", v, want_v[t]);
    // The first step takes 1 down to 2e-7: the digits that cancel are lost.
    check_worked("rmsprop_theta", theta, want_theta[t], t == 0 ? 1e-8 : 1e-13);
  }
}

TEST_CASE("optimizers: worked numbers, penalties after the clip [OPT-8] [OPT-9] [OPT-10]") {
  check_worked("l2_gradient", Penalty{.l2 = 0.1}.gradient(-2.0, 0.5, 1.0), 0.3);
  check_worked("l1_gradient", Penalty{.l1 = 0.1}.gradient(-2.0, 0.5, 1.0), 0.4);
  check_worked("l1_gradient", Penalty{.l1 = 0.1}.gradient(0.0, 0.5, 1.0), 0.5);
  check_worked("l1_gradient", Penalty{.l1 = 0.1}.gradient(3.0, 0.5, 1.0), 0.6);
  for (const double g : {3., 4., 12.}) check_worked("clip", Penalty{}.gradient(1.0, g, 0.5), g / 2);
  check_worked("both", Penalty{0.1, 0.2}.gradient(2.0, 12.0, 0.5), 6 + 0.4 + 0.1);
}

TEST_CASE_TEMPLATE("optimizers: adam within the declared bounds [OPT-3] [OPT-4] [OPT-5] [OPT-6]", S,
                   float, double) {
  const Adam adam{.penalty = {.l1 = 0.01, .l2 = 0.02}, .weight_decay = 0.03};
  check_errors<S>(
      "adam", AdamStep{adam},
      [](const auto& x) {
        const long double sign = x[5] > 0 ? 1 : x[5] < 0 ? -1 : 0;
        const long double g = x[2] * x[0] + 0.02L * x[5] + 0.01L * sign;
        const long double size = std::fabs(x[2] * x[0]) + std::fabs(0.02L * x[5]) + 0.01L;
        const long double m = 0.9L * x[6] + 0.1L * g, v = 0.999L * x[7] + 0.001L * g * g;
        const long double m_size = 0.9L * std::fabs(x[6]) + 0.1L * size;
        const long double v_size = v + 0.001L * size * size;
        const long double root = std::sqrt(x[4] * v) + 1e-8L;
        const long double theta = x[5] - x[1] * 0.03L * x[5] - x[1] * x[3] * m / root;
        return std::array{Exact(theta, std::fabs(x[5]) + x[1] * x[3] * m_size * v_size / v / root),
                          Exact(m, m_size), Exact(v, v_size)};
      },
      std::array{Range{-3, 3}, Range{0, 0.1}, Range{0.1, 1}, Range{1, 10}, Range{1, 1000},
                 Range{-5, 5}, Range{-3, 3}, Range{0.01, 9}},
      std::array{4., 3., 3.});
}

TEST_CASE_TEMPLATE("optimizers: the others within the declared bounds [OPT-1] [OPT-2] [OPT-7]", S,
                   float, double) {
  const std::array ranges{Range{-3, 3}, Range{0, 0.1}, Range{0.1, 1}, Range{-5, 5}, Range{0.01, 9}};
  const auto gradient = [](const auto& x) {
    return Exact(x[2] * x[0] + 0.02L * x[3], std::fabs(x[2] * x[0]) + std::fabs(0.02L * x[3]));
  };
  const Penalty penalty{.l2 = 0.02};
  check_errors<S>(
      "sgd", Step<Sgd>{{penalty}},
      [&](const auto& x) {
        const Exact g = gradient(x);
        return std::array{Exact(x[3] - x[1] * g.value, std::fabs(x[3]) + x[1] * g.size),
                          Exact(x[4])};
      },
      ranges, std::array{2., 0.});
  check_errors<S>(
      "momentum", Step<Momentum>{{penalty}},
      [&](const auto& x) {
        const Exact g = gradient(x), u{0.9L * x[4] + g.value, 0.9L * x[4] + g.size};
        return std::array{Exact(x[3] - x[1] * u.value, std::fabs(x[3]) + x[1] * u.size), u};
      },
      ranges, std::array{2., 2.});
  check_errors<S>(
      "rmsprop", Step<RmsProp>{{penalty}},
      [&](const auto& x) {
        const Exact g = gradient(x);
        const Exact v{0.99L * x[4] + 0.01L * g.value * g.value,
                      0.99L * x[4] + 0.02L * g.size * g.size};
        const long double step = x[1] * g.size / (std::sqrt(v.value) + 1e-8L) * v.size / v.value;
        return std::array{
            Exact(x[3] - x[1] * g.value / (std::sqrt(v.value) + 1e-8L), std::fabs(x[3]) + step), v};
      },
      ranges, std::array{3., 3.});
}

TEST_CASE_TEMPLATE("optimizers: zeros stay zero; a NaN gradient shows [OPT-1] [OPT-5] [OPT-7]", S,
                   float, double) {
  check_tail<S>(AdamStep{}, std::array{0., 0.1, 1., 10., 1000., 0., 0., 0.},
                std::array{0., 0., 0.});
  check_tail<S>(AdamStep{}, std::array{kNan, 0.1, 1., 10., 1000., 1., 0., 0.},
                std::array{kNan, kNan, kNan});
  check_tail<S>(AdamStep{}, std::array{1e15, 0.1, 1., 10., 1000., 1., 0., 0.},
                std::array{0.9, 1e14, 1e27});
  check_tail<S>(Step<Sgd>{{.penalty = {0.1, 0.1}}}, std::array{0., 0.1, 1., -0., 0.},
                std::array{0., 0.});
  check_tail<S>(Step<RmsProp>{}, std::array{0., 0.1, 1., 0., 0.}, std::array{0., 0.});
  check_tail<S>(Step<Momentum>{}, std::array{kNan, 0.1, 1., 1., 0.}, std::array{kNan, kNan});
}

TEST_CASE_TEMPLATE("optimizers: a moment without news becomes 0 and not subnormal [OPT-3] [OPT-4]",
                   S, float, double) {
  const S rate = S(1) / 1024, one(1);
  S theta(1), m(0), v(0), u(0), w(0);
  Adam{}(one, rate, one, one, one, theta, m, v);
  Momentum{}(one, rate, one, theta, u);
  RmsProp{}(one, rate, one, theta, w);
  for (int t = 0; t < 100'000; ++t) {
    Adam{}(S(0), rate, one, one, one, theta, m, v);
    Momentum{}(S(0), rate, one, theta, u);
    RmsProp{}(S(0), rate, one, theta, w);
    for (const S moment : {m, v, u, w}) REQUIRE((moment == S(0) || std::isnormal(moment)));
  }
  for (const S moment : {m, v, u, w}) CHECK(moment == S(0));
}

TEST_CASE("optimizers: a penalty of 1 is a penalty like another [OPT-8] [OPT-9]") {
  CHECK(Penalty{.l1 = 1}.gradient(-2.0, 0.5, 1.0) == -0.5);
  CHECK(Penalty{.l2 = 1}.gradient(-2.0, 0.5, 1.0) == -1.5);
}

TEST_CASE_TEMPLATE("optimizers: a moment settles below 1e-30 and not at it [OPT-3] [OPT-4]", S,
                   float, double) {
  for (const double sign : {-1., 1.}) {
    CHECK(settled(S(sign * 1e-30)) == S(sign * 1e-30));
    CHECK(settled(S(sign * 1.5e-30)) == S(sign * 1.5e-30));
    CHECK(settled(S(sign * 0.75e-30)) == S(0));
  }
}
