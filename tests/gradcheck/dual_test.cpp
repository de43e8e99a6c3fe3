// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>
#include <longhand/gradcheck/dual.hpp>
#include <longhand/math/scalar.hpp>

#include "layer.hpp"

using namespace longhand;
using namespace longhand::test;

TEST_CASE("dual numbers: every function's slope is that of its differences") {
  const auto check = [](const char* name, auto f, std::vector<double> at) {
    const GradientReport r = check_scalar(
        std::move(at), [&](double a) { return f(Dual(a)).value; },
        [&](double a) { return f(Dual(a, 1)).slope; });
    CHECK_MESSAGE(r.verdict == Verdict::pass, name << '\n' << r.text());
  };
  const std::vector<double> anywhere{-2.5, -0.3, 0.0, 1e-8, 0.4, 3.0}, positive{1e-3, 0.5, 7.0};
  check(
      "exp", [](Dual a) { return exp(a); }, anywhere);
  check(
      "expm1", [](Dual a) { return expm1(a); }, anywhere);
  check(
      "log", [](Dual a) { return log(a); }, positive);
  check(
      "log1p", [](Dual a) { return log1p(a); }, positive);
  check(
      "tanh", [](Dual a) { return tanh(a); }, anywhere);
  check(
      "sqrt", [](Dual a) { return sqrt(a); }, positive);
  check(
      "sin", [](Dual a) { return sin(a); }, anywhere);
  check(
      "cos", [](Dual a) { return cos(a); }, anywhere);
  check(
      "pow", [](Dual a) { return pow(a, 2.5); }, positive);
  check(
      "erf", [](Dual a) { return erf(a); }, anywhere);
  check(
      "sigmoid", [](Dual a) { return sigmoid(a); }, anywhere);
  check(
      "quotient", [](Dual a) { return (2 - a) / (3 + a * a); }, anywhere);
  check(
      "assignments",
      [](Dual a) {
        Dual s = a;
        s += a * a, s -= 1, s *= a, s /= 2;
        return -s + +a;
      },
      anywhere);
}

TEST_CASE("dual numbers: comparisons follow the value, and abs takes the code's branch at 0") {
  CHECK(Dual(1, 5) < Dual(2, -5));
  CHECK(Dual(1, 5) == Dual(1, 7));
  CHECK(choose(Dual(1) > Dual(0), Dual(3, 4), Dual(5, 6)).slope == 4);
  CHECK(longhand::abs(Dual(0, 1)).slope == -1);  // choose(x > 0, x, -x)
  CHECK(tanh(Dual(800, 1)).slope == 0);
}

TEST_CASE("dual numbers: see errors of 1e-10 that differences accept") {
  Layer layer;
  const auto spoil = [](auto dW, auto) {
    for (double& g : dW) g *= 1 + 1e-10;
  };
  const GradientReport r = layer.check(spoil, {.dual = Layer::dual()});
  CHECK(r.dual);
  CHECK_MESSAGE(r.verdict == Verdict::fail, r.text());
  CHECK(r.tensors[0].dual_disagrees);
  CHECK(!r.tensors[1].dual_disagrees);
  const GradientReport right = layer.check({.dual = Layer::dual()});
  CHECK_MESSAGE(right.verdict == Verdict::pass, right.text());
  CHECK(right.text().find("differences + dual numbers") != std::string::npos);
}

TEST_CASE("dual numbers: a convention at a kink is not held against the gradient") {
  std::vector<double> a{0.0, 0.5, -0.5};
  const auto check = [&](double at_zero, double factor) {
    return check_gradient(
        "relu", {{"a", a}},
        [&] {
          std::vector<double> y;
          for (const double v : a) y.push_back(v > 0 ? v : 0);
          return y;
        },
        [&](Cotangent dy, TensorGradients& g) {
          for (std::size_t k = 0; k < a.size(); ++k)
            g["a"][k] = dy[k] * (a[k] > 0 ? factor : a[k] < 0 ? 0 : at_zero);
        },
        {.dual = [](const DualTensors& t) {
          std::vector<Dual> y;
          for (const Dual v : t["a"]) y.push_back(choose(v > Dual(0), v, Dual(0)));
          return y;
        }});
  };
  CHECK(check(0, 1).verdict == Verdict::kink_ok);
  CHECK(check(1, 1).verdict == Verdict::kink_ok);
  CHECK(check(0.5, 1).verdict == Verdict::kink_ok);  // what central differences give there
  CHECK(check(0, 1 + 1e-10).verdict == Verdict::fail);
}

TEST_CASE("dual numbers: another function, another number of outputs and a throw are refused") {
  Layer layer;
  const auto refused = [&](DualForward dual, const char* sentence) {
    const GradientReport r = layer.check({.dual = std::move(dual)});
    CHECK(r.verdict == Verdict::fail);
    CHECK_MESSAGE(r.reason.find(sentence) != std::string::npos, r.text());
  };
  refused(
      [](const DualTensors& t) {
        std::vector<Dual> y = Layer::forward<Dual>(t["W"], t["x"]);
        y[0] = y[0] * 2;
        return y;
      },
      "computes other values");
  refused([](const DualTensors&) { return std::vector<Dual>(2); }, "returned 2 outputs");
  refused([](const DualTensors& t) { return std::vector<Dual>{t["V"][0]}; }, "asks for 'V'");
}
