// SPDX-License-Identifier: MIT
#include <longhand/math/reparameterise.hpp>

#include "formulas.hpp"

using namespace longhand;
using namespace longhand::test;

namespace {

/// (mu, raw, eps) -> (logvar, z).
struct Down {
  LogvarBound bound;
  template <class T>
  std::array<T, 2> operator()(const std::array<T, 3>& x) const {
    std::array<T, 2> y;
    Reparameterise{bound}.forward(x[0], x[1], x[2], y[0], y[1]);
    return y;
  }
};
/// (dmu_kl, dlogvar_kl, dz, eps, logvar) -> (dmu, draw).
struct Up {
  LogvarBound bound;
  template <class T>
  std::array<T, 2> operator()(const std::array<T, 5>& x) const {
    std::array<T, 2> y;
    Reparameterise{bound}.backward(x[0], x[1], x[2], x[3], x[4], y[0], y[1]);
    return y;
  }
};

}  // namespace

TEST_CASE("reparameterisation: worked numbers [REP-1] [REP-2] [REP-3] [REP-4] [REP-5]") {
  const double mu[] = {0.5, -1}, raw[] = {-0.2, 3}, eps[] = {1.5, -0.5}, dz[] = {0.3, -0.7};
  const auto check = [&](double c, int sample, double logvar, double z, double dmu, double dlogvar,
                         double draw) {
    CAPTURE(c);
    CAPTURE(sample);
    const auto down = Down{{c}}(std::array{mu[sample], raw[sample], eps[sample]});
    check_worked("logvar", down[0], logvar);
    check_worked("z", down[1], z);
    const auto up = Up{{c}}(std::array{0.0, 0.0, dz[sample], eps[sample], down[0]});
    check_worked("dmu", up[0], dmu);
    check_worked("draw", up[1], draw);
    const auto unbounded = Up{{kInf}}(std::array{0.0, 0.0, dz[sample], eps[sample], down[0]});
    check_worked("dlogvar", unbounded[1], dlogvar);
    check_worked("sigma", (down[1] - mu[sample]) / eps[sample], std::exp(logvar / 2));
  };
  check(15, 0, -0.19998814899088585, 1.857264169505133, 0.3, 0.20358962542576997,
        0.2035534360037761);
  check(15, 1, 2.96062980337356, -3.1971646223777355, -0.7, 0.7690076178322074, 0.739049374965132);
  check(2, 0, -0.19933598924991164, 1.8577068181952336, 0.3, 0.20365602272928507,
        0.20163296303232514);
  check(2, 1, 1.8102965072897328, -2.236149211570871, -0.7, 0.43265222404980486,
        0.07818312923088157);
  check(kInf, 0, -0.2, 1.8572561270539394, 0.3, 0.2035884190580909, 0.2035884190580909);
  check(kInf, 1, 3, -3.2408445351690323, -0.7, 0.7842955873091614, 0.7842955873091614);
}

TEST_CASE("reparameterisation: adds to what the divergence left [REP-3] [REP-4] [ELBO-4]") {
  const auto alone = Up{}(std::array{0.0, 0.0, 0.3, 1.5, -0.2});
  const auto joined = Up{}(std::array{0.25, 0.5, 0.3, 1.5, -0.2});
  check_worked("dmu", joined[0], alone[0] + 0.25);
  check_worked("draw", joined[1], alone[1] + 0.5 * (1 - (0.2 / 15) * (0.2 / 15)));
}

TEST_CASE_TEMPLATE("reparameterisation: within the declared bounds [REP-1] [REP-2] [REP-4] [REP-5]",
                   S, float, double) {
  const long double c = 15;
  check_errors<S>(
      "forward", Down{},
      [&](const auto& x) {
        const long double l = c * std::tanh(x[1] / c), noise = std::exp(l / 2) * x[2];
        return std::array{
            Exact(l),
            Exact(x[0] + noise, std::fabs(x[0]) + std::fabs(noise) * (1 + std::fabs(l) / 2))};
      },
      std::array{Range{-100, 100}, Range{-200, 200}, Range{-8, 8}}, std::array{5., 4.});
  check_errors<S>(
      "backward", Up{},
      [&](const auto& x) {
        const long double part = x[2] * x[3] * std::exp(x[4] / 2) / 2, r = x[4] / c;
        return std::array{
            Exact(x[0] + x[2], std::fabs(x[0]) + std::fabs(x[2])),
            Exact((x[1] + part) * (1 - r * r), (std::fabs(x[1]) + std::fabs(part)) * (1 + r * r))};
      },
      std::array{Range{-10, 10}, Range{-10, 10}, Range{-10, 10}, Range{-8, 8}, Range{-15, 15}},
      std::array{1., 4.});
}

TEST_CASE("reparameterisation: derivatives by differences [REP-3] [REP-4] [REP-5] [ELBO-4]") {
  for (const double c : {15.0, 2.0, kInf})
    for (const double eps : {1.5, -0.5, 0.0}) {
      const auto down = [&](const auto& x) {  // (mu, raw) -> (logvar, z)
        return Down{{c}}(std::array{x[0], x[1], decltype(x[0] + x[0])(eps)});
      };
      LONGHAND_CHECK(
          check_formula<2>("z", {{0.5, -0.2}, {-1, 3}, {0, 0}, {3, 20}, {1, -9}}, down,
                           [&](const auto& x, const auto& dy) {
                             return Up{{c}}(std::array{0.0, dy[0], dy[1], eps, down(x)[0]});
                           }));
    }
}

TEST_CASE_TEMPLATE("reparameterisation: tails; NaN in, NaN out [REP-1] [REP-2] [REP-5]", S, float,
                   double) {
  const double sigma = std::exp(7.5);
  for (const double raw : {710., 1e30, kInf}) {  // finite for any raw
    check_tail<S>(Down{}, std::array{1., raw, 2.}, std::array{15., 1 + 2 * sigma});
    check_tail<S>(Down{}, std::array{1., -raw, 2.}, std::array{-15., 1 + 2 / sigma});
  }
  check_tail<S>(Up{}, std::array{0., 0., 1., 1., 15.}, std::array{1., 0.});
  check_tail<S>(Down{}, std::array{-0.0, -0.0, -0.0}, std::array{0., 0.});
  check_tail<S>(Down{}, std::array{1., kNan, 2.}, std::array{kNan, kNan});
  check_tail<S>(Down{}, std::array{kNan, 0., 2.}, std::array{0., kNan});
  check_tail<S>(Down{}, std::array{1., 0., kNan}, std::array{0., kNan});
  check_tail<S>(Down{{kInf}}, std::array{1., -1e30, 2.}, std::array{-1e30, 1.});
  check_tail<S>(Up{{kInf}}, std::array{0., 2., 0., 0., 1e30}, std::array{0., kNan});  // 0 * inf
  check_tail<S>(Up{}, std::array{0., 0., kNan, 1., 0.}, std::array{kNan, kNan});
}
