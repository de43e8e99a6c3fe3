// SPDX-License-Identifier: MIT
#include <longhand/math/activations.hpp>

#include "formulas.hpp"

using namespace longhand;
using namespace longhand::test;

namespace {

/// (a, what the layer saved, dy) -> (y, da).
template <class A>
struct Both {
  A act;
  template <class T>
  std::array<T, 2> operator()(const std::array<T, 3>& x) const {
    std::array<T, 2> y_da;
    act.forward(x[0], y_da[0]);
    act.backward(x[1], x[2], y_da[1]);
    return y_da;
  }
  /// As the layer computes them: backward reads the output, or the input.
  std::array<double, 2> at(double a, double dy) const {
    double y;
    act.forward(a, y);
    return (*this)(std::array{a, A::saved == Saved::input ? a : y, dy});
  }
};

struct Worked {
  double a, y, da;  // for dy = 2
  double tolerance = 1e-14;
};
template <class A>
void check_rows(const A& act, std::initializer_list<Worked> rows) {
  for (const Worked& w : rows) {
    const auto [y, da] = Both<A>{act}.at(w.a, 2);
    CAPTURE(w.a);
    check_worked(A::name, y, w.y, w.tolerance);
    check_worked(A::name, da, w.da, w.tolerance);
  }
}

/// Forward against the definition, backward against its own, at a value the layer may have saved.
template <class S, class A, class Value, class Slope>
void check_bounds(const A& act, const Value& value, const Slope& slope, Range saved, double forward,
                  double backward) {
  check_errors<S>(
      A::name, Both<A>{act},
      [&](const auto& x) {
        const Exact d = slope(x[1]);
        return std::array{Exact(value(x[0])), Exact(x[2] * d.value, x[2] * d.size)};
      },
      std::array{Range{-exp_range<S>(), exp_range<S>()}, saved, Range{-2, 2}},
      std::array{forward, backward});
}

template <class A>
void check_derivative(const A& act) {
  LONGHAND_CHECK(check_formula<1>(
      A::name, {{-3}, {-1.25}, {-0.4}, {-0.002}, {-0.0}, {0}, {0.003}, {0.75}, {2}, {5}},
      [&](const auto& a) {
        auto y = a;
        act.forward(a[0], y[0]);
        return y;
      },
      [&](const auto& a, const auto& dy) { return std::array{Both<A>{act}.at(a[0], dy[0])[1]}; }));
}

struct Tail {
  double a, y, slope;
};
/// Tabulated values and slopes (dy = 1); NaN in gives NaN out, and a NaN from above survives.
/// `nan_slope` is the slope at a NaN, whose value shows the fault already.
template <class A>
void check_tails(const A& act, double nan_slope, std::initializer_list<Tail> rows) {
  const std::string name = A::name;
  CAPTURE(name);
  const Both<A> both{act};
  const auto check = [&](double a, double dy, double y, double da) {
    const double saved = A::saved == Saved::input ? a : y;
    check_tail<float>(both, std::array{a, saved, dy}, std::array{y, da});
    check_tail<double>(both, std::array{a, saved, dy}, std::array{y, da});
  };
  for (const Tail& t : rows) check(t.a, 1, t.y, t.slope);
  check(kNan, 1, kNan, nan_slope);
  check(0.5, kNan, both.at(0.5, 1)[0], kNan);
}

long double logistic(long double a) { return 1 / (1 + std::exp(-a)); }
long double normal_cdf(long double a) { return std::erfc(-a * std::sqrt(0.5L)) / 2; }
long double normal_density(long double a) {
  return std::exp(-a * a / 2) / std::sqrt(2 * 3.14159265358979323846264338L);
}

}  // namespace

