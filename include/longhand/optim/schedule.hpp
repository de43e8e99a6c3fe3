// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <numbers>

#include "longhand/core/view.hpp"

/// How numbers move during training. Everything is counted in steps: warm-ups counted in epochs
/// never end on large data sets.
namespace longhand {

/// lr_t / lr (docs/derivations/optimizers.md).
struct LearningRateSchedule {
  enum class Kind { constant, step, cosine };
  Kind kind = Kind::constant;
  Index every = 1000;  ///< step: steps between drops
  double gamma = 0.5;  ///< step: factor of a drop
  Index total = 0;     ///< cosine: steps until 0; 0 = the whole training (filled in by the trainer)

  double factor(Index step) const {
    switch (kind) {
      case Kind::constant:
        return 1;  // [OPT-11]
      case Kind::step:
        return std::pow(gamma, static_cast<double>(step / every));  // [OPT-12]
      case Kind::cosine: {
        const double progress =
            total > 0 ? std::fmin(1, static_cast<double>(step) / static_cast<double>(total)) : 0;
        return 0.5 * (1 + std::cos(std::numbers::pi * progress));  // [OPT-13]
      }
    }
    return 1;
  }
};

/// The weight of the KL at a step: linear from 0 to beta over `warmup` steps, then beta.
inline double kl_weight(double beta, Index warmup, Index step) {
  if (warmup <= 0 || step >= warmup) return beta;
  return beta * static_cast<double>(step) / static_cast<double>(warmup);  // [ELBO-5]
}

}  // namespace longhand
