// SPDX-License-Identifier: MIT
#include <longhand/math/gaussian.hpp>

#include "formulas.hpp"

using namespace longhand;
using namespace longhand::test;

namespace {

GaussianFixed fixed(double variance, OutputMap map = OutputMap::identity) {
  return {variance, {map}, 0.5 * (kLogTwoPi + std::log(variance))};
}

/// (a, t) -> (nll, da, mean).
struct Fixed {
  GaussianFixed f;
  template <class T>
  std::array<T, 3> operator()(const std::array<T, 2>& x) const {
    std::array<T, 3> y;
    f.value_and_gradient(x[0], x[1], y[0], y[1]);
    f.mean(x[0], y[2]);
    return y;
  }
};
/// (a, raw, t) -> (nll, da, draw).
struct Learned {
  GaussianLearned f;
  template <class T>
  std::array<T, 3> operator()(const std::array<T, 3>& x) const {
    std::array<T, 3> y;
    f.value_and_gradient(x[0], x[1], x[2], y[0], y[1], y[2]);
    return y;
  }
};

constexpr long double log_two_pi = 1.83787706640934548356065947281L;

/// Differences of the first output by all inputs but the target, which comes last; the other
/// outputs say the gradient.
template <std::size_t I, class F>
void check_derivative(const F& f, const std::vector<std::array<double, I>>& points) {
  for (const std::array<double, I>& point : points) {
    const auto all = [&](const auto& x) {
      std::array<std::remove_cvref_t<decltype(x[0])>, I> with_target{};
      std::copy(x.begin(), x.end(), with_target.begin());
      with_target.back() = point.back();
      return f(with_target);
    };
    std::array<double, I - 1> at;
    std::copy_n(point.begin(), I - 1, at.begin());
    LONGHAND_CHECK(check_formula<I - 1>(
        "gaussian", {at}, [&](const auto& x) { return std::array{all(x)[0]}; },
        [&](auto x, const auto& dnll) {
          const auto y = all(x);
          for (std::size_t i = 0; i + 1 < I; ++i) x[i] = dnll[0] * y[1 + i];
          return x;
        }));
  }
}

}  // namespace

TEST_CASE("gaussian, fixed variance: worked numbers [GAU-1] [GAU-2]") {
  const auto check = [](double m, double t, double v, double nll, double dm) {
    const auto y = Fixed{fixed(v)}(std::array{m, t});
    check_worked("gaussian_nll", y[0], nll);
    check_worked("gaussian_dm", y[1], dm);
    CHECK(y[2] == m);
  };
  check(0.8, 1, 0.5, 0.6123649429247001, -0.4);
  check(-0.3, 0.4, 0.5, 1.0623649429247002, -1.4);
  check(0.8, 1, 0.01, 0.6163534402106271, -20);
}

TEST_CASE("gaussian, sigmoid map: worked numbers [GAU-6] [GAU-7]") {
  const auto y = Fixed{fixed(0.5, OutputMap::sigmoid)}(std::array{0.8, 1.0});
  check_worked("gaussian_sigmoid_nll", y[0], 0.6684807652767932);
  check_worked("gaussian_sigmoid_da", y[1], -0.13263492931107848);
  check_worked("gaussian_sigmoid_m", y[2], 0.6899744811276124);
  const MeanMap map{OutputMap::sigmoid};
  check_worked("gaussian_sigmoid_da", map.backward(0.6899744811276124, -0.6200510377447751),
               -0.13263492931107848);
}

TEST_CASE("gaussian, learned variance: worked numbers [GAU-3] [GAU-4] [GAU-5]") {
  const auto check = [](double m, double t, double raw, double logvar, double nll, double dm,
                        double dlogvar, double draw) {
    const LogvarBound bound;
    const auto y = Learned{{{}, bound}}(std::array{m, raw, t});
    double l, through;
    bound.forward(raw, l);
    bound.backward(l, dlogvar, through);
    check_worked("gaussian_learned_logvar", l, logvar);
    check_worked("gaussian_learned_nll", y[0], nll);
    check_worked("gaussian_learned_dm", y[1], dm);
    check_worked("gaussian_learned_dlogvar, through the bound", through, draw);
    check_worked("gaussian_learned_draw", y[2], draw);
    const auto free = Learned{{{}, {kInf}}}(std::array{m, l, t});
    check_worked("gaussian_learned_dlogvar", free[2], dlogvar);
  };
  check(0.8, 1, -1.5, -1.4950199193743372, 0.2606170811360364, -0.8918850761853229,
        0.4108114923814677, 0.406730610499621);
  check(-0.3, 0.4, 2, 1.9882318258631757, 1.946604094576505, -0.09585613840069848,
        0.4664503515597555, 0.458255200763939);
}

