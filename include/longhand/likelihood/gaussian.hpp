// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>

#include "longhand/likelihood/per_element.hpp"
#include "longhand/math/gaussian.hpp"

namespace longhand {

/// x ~ N(mean, variance I) with a fixed variance: squared error with its scale stated.
struct Gaussian : PerElement<GaussianFixed> {
  /// Throws std::invalid_argument unless variance is positive and finite.
  explicit Gaussian(double variance = 1, OutputMap map = OutputMap::identity)
      : PerElement(GaussianFixed{variance, {map}, 0.5 * (kLogTwoPi + std::log(variance))}) {
    require(variance > 0 && std::isfinite(variance), "likelihood variance is ", variance,
            ", expected a positive number");
  }
};

/// x_i ~ N(mean_i, exp(logvar_i)); the decoder emits both per element.
struct LearnedGaussian : PerElement<GaussianLearned> {
  explicit LearnedGaussian(OutputMap map = OutputMap::identity, LogvarBound bound = {})
      : PerElement(GaussianLearned{{map}, bound}) {}
};

}  // namespace longhand
