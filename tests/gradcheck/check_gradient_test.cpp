// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <longhand/gradcheck/check_gradient.hpp>

using namespace longhand;

namespace {

constexpr std::size_t n = 3, batch = 4;

/// y = tanh(W x), W square so that a transposed gradient has the right shape.
struct Layer {
  std::array<double, n * n> W{};
  std::array<double, n * batch> x{};

  Layer() {
    for (std::size_t k = 0; k < W.size(); ++k) W[k] = std::sin(1.0 + 2.3 * static_cast<double>(k));
    for (std::size_t k = 0; k < x.size(); ++k) x[k] = std::cos(0.5 + 1.7 * static_cast<double>(k));
  }
  std::vector<double> forward() const {
    std::vector<double> y(n * batch, 0.0);
    for (std::size_t j = 0; j < batch; ++j)
      for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t k = 0; k < n; ++k) y[i + j * n] += W[i + k * n] * x[k + j * n];
        y[i + j * n] = std::tanh(y[i + j * n]);
      }
    return y;
  }
  void backward(std::span<const double> dy, std::span<double> dW, std::span<double> dx) const {
    const std::vector<double> y = forward();
    std::fill(dW.begin(), dW.end(), 0.0);
    std::fill(dx.begin(), dx.end(), 0.0);
    for (std::size_t j = 0; j < batch; ++j)
      for (std::size_t i = 0; i < n; ++i) {
        const double da = dy[i + j * n] * (1 - y[i + j * n] * y[i + j * n]);
        for (std::size_t k = 0; k < n; ++k) {
          dW[i + k * n] += da * x[k + j * n];
          dx[k + j * n] += da * W[i + k * n];
        }
      }
  }
  /// The check, with what `spoil(dW, dx)` does to a right gradient.
  template <class Spoil>
  GradientReport check(const Spoil& spoil) {
    return check_gradient(
        "layer", {{"W", W, n}, {"x", x, n}}, [&] { return forward(); },
        [&](std::span<const double> dy, TensorGradients& g) {
          backward(dy, g["W"], g["x"]);
          spoil(g["W"], g["x"]);
        });
  }
};

/// A check of y = f(a) by da = dy f'(a) at the given places.
template <class F, class Slope>
GradientReport check_scalar(std::vector<double> a, const F& f, const Slope& slope) {
  return check_gradient(
      "scalar", {{"a", a}},
      [&] {
        std::vector<double> y;
        for (const double v : a) y.push_back(f(v));
        return y;
      },
      [&](std::span<const double> dy, TensorGradients& g) {
        for (std::size_t k = 0; k < a.size(); ++k) g["a"][k] = dy[k] * slope(a[k]);
      });
}

}  // namespace

TEST_CASE("gradient check: accepts a right gradient, sharply, and restores the tensors") {
  Layer layer;
  const Layer before = layer;
  const GradientReport r = layer.check([](auto, auto) {});
  CHECK_MESSAGE(r.passed(), r.text());
  CHECK(r.entries.size() == n * n + n * batch);
  CHECK(r.resolution < 1e-7);
  CHECK(layer.W == before.W);
  CHECK(layer.x == before.x);
}

TEST_CASE("gradient check: rejects wrong gradients and names the entry") {
  Layer layer;
  const auto rejected = [&](const char* what, const auto& spoil) {
    const GradientReport r = layer.check(spoil);
    CHECK_MESSAGE(!r.passed(), what);
    CHECK(r.verdict == Verdict::fail);
    return r;
  };
  rejected("sign", [](auto dW, auto) {
    for (double& g : dW) g = -g;
  });
  rejected("a factor of 1.001", [](auto dW, auto) {
    for (double& g : dW) g *= 1.001;
  });
  rejected("a factor of 1 + 1e-7", [](auto, auto dx) {
    for (double& g : dx) g *= 1 + 1e-7;
  });
  rejected("divided by the batch", [](auto dW, auto) {
    for (double& g : dW) g /= batch;
  });
  CHECK(rejected("one entry", [](auto, auto dx) { dx[4] *= 1.01; }).worst()->diagnosis ==
        "only [1,1] is wrong");
  rejected("transposed", [](auto dW, auto) {
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t k = 0; k < i; ++k) std::swap(dW[i + k * n], dW[k + i * n]);
  });
  rejected("the last row dropped", [](auto dW, auto) {
    for (std::size_t k = 0; k < n; ++k) dW[n - 1 + k * n] = 0;
  });
  rejected("zero", [](auto dW, auto dx) {
    std::fill(dW.begin(), dW.end(), 0.0);
    std::fill(dx.begin(), dx.end(), 0.0);
  });
}

