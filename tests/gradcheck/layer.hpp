// SPDX-License-Identifier: MIT
#pragma once
// A small layer with a right gradient, and ways to check it with errors put in.

#include <array>
#include <cmath>
#include <longhand/gradcheck/check_gradient.hpp>
#include <span>
#include <vector>

namespace longhand::test {

/// y = tanh(W x), W square so that a transposed gradient has the right shape.
struct Layer {
  static constexpr std::size_t n = 3, batch = 4;
  std::array<double, n * n> W{};
  std::array<double, n * batch> x{};

  Layer() {
    for (std::size_t k = 0; k < W.size(); ++k) W[k] = std::sin(1.0 + 2.3 * static_cast<double>(k));
    for (std::size_t k = 0; k < x.size(); ++k) x[k] = std::cos(0.5 + 1.7 * static_cast<double>(k));
  }

  template <class T>
  static std::vector<T> forward(std::span<const T> W, std::span<const T> x) {
    using std::tanh;
    std::vector<T> y(n * batch, T(0));
    for (std::size_t j = 0; j < batch; ++j)
      for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t k = 0; k < n; ++k) y[i + j * n] += W[i + k * n] * x[k + j * n];
        y[i + j * n] = tanh(y[i + j * n]);
      }
    return y;
  }
  std::vector<double> forward() const { return forward<double>(W, x); }

  void backward(Cotangent dy, std::span<double> dW, std::span<double> dx) const {
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
  GradientReport check(const Spoil& spoil, CheckOptions options = {}) {
    return check_gradient(
        "layer", {{"W", W, n}, {"x", x, n}}, [this] { return forward(); },
        [this, &spoil](Cotangent dy, TensorGradients& g) {
          backward(dy, g["W"], g["x"]);
          spoil(g["W"], g["x"]);
        },
        std::move(options));
  }
  GradientReport check(CheckOptions options = {}) {
    return check([](auto, auto) {}, std::move(options));
  }
  static DualForward dual() {
    return [](const DualTensors& t) { return forward<Dual>(t["W"], t["x"]); };
  }
};

/// A check of y = f(a) by da = dy f'(a) at the given places.
template <class F, class Slope>
GradientReport check_scalar(std::vector<double> a, const F& f, const Slope& slope,
                            CheckOptions options = {}) {
  return check_gradient(
      "scalar", {{"a", a}},
      [&] {
        std::vector<double> y;
        for (const double v : a) y.push_back(f(v));
        return y;
      },
      [&](Cotangent dy, TensorGradients& g) {
        for (std::size_t k = 0; k < a.size(); ++k) g["a"][k] = dy[k] * slope(a[k]);
      },
      std::move(options));
}

}  // namespace longhand::test
