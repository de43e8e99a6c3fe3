// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>
#include <vector>

#include "longhand/core/check.hpp"
#include "longhand/core/picture_moves.hpp"

/// How near a sample comes to another one (docs/guides/denoise.md).
namespace longhand {

/// The peak signal-to-noise ratio in decibels: 10 log10(range^2 / mean squared error), with the
/// range of the numbers, 1 for pixels in [0, 1]. Infinite where both are equal.
inline double psnr(std::span<const double> wanted, std::span<const double> got, double range = 1) {
  require(wanted.size() == got.size() && !wanted.empty(), "a sample has ", got.size(),
          " numbers, expected ", wanted.size());
  double squares = 0;
  for (std::size_t i = 0; i < wanted.size(); ++i)
    squares += (wanted[i] - got[i]) * (wanted[i] - got[i]);
  if (squares == 0) return std::numeric_limits<double>::infinity();
  return 10 * std::log10(range * range * static_cast<double>(wanted.size()) / squares);
}

/// The structural similarity of two pictures, 1 where both are equal (Wang, Bovik, Sheikh and
/// Simoncelli, 2004): the mean, over all places where a window of 11 x 11 fits, of
///
///   (2 m m' + C1)(2 c + C2) / ((m^2 + m'^2 + C1)(v + v' + C2))
///
/// with the means m, variances v and covariance c of the pixels under the window, which are weighed
/// by a Gaussian of width 1.5; C1 = (0.01 range)^2, C2 = (0.03 range)^2. A smaller picture has a
/// smaller window. Channels are pictures of their own, whose similarities are averaged.
inline double ssim(const Picture& shape, std::span<const double> wanted,
                   std::span<const double> got, double range = 1) {
  require(static_cast<Index>(wanted.size()) == shape.size() && wanted.size() == got.size() &&
              shape.size() > 0,
          "a picture of ", shape.height, "x", shape.width, "x", shape.channels, " has ",
          shape.size(), " numbers, not ", got.size());
  const Index window = std::min({Index{11}, shape.height, shape.width});
  std::vector<double> weight;
  double total = 0;
  for (Index k = 0; k < window; ++k) {
    const double from_middle = static_cast<double>(k) - 0.5 * static_cast<double>(window - 1);
    weight.push_back(std::exp(-from_middle * from_middle / (2 * 1.5 * 1.5)));
    total += weight.back();
  }
  for (double& w : weight) w /= total;

  const double c1 = 0.01 * range * 0.01 * range, c2 = 0.03 * range * 0.03 * range;
  double sum = 0;
  Index places = 0;
  for (Index channel = 0; channel < shape.channels; ++channel)
    for (Index top = 0; top + window <= shape.height; ++top)
      for (Index left = 0; left + window <= shape.width; ++left) {
        double m = 0, n = 0, mm = 0, nn = 0, mn = 0;
        for (Index h = 0; h < window; ++h)
          for (Index w = 0; w < window; ++w) {
            const auto at = static_cast<std::size_t>(
                ((top + h) * shape.width + left + w) * shape.channels + channel);
            const double p =
                weight[static_cast<std::size_t>(h)] * weight[static_cast<std::size_t>(w)];
            const double a = wanted[at], b = got[at];
            m += p * a, n += p * b, mm += p * a * a, nn += p * b * b, mn += p * a * b;
          }
        sum += (2 * m * n + c1) * (2 * (mn - m * n) + c2) /
               ((m * m + n * n + c1) * (mm - m * m + nn - n * n + c2));
        ++places;
      }
  return sum / static_cast<double>(places);
}

}  // namespace longhand
