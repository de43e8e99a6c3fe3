// SPDX-License-Identifier: MIT
// The checker on code that has nothing to do with longhand: plain loops, plain vectors, one header.
// A layer, its backward with a classic mistake in it, the report, and the proof that the test would
// notice others. docs/gradient_checking.md walks through the output.
#include <cmath>
#include <iostream>
#include <longhand/gradcheck.hpp>
#include <vector>

using namespace longhand;

// y = softplus(W x + b), three outputs, two inputs, four samples; a sample is a column.
//
//   a = W x + b        y = log(1 + e^a)
//   da = dy e^a / (1 + e^a)      dW = da xᵀ      db = sum over samples of da      dx = Wᵀ da
constexpr std::size_t in = 2, out = 3, batch = 4;

struct SoftplusLayer {
  std::vector<double> W, b, x;

  double input_of_unit(std::size_t i, std::size_t j) const {
    double a = b[i];
    for (std::size_t k = 0; k < in; ++k) a += W[i + k * out] * x[k + j * in];
    return a;
  }
  std::vector<double> forward() const {
    std::vector<double> y;
    for (std::size_t j = 0; j < batch; ++j)
      for (std::size_t i = 0; i < out; ++i) y.push_back(std::log1p(std::exp(input_of_unit(i, j))));
    return y;
  }
  /// `slope(a, y)` is dy/da.
  template <class Slope>
  void backward(Cotangent dy, TensorGradients& g, const Slope& slope) const {
    const std::vector<double> y = forward();
    for (const char* name : {"W", "b", "x"})
      for (double& entry : g[name]) entry = 0;
    for (std::size_t j = 0; j < batch; ++j)
      for (std::size_t i = 0; i < out; ++i) {
        const double da = dy[i + j * out] * slope(input_of_unit(i, j), y[i + j * out]);
        g["b"][i] += da;
        for (std::size_t k = 0; k < in; ++k) {
          g["W"][i + k * out] += da * x[k + j * in];
          g["x"][k + j * in] += da * W[i + k * out];
        }
      }
  }
};

int main() {
  SoftplusLayer layer{.W = {0.5, -0.3, 0.8, 0.1, 0.9, -0.6},
                      .b = {0.1, -0.2, 0.3},
                      .x = {1.0, 0.4, -0.7, 1.2, 0.3, -0.5, 0.8, 0.9}};
  const auto check = [&](const char* name, auto slope, const CheckOptions& options = {}) {
    return check_gradient(
        name, {{"W", layer.W, out}, {"b", layer.b}, {"x", layer.x, in}},
        [&] { return layer.forward(); },
        [&](Cotangent dy, TensorGradients& g) { layer.backward(dy, g, slope); }, options);
  };
  const auto sigmoid = [](double v) { return 1 / (1 + std::exp(-v)); };

  // The mistake: the derivative taken at the layer's output instead of its input.
  const GradientReport wrong = check("at the output", [&](double, double y) { return sigmoid(y); });
  // The right one, and what the check would have noticed.
  const auto right = [&](double a, double) { return sigmoid(a); };
  const GradientReport passed = check("at the input", right);
  const PowerReport power = prove_power(
      [&](const CheckOptions& options) { return check("at the input", right, options); });

  std::cout << wrong.text() << '\n' << passed.text() << '\n' << power.text();
  return wrong.verdict == Verdict::fail && passed.passed() && power.passed() ? 0 : 1;
}