TEST_CASE("relu: worked numbers [ACT-1] [ACT-2]") {
  check_rows(Relu{}, {{-1.25, 0, 0}, {0, 0, 0}, {0.75, 0.75, 2}});
}
TEST_CASE("leaky relu: worked numbers [ACT-3] [ACT-4]") {
  check_rows(LeakyRelu{}, {{-1.25, -0.0125, 0.02}, {0, 0, 0.02}, {0.75, 0.75, 2}});
}
TEST_CASE("tanh: worked numbers [ACT-5] [ACT-6]") {
  check_rows(Tanh{}, {{-1.25, -0.8482836399575129, 0.5608297323608653},
                      {0, 0, 2},
                      {0.75, 0.6351489523872873, 1.193171616562663}});
}
TEST_CASE("sigmoid: worked numbers [ACT-7] [ACT-8]") {
  check_rows(Sigmoid{}, {{-1.25, 0.22270013882530884, 0.346209573984994},
                         {0, 0.5, 0.5},
                         {0.75, 0.679178699175393, 0.4357899875236281},
                         {-20, 2.0611536181902037e-09, 4.122307227883698e-09},
                         {20, 0.9999999979388464, 4.122307227883698e-09, 1e-7}});
}
TEST_CASE("softplus: worked numbers [ACT-9] [ACT-10]") {
  check_rows(Softplus{}, {{-1.25, 0.2519290813453729, 0.4454002776506177},
                          {0, 0.6931471805599453, 1},
                          {0.75, 1.1368710061148999, 1.358357398350786},
                          {-20, 2.061153620314381e-09, 4.1223072363804075e-09},
                          {20, 20.000000002061153, 1.9999999958776928}});
}
TEST_CASE("elu: worked numbers [ACT-11] [ACT-12]") {
  check_rows(Elu{}, {{-1.25, -0.7134952031398099, 0.5730095937203802}, {0, 0, 2}, {0.75, 0.75, 2}});
}
TEST_CASE("silu: worked numbers [ACT-13] [ACT-14]") {
  check_rows(Silu{}, {{-1.25, -0.27837517353163604, 0.012638310169375163, 1e-13},
                      {0, 0, 1},
                      {0.75, 0.5093840243815447, 1.685199888993507},
                      {-20, -4.122307236380407e-08, -7.832383732129357e-08},
                      {20, 19.99999995877693, 2.000000078323837}});
}
TEST_CASE("gelu: worked numbers [ACT-15] [ACT-16]") {
  check_rows(Gelu{}, {{-1.25, -0.13206221708356908, -0.24532316613884425},
                      {0, 0, 1},
                      {0.75, 0.5800294857173488, 1.9984514434784701},
                      {-4, -0.0001266849673324797, -0.001007299322452843, 2e-12},
                      {4, 3.9998733150326675, 2.001007299322453}});
}
TEST_CASE("identity: worked numbers [ACT-17] [ACT-18]") {
  check_rows(Identity{}, {{-1.25, -1.25, 2}, {0, 0, 2}, {0.75, 0.75, 2}});
}

TEST_CASE_TEMPLATE("activations: within the declared bounds", S, float, double) {
  const Range a{-exp_range<S>(), exp_range<S>()};
  check_bounds<S>(
      Relu{}, [](long double v) { return std::fmax(v, 0.0L); },
      [](long double y) { return Exact(y > 0 ? 1 : 0); }, a, 0, 0);
  check_bounds<S>(
      LeakyRelu{}, [](long double v) { return v > 0 ? v : v / 100; },
      [](long double y) { return Exact(y > 0 ? 1 : 0.01L); }, a, 1, 1);
  check_bounds<S>(
      Tanh{}, [](long double v) { return std::tanh(v); },
      [](long double y) { return Exact(1 - y * y, 1 + y * y); }, {-1, 1}, 5, 1);
  check_bounds<S>(
      Sigmoid{}, logistic, [](long double y) { return Exact(y * (1 - y)); }, {0, 1}, 4, 2);
  check_bounds<S>(
      Softplus{}, [](long double v) { return std::log1p(std::exp(v)); },
      [](long double y) { return Exact(-std::expm1(-y)); }, {0, a.high}, 4, 4);
  check_bounds<S>(
      Elu{}, [](long double v) { return v > 0 ? v : std::expm1(v); },
      [](long double y) { return Exact(y > 0 ? 1 : y + 1); }, {-1, a.high}, 4, 2);
  check_bounds<S>(
      Silu{}, [](long double v) { return v * logistic(v); },
      [](long double v) {
        const long double s = logistic(v), t = logistic(-v);
        return Exact(s * (1 + v * t), s * (1 + std::fabs(v)));
      },
      a, 4, 4);
  check_bounds<S>(
      Gelu{}, [](long double v) { return Exact(v * normal_cdf(v), v); },
      [](long double v) {
        const long double moved = v * normal_density(v);
        return Exact(normal_cdf(v) + moved, 1 + std::fabs(moved));
      },
      a, 3, 3);
  check_bounds<S>(
      Identity{}, [](long double v) { return v; }, [](long double) { return Exact(1); }, a, 0, 0);
}

