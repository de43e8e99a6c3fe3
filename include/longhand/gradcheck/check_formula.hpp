// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstddef>
#include <string_view>
#include <vector>

#include "longhand/gradcheck/check_gradient.hpp"

namespace longhand {

/// Checks the derivatives of a small formula at many points, by differences and by dual numbers:
/// `value` maps std::array<T, I> to an array of outputs, for T = double and T = Dual, and
/// `gradient(x, dy)` the gradient dy of those outputs to that of the inputs.
///
///     check_formula<1>("square", {{-1.5}, {0.0}, {2.0}},
///                      [](const auto& x) { return std::array{x[0] * x[0]}; },
///                      [](const auto& x, const auto& dy) { return std::array{2 * x[0] * dy[0]};
///                      });
template <std::size_t I, class Value, class Gradient>
GradientReport check_formula(std::string_view name,
                             const std::vector<std::array<double, I>>& points, const Value& value,
                             const Gradient& gradient, CheckOptions options = {}) {
  std::vector<double> x;
  for (const std::array<double, I>& p : points) x.insert(x.end(), p.begin(), p.end());
  const auto outputs = [&](const auto& from) {
    using T = std::remove_cvref_t<decltype(from[0])>;
    std::vector<T> all;
    for (std::size_t k = 0; k < points.size(); ++k) {
      std::array<T, I> at;
      for (std::size_t i = 0; i < I; ++i) at[i] = from[k * I + i];
      for (const T& y : value(at)) all.push_back(y);
    }
    return all;
  };
  if (!options.dual) options.dual = [&](const DualTensors& t) { return outputs(t["x"]); };
  return check_gradient(
      name, {{"x", x, I}}, [&] { return outputs(x); },
      [&](Cotangent dy, TensorGradients& g) {
        std::size_t k = 0;
        std::array<double, I> at;
        for (std::size_t first = 0; first < x.size(); first += I) {
          for (std::size_t i = 0; i < I; ++i) at[i] = x[first + i];
          auto d = value(at);
          for (double& one : d) one = dy[k++];
          const std::array<double, I> dx = gradient(at, d);
          for (std::size_t i = 0; i < I; ++i) g["x"][first + i] = dx[i];
        }
      },
      std::move(options));
}

}  // namespace longhand
