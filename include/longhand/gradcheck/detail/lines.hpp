// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "longhand/gradcheck/detail/objective.hpp"

/// Along which lines derivatives are compared.
namespace longhand::detail {

/// The derivative along a line that a gradient claims.
inline double along(const TensorGradients& gradient, Line line) {
  long double sum = 0;
  for (const Step& s : line)
    sum += static_cast<long double>(gradient.at(s.tensor)[s.index]) * s.weight;
  return static_cast<double>(sum);
}

inline double largest(std::span<const double> v) {
  double m = 0;
  for (const double x : v) m = std::max(m, std::fabs(x));
  return m;
}

/// Through all entries of tensors [first, last): unit length, no entry near 0.
inline std::vector<Step> random_direction(const std::vector<NamedTensor>& tensors,
                                          std::size_t first, std::size_t last, Random& random) {
  std::vector<Step> steps;
  double squares = 0;
  for (std::size_t t = first; t < last; ++t)
    for (std::size_t i = 0; i < tensors[t].values.size(); ++i) {
      steps.push_back({t, i, random.weight()});
      squares += steps.back().weight * steps.back().weight;
    }
  for (Step& s : steps) s.weight /= std::sqrt(squares);
  return steps;
}

/// Some entries of a large tensor: points of its border, random ones, and those with the largest
/// and the smallest gradients.
inline std::set<std::size_t> sampled_entries(std::size_t rows, std::size_t cols,
                                             std::span<const double> gradient, Random& random) {
  constexpr std::size_t border = 4, anywhere = 16;
  constexpr std::ptrdiff_t extreme = 4;
  std::set<std::size_t> sample;
  for (std::size_t k = 0; k < border; ++k) {
    const std::size_t i = k * (rows - 1) / (border - 1), j = k * (cols - 1) / (border - 1);
    sample.insert({i, i + (cols - 1) * rows, j * rows, j * rows + rows - 1});
  }
  for (std::size_t k = 0; k < anywhere; ++k) sample.insert(random.below(gradient.size()));
  std::vector<std::size_t> order(gradient.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  const auto smaller = [&](std::size_t a, std::size_t b) {
    return std::fabs(gradient[a]) < std::fabs(gradient[b]);
  };
  std::nth_element(order.begin(), order.begin() + extreme, order.end(), smaller);
  sample.insert(order.begin(), order.begin() + extreme);
  std::nth_element(order.begin(), order.end() - extreme, order.end(), smaller);
  sample.insert(order.end() - extreme, order.end());
  return sample;
}

}  // namespace longhand::detail