TEST_CASE_TEMPLATE("gaussian, fixed variance: within the declared bounds [GAU-1] [GAU-2]", S, float,
                   double) {
  const double v = 0.3;
  const long double constant = (log_two_pi + std::log(0.3L)) / 2;
  const auto exact = [&](long double m, long double slack, long double slope, long double t) {
    const long double r = m - t, size = std::fabs(r) + slack;
    return std::array{Exact(r * r / (2 * v) + constant,
                            (r * r + 2 * size * slack) / (2 * v) + std::fabs(constant)),
                      Exact(r / v * slope, size / v * slope), Exact(m)};
  };
  check_errors<S>(
      "identity", Fixed{fixed(v)}, [&](const auto& x) { return exact(x[0], 0, 1, x[1]); },
      std::array{Range{-1e3, 1e3}, Range{-1e3, 1e3}}, std::array{3., 2., 0.});
  check_errors<S>(
      "sigmoid", Fixed{fixed(v, OutputMap::sigmoid)},
      [&](const auto& x) {  // the residual cannot be better than the mean
        const long double e = std::exp(-std::fabs(x[0])), m = (x[0] > 0 ? 1 : e) / (1 + e);
        auto y = exact(m, m, e / (1 + e) / (1 + e), x[1]);
        y[1].size = (std::fabs(m - x[1]) + m) / v * m;  // 1 - m, of a rounded m
        return y;
      },
      std::array{Range{-exp_range<S>(), exp_range<S>()}, Range{0, 1}}, std::array{4., 4., 4.});
}

TEST_CASE_TEMPLATE("gaussian, learned variance: within the declared bounds [GAU-3] [GAU-4] [GAU-5]",
                   S, float, double) {
  const long double c = 15;
  check_errors<S>(
      "learned", Learned{},
      [&](const auto& x) {
        const long double l = c * std::tanh(x[1] / c), r = x[0] - x[2], d = r * std::exp(-l);
        const long double magnify = 1 + std::fabs(l);  // e^-l of a rounded l
        const long double slope = 1 / std::cosh(x[1] / c) / std::cosh(x[1] / c);
        return std::array{
            Exact((r * d + l + log_two_pi) / 2, (r * d * magnify + std::fabs(l) + log_two_pi) / 2),
            Exact(d, std::fabs(d) * magnify),
            Exact((1 - r * d) / 2 * slope, (1 + r * d * (magnify * slope + 1)) / 2)};
      },
      std::array{Range{-100, 100}, Range{-60, 60}, Range{-100, 100}}, std::array{4., 4., 8.});
}

TEST_CASE("gaussian: derivatives by differences [GAU-2] [GAU-4] [GAU-5] [GAU-7]") {
  const std::vector<std::array<double, 2>> points{{0.8, 1}, {-0.3, 0.4}, {2, 0}, {-3, 0.5}, {0, 0}};
  check_derivative(Fixed{fixed(0.5)}, points);
  check_derivative(Fixed{fixed(0.02)}, points);
  check_derivative(Fixed{fixed(0.5, OutputMap::sigmoid)}, points);
  const std::vector<std::array<double, 3>> learned{
      {0.8, -1.5, 1}, {-0.3, 2, 0.4}, {0.1, -5, 0.2}, {4, 9, -3}, {1, 0, 1}};
  check_derivative(Learned{}, learned);
  check_derivative(Learned{{{}, {2}}}, learned);
  check_derivative(Learned{{{}, {kInf}}}, learned);
  check_derivative(Learned{{{OutputMap::sigmoid}, {}}}, learned);
}

TEST_CASE_TEMPLATE("gaussian: tails; NaN in, NaN out [GAU-1] [GAU-3] [GAU-6]", S, float, double) {
  const double constant = 0.5 * kLogTwoPi;
  const Fixed identity{fixed(1)}, squashed{fixed(1, OutputMap::sigmoid)};
  check_tail<S>(identity, std::array{-0.0, 0.0}, std::array{constant, 0., 0.});
  check_tail<S>(identity, std::array{1e15, 0.0}, std::array{5e29, 1e15, 1e15});
  check_tail<S>(identity, std::array{kInf, 0.0}, std::array{kInf, kInf, kInf});
  check_tail<S>(identity, std::array{kNan, 0.0}, std::array{kNan, kNan, kNan});
  check_tail<S>(identity, std::array{1.0, kNan}, std::array{kNan, kNan, 1.});
  for (const double a : {88., 710., 1e30, kInf}) {
    check_tail<S>(squashed, std::array{a, 0.0}, std::array{0.5 + constant, 0., 1.});
    check_tail<S>(squashed, std::array{-a, 0.0}, std::array{constant, 0., 0.});
  }
  check_tail<S>(squashed, std::array{kNan, 0.0}, std::array{kNan, kNan, kNan});
  const double e15 = std::exp(15.);
  for (const double raw : {710., 1e30, kInf}) {  // the bound holds the variance: finite for any raw
    check_tail<S>(Learned{}, std::array{3., raw, 1.},
                  std::array{2 / e15 + 7.5 + constant, 2 / e15, 0.});
    check_tail<S>(Learned{}, std::array{3., -raw, 1.},
                  std::array{2 * e15 - 7.5 + constant, 2 * e15, 0.});
  }
  check_tail<S>(Learned{}, std::array{3., kNan, 1.}, std::array{kNan, kNan, kNan});
  check_tail<S>(Learned{}, std::array{kNan, 0., 1.}, std::array{kNan, kNan, kNan});
}

TEST_CASE("gaussian: means and draws [GAU-6]") {
  double m, t;
  Learned{}.f.mean(0.8, 5.0, m);
  CHECK(m == 0.8);
  GaussianLearned{{OutputMap::sigmoid}, {}}.mean(0.8, 5.0, m);
  check_worked("sigmoid(a)", m, 0.6899744811276124);
  fixed(0.25).draw(0.8, 1.5, t);
  check_worked("m + sqrt(v) eps", t, 1.55);
  GaussianLearned{{}, {kInf}}.draw(0.8, -2.0, 1.5, t);
  check_worked("m + exp(l / 2) eps", t, 0.8 + 1.5 * 0.36787944117144233);
}