TEST_CASE("gradient check: rejects the gradient of other inputs") {
  Layer layer, earlier;
  earlier.x[0] += 0.5;
  const GradientReport r = check_gradient(
      "stale", {{"W", layer.W, n}, {"x", layer.x, n}}, [&] { return layer.forward(); },
      [&](std::span<const double> dy, TensorGradients& g) {
        earlier.backward(dy, g["W"], g["x"]);
      });
  CHECK(!r.passed());
}

TEST_CASE("gradient check: refuses what proves nothing") {
  Layer layer;
  SUBCASE("nothing to check") {
    const GradientReport r = check_gradient(
        "empty", {{"W", std::span<double>()}}, [&] { return layer.forward(); },
        [](std::span<const double>, TensorGradients&) {});
    CHECK(!r.passed());
    CHECK(r.text().find("nothing was checked") != std::string::npos);
  }
  SUBCASE("an entry not assigned") {
    const GradientReport r = check_gradient(
        "unassigned", {{"W", layer.W, n}}, [&] { return layer.forward(); },
        [](std::span<const double>, TensorGradients&) {});
    CHECK(!r.passed());
    CHECK(r.text().find("not finite at W[0,0]") != std::string::npos);
  }
  SUBCASE("a NaN in the gradient") {
    CHECK(!layer.check([](auto, auto dx) { dx[2] = std::nan(""); }).passed());
  }
  SUBCASE("a NaN in the outputs") {
    layer.x[0] = std::nan("");
    CHECK(!layer.check([](auto, auto) {}).passed());
  }
  SUBCASE("a random forward") {
    double drift = 0;
    const GradientReport r = check_gradient(
        "random", {{"W", layer.W, n}},
        [&] {
          std::vector<double> y = layer.forward();
          y[0] += drift += 1;
          return y;
        },
        [&](std::span<const double>, TensorGradients&) {});
    CHECK(r.text().find("does not repeat itself") != std::string::npos);
  }
  SUBCASE("a backward that adds up") {
    double twice = 0;
    const GradientReport r = layer.check([&](auto dW, auto) { dW[1] *= ++twice; });
    CHECK(r.text().find("second backward gives another gradient, at W[1,0]") != std::string::npos);
  }
  SUBCASE("an unknown tensor") {
    const GradientReport r = check_gradient(
        "name", {{"W", layer.W}}, [&] { return layer.forward(); },
        [](std::span<const double>, TensorGradients& g) { g["V"][0] = 1; });
    CHECK(!r.passed());
    CHECK(r.text().find("a gradient of 'V'") != std::string::npos);
  }
}

TEST_CASE("gradient check: a gradient that is zero must be confirmed to be zero") {
  const auto one = [](double) { return 1.0; };
  const auto zero = [](double) { return 0.0; };
  CHECK(check_scalar({0.3, -2.0}, one, zero).passed());
  CHECK(!check_scalar(
             {0.3, -2.0}, [](double a) { return a * a; }, zero)
             .passed());
  CHECK(!check_scalar({0.3, -2.0}, one, one).passed());
}

TEST_CASE("gradient check: right over scales, offsets, curvature and nearby kinks") {
  for (const double s : {1e-12, 1e-3, 1.0, 1e6, 1e12}) {
    CAPTURE(s);
    const GradientReport r = check_scalar(
        {0.3, -1.2, 4.0}, [s](double a) { return s * std::exp(a); },
        [s](double a) { return s * std::exp(a); });
    CHECK_MESSAGE(r.passed(), r.text());
  }
  const GradientReport offset = check_scalar(
      {0.3, -1.2}, [](double a) { return 1e6 + std::sin(a); },
      [](double a) { return std::cos(a); });
  CHECK_MESSAGE(offset.passed(), offset.text());
  const GradientReport large = check_scalar(
      {1000.0, -3e5}, [](double a) { return a * a; }, [](double a) { return 2 * a; });
  CHECK_MESSAGE(large.passed(), large.text());
  const GradientReport steep = check_scalar(
      {0.3, 1.1}, [](double a) { return std::sin(30 * a); },
      [](double a) { return 30 * std::cos(30 * a); });
  CHECK_MESSAGE(steep.passed(), steep.text());
  const GradientReport kink = check_scalar(
      {0.01, -0.003, 0.2}, [](double a) { return a > 0 ? a * (1 + a) : 0; },
      [](double a) { return a > 0 ? 1 + 2 * a : 0; });
  CHECK_MESSAGE(kink.passed(), kink.text());
}

TEST_CASE("gradient check: thousands of right gradients, none rejected") {
  std::mt19937_64 random(5);
  std::uniform_real_distribution<double> weight(-2, 2);
  int rejected = 0;
  for (int trial = 0; trial < 200; ++trial) {
    Layer layer;
    for (double& w : layer.W) w = weight(random);
    for (double& v : layer.x) v = weight(random);
    rejected += !layer.check([](auto, auto) {}).passed();
  }
  CHECK(rejected == 0);
}
