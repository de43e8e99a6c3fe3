// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <numbers>

#include "longhand/core/view.hpp"

/// How numbers move during training. Everything is counted in steps: warm-ups counted in epochs
/// never end on large data sets.
namespace longhand {

/// The factor lr_t / lr of the learning rate at step t (docs/derivations/optimizers.md).
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

/// A number that moves from `from` to `to` as the training goes on, and stays there: the weight of
/// the KL, a temperature.
struct Schedule {
  enum class Kind { constant, linear, exponential };
  Kind kind = Kind::constant;
  double from = 1;
  double to = 1;    ///< constant: the number itself
  Index steps = 0;  ///< linear: the first step that has `to`
  double rate = 0;  ///< exponential: r of max(to, from e^(-r step)); 0 = of planned()

  static Schedule constant(double value) { return {Kind::constant, value, value, 0, 0}; }
  static Schedule linear(double from, double to, Index steps) {
    return {Kind::linear, from, to, steps, 0};
  }
  static Schedule exponential(double from, double least, double rate) {
    return {Kind::exponential, from, least, 0, rate};
  }

  /// The schedule of a training of so many steps: an exponential one without a rate arrives after
  /// half of them.
  Schedule planned(Index total) const {
    Schedule schedule = *this;
    if (kind == Kind::exponential && rate == 0 && total > 0 && from > to)
      schedule.rate = std::log(from / to) / (static_cast<double>(total) / 2);  // [CAT-13]
    return schedule;
  }

  double at(Index step) const {
    const double t = static_cast<double>(step);
    if (kind == Kind::linear && step < steps)
      return from + (to - from) * t / static_cast<double>(steps);                    // [ELBO-5]
    if (kind == Kind::exponential) return std::max(to, from * std::exp(-rate * t));  // [CAT-12]
    return to;
  }
  /// Whether the number had arrived at `to` after so many steps.
  bool complete(Index taken) const {
    if (kind == Kind::linear) return taken >= steps;
    return kind == Kind::constant || at(taken) <= to;
  }
};

}  // namespace longhand
