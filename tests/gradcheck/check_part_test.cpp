// SPDX-License-Identifier: MIT
// A layer of another library, with nothing of longhand but its checker.
#include <longhand/gradcheck.hpp>
#include <longhand/gradcheck/doctest.hpp>

using namespace longhand;

namespace {

/// y = tanh(W x) on plain vectors, one sample after the other; gradients are assigned.
struct Foreign {
  std::size_t in = 3, out = 2;
  std::vector<double> W{0.3, -0.5, 0.7, 0.2, -0.1, 0.4}, dW = std::vector<double>(6);  // out x in
  bool writes_outside = false, drops_a_sample = false;

  std::vector<double> forward(const std::vector<double>& x) const {
    std::vector<double> y;
    for (std::size_t j = 0; j * in < x.size(); ++j)
      for (std::size_t o = 0; o < out; ++o) {
        double sum = 0;
        for (std::size_t i = 0; i < in; ++i) sum += W[o + i * out] * x[i + j * in];
        y.push_back(std::tanh(sum));
      }
    return y;
  }
  std::vector<double> backward(const std::vector<double>& x, const std::vector<double>& dy) {
    const std::vector<double> y = forward(x);
    std::vector<double> dx(x.size(), 0.0);
    std::fill(dW.begin(), dW.end(), 0.0);
    for (std::size_t j = drops_a_sample ? 1 : 0; j * in < x.size(); ++j)
      for (std::size_t o = 0; o < out; ++o) {
        const double da = dy[o + j * out] * (1 - y[o + j * out] * y[o + j * out]);
        for (std::size_t i = 0; i < in; ++i) {
          dW[o + i * out] += da * x[i + j * in];
          dx[i + j * in] += da * W[o + i * out];
        }
      }
    return dx;
  }
};

std::vector<double> copy(const PartMatrix& m) {
  std::vector<double> all;
  for (std::size_t j = 0; j < m.cols; ++j)
    for (std::size_t i = 0; i < m.rows; ++i) all.push_back(m(i, j));
  return all;
}
void copy(const std::vector<double>& from, const PartMatrix& to) {
  for (std::size_t j = 0; j < to.cols; ++j)
    for (std::size_t i = 0; i < to.rows; ++i) to(i, j) = from[i + j * to.rows];
}

GradientReport check(Foreign& layer, const CheckOptions& options = {}) {
  Part part;
  part.inputs = {{"x", layer.in}};
  part.outputs = layer.out;
  part.parameters = {{"W", layer.W, layer.out}};
  part.gradients = {layer.dW};
  part.forward = [&](const PartBatch& in, PartMatrix y) {
    copy(layer.forward(copy(in.inputs[0])), y);
    return nullptr;
  };
  part.backward = [&](const PartBatch& in, const PartCache&, PartMatrix dy,
                      const std::vector<PartMatrix>& dx, GradientWrite) {
    copy(layer.backward(copy(in.inputs[0]), copy(dy)), dx[0]);
    if (layer.writes_outside) dx[0].data[-1] = 0;
  };
  part.adds = part.freezes = false;
  return check_part("foreign", part, {0, 1, 2, 7}, options);
}

}  // namespace

TEST_CASE("part check: a layer of another library") {
  Foreign layer;
  LONGHAND_CHECK(check(layer));
  LONGHAND_CHECK(prove_power([&](const CheckOptions& options) { return check(layer, options); }));
  layer.drops_a_sample = true;
  CHECK(!check(layer).passed());
  layer.drops_a_sample = false, layer.writes_outside = true;
  CHECK(check(layer).reason.find("outside of the gradient of 'x'") != std::string::npos);
}

TEST_CASE("part check: parameters and gradients must be as many") {
  Part part;
  std::vector<double> w(3);
  part.parameters = {{"w", w}};
  CHECK(check_part("part", part).reason.find("1 parameters and gradients of 0") !=
        std::string::npos);
}

TEST_CASE("part check: frozen parameters must stay without a gradient") {
  std::vector<double> w{0.5}, dw(1);
  Part part;
  part.inputs = {{"x", 1}};
  part.outputs = 1;
  part.parameters = {{"w", w}};
  part.gradients = {dw};
  part.gradient_memory = dw;
  part.forward = [&](const PartBatch& in, PartMatrix y) {
    for (std::size_t j = 0; j < y.cols; ++j) y(0, j) = w[0] * in.inputs[0](0, j);
    return nullptr;
  };
  bool honest = true;
  part.backward = [&](const PartBatch& in, const PartCache&, PartMatrix dy,
                      const std::vector<PartMatrix>& dx, GradientWrite write) {
    double sum = 0;
    for (std::size_t j = 0; j < dy.cols; ++j) {
      sum += dy(0, j) * in.inputs[0](0, j);
      if (dx[0].present()) dx[0](0, j) = dy(0, j) * w[0];
    }
    if (write != GradientWrite::none || !honest)
      dw[0] = (write == GradientWrite::add ? dw[0] : 0) + sum;
  };
  LONGHAND_CHECK(check_part("w x", part));
  honest = false;
  CHECK(check_part("w x", part).reason.find("parameters are frozen, but 'w' got a gradient") !=
        std::string::npos);
}

TEST_CASE("formula check: derivatives, kinks at exactly 0 and -0, a wrong one") {
  const std::vector<std::array<double, 1>> points{{-1.5}, {-0.0}, {0.0}, {1e-9}, {2.0}};
  const auto slope = [](double at_zero) {
    return [=](const auto& x, const auto& dy) {
      return std::array{x[0] < 0 ? 0 : x[0] == 0 ? at_zero * dy[0] : dy[0]};
    };
  };
  const auto value = [](const auto& x) {
    auto y = x;
    if (y[0] < 0) y[0] = 0;
    return y;
  };
  const GradientReport right = check_formula("relu", points, value, slope(0.5));
  LONGHAND_CHECK(right);
  CHECK(right.verdict == Verdict::kink_ok);
  CHECK(right.dual);
  CHECK(!check_formula("relu", points, value, slope(1.5)).passed());
}