TEST_CASE("activations: derivatives by differences [ACT-2] [ACT-4] [ACT-6] [ACT-8]") {
  check_derivative(Relu{});
  check_derivative(LeakyRelu{});
  check_derivative(LeakyRelu{0.3});
  check_derivative(Tanh{});
  check_derivative(Sigmoid{});
}
TEST_CASE("activations: derivatives by differences [ACT-10] [ACT-12] [ACT-14] [ACT-16] [ACT-18]") {
  check_derivative(Softplus{});
  check_derivative(Elu{});
  check_derivative(Elu{0.5});
  check_derivative(Silu{});
  check_derivative(Gelu{});
  check_derivative(Identity{});
}

TEST_CASE("activations: tails; NaN in, NaN out [ACT-1] [ACT-3] [ACT-5] [ACT-7] [ACT-17]") {
  check_tails(Relu{}, 1,
              {{-kInf, 0, 0},
               {-1e30, 0, 0},
               {-88, 0, 0},
               {-0.0, 0, 0},
               {710, 710, 1},
               {1e30, 1e30, 1},
               {kInf, kInf, 1}});
  check_tails(LeakyRelu{}, 0.01,
              {{-kInf, -kInf, 0.01},
               {-1e30, -1e28, 0.01},
               {-0.0, 0, 0.01},
               {710, 710, 1},
               {kInf, kInf, 1}});
  check_tails(Tanh{}, kNan,
              {{-kInf, -1, 0},
               {-1e30, -1, 0},
               {-710, -1, 0},
               {-88, -1, 0},
               {-0.0, 0, 1},
               {88, 1, 0},
               {710, 1, 0},
               {1e30, 1, 0},
               {kInf, 1, 0}});
  check_tails(Sigmoid{}, kNan,
              {{-kInf, 0, 0},
               {-1e30, 0, 0},
               {-710, 0, 0},
               {-88, 0, 0},
               {-0.0, 0.5, 0.25},
               {88, 1, 0},
               {710, 1, 0},
               {1e30, 1, 0},
               {kInf, 1, 0}});
  check_tails(Identity{}, 1, {{-kInf, -kInf, 1}, {-0.0, 0, 1}, {1e30, 1e30, 1}});
}
TEST_CASE("activations: tails; NaN in, NaN out [ACT-9] [ACT-11] [ACT-13] [ACT-15]") {
  check_tails(Softplus{}, kNan,
              {{-kInf, 0, 0},
               {-1e30, 0, 0},
               {-710, 0, 0},
               {-0.0, 0.6931472, 0.5},
               {88, 88, 1},
               {710, 710, 1},
               {1e30, 1e30, 1},
               {kInf, kInf, 1}});
  check_tails(Elu{}, kNan,
              {{-kInf, -1, 0},
               {-1e30, -1, 0},
               {-710, -1, 0},
               {-88, -1, 0},
               {-0.0, 0, 1},
               {710, 710, 1},
               {kInf, kInf, 1}});
  // An infinite input is a fault already; inf * 0 keeps it visible.
  check_tails(Silu{}, kNan,
              {{-kInf, kNan, kNan},
               {-1e38, 0, 0},
               {-1e30, 0, 0},
               {-710, 0, 0},
               {-0.0, 0, 0.5},
               {88, 88, 1},
               {710, 710, 1},
               {1e30, 1e30, 1},
               {kInf, kInf, kNan}});
  check_tails(Gelu{}, kNan,
              {{-kInf, kNan, kNan},
               {-1e38, 0, 0},
               {-1e30, 0, 0},
               {-88, 0, 0},
               {-0.0, 0, 0.5},
               {88, 88, 1},
               {710, 710, 1},
               {1e30, 1e30, 1},
               {kInf, kInf, kNan}});
}

TEST_CASE(
    "activations: at exactly 0 the slope is that of the branch the value takes [ACT-4] [ACT-12]") {
  double da;
  LeakyRelu{0.3}.backward(0.0, 2.0, da);
  CHECK(da == 0.6);
  Elu{0.5}.backward(0.0, 2.0, da);
  CHECK(da == 1);
}
