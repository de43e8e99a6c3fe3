// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>

namespace longhand::detail {

/// Function values on a line so short that a smooth function is a straight line there: what high
/// differences of them leave is rounding noise (Moré and Wild, ECnoise, 2011).
inline constexpr int kNoisePoints = 9;
inline constexpr double kNoiseStep = 0x1p-36;

/// Standard deviation of the noise in kNoisePoints equally spaced values, which are overwritten.
/// NaN if one of them is not finite.
inline double noise_of(std::span<double> values) {
  double noise = 0;
  double gamma = 1;  // (k!)^2 / (2k)!: k-th differences multiply the variance by its inverse
  const std::size_t points = values.size();
  for (std::size_t k = 1; k + 2 < points; ++k) {
    gamma *= static_cast<double>(k) / (2.0 * (2.0 * static_cast<double>(k) - 1));
    double squares = 0;
    for (std::size_t p = 0; p < points - k; ++p) {
      values[p] = values[p + 1] - values[p];
      squares += values[p] * values[p];
    }
    if (!std::isfinite(squares)) return std::nan("");
    if (k >= 4)
      noise = std::max(noise, std::sqrt(gamma * squares / static_cast<double>(points - k)));
  }
  return noise;
}

}  // namespace longhand::detail
