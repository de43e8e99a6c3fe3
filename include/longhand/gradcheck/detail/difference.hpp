// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>

#include "longhand/gradcheck/detail/bounds.hpp"
#include "longhand/gradcheck/detail/objective.hpp"
#include "longhand/gradcheck/detail/richardson.hpp"

namespace longhand::detail {

inline constexpr double kFirstStep = 0x1p-5;  // powers of two, times the scale of x
inline constexpr double kLongestStep = 0x1p12;

/// A power of two, at least the largest |x| the line moves and at least 1.
inline double scale_of(const Objective& objective, Line line) {
  double largest = 1;
  for (const Step& s : line)
    largest = std::max(largest, std::fabs(objective.tensors()[s.tensor].values[s.index]));
  return std::exp2(std::ceil(std::log2(largest)));
}

/// Central quotients along one line, and the tables that can be made of them.
class CentralQuotients {
 public:
  CentralQuotients(Objective& objective, Line line)
      : objective_(objective), line_(line), scale_(scale_of(objective, line)) {}

  /// A table from `step` down, until it is settled.
  Estimate from(double step, double enough) {
    RichardsonTable table(4);
    quotients_.clear();
    for (; !table.full() && !table.settled(enough); step /= 2) {
      quotients_.push_back(at(step));
      table.add(quotients_.back().value, quotients_.back().rounding);
    }
    return table.best();
  }
  /// The estimate of the same table begun one longer step earlier.
  Estimate with(double longer_step) {
    quotients_.insert(quotients_.begin(), at(longer_step));
    RichardsonTable table(4);
    for (const Quotient& q : quotients_)
      if (!table.full()) table.add(q.value, q.rounding);
    return table.best();
  }

 private:
  struct Quotient {
    double value, rounding;
  };
  Quotient at(double step) {
    const Objective::Value right = objective_.along(line_, step * scale_),
                           left = objective_.along(line_, -step * scale_);
    const double width = right.distance - left.distance;
    return {(right.change - left.change) / width,
            kNoiseFactor * (right.noise + left.noise) / width};
  }

  Objective& objective_;
  Line line_;
  double scale_;
  std::vector<Quotient> quotients_;  // from the longest step to the shortest
};

/// d phi / dt along `line` by central differences, first at steps where most functions are nearly
/// polynomials already, until the error is below `enough` or rounding limits it. Where that is far
/// from enough, the steps grow for as long as it helps and what they say lies within what is known;
/// then the outputs that do not depend on the line are left out. Steps above 1 need a derivative
/// that is known already: from far away a saturated unit looks flat.
inline Estimate central_difference(Objective& objective, Line line, double enough) {
  objective.begin_line();
  CentralQuotients quotients(objective, line);
  Estimate best = quotients.from(kFirstStep, enough);
  const auto limited = [&](double by) {
    return best.error() > by * enough && best.truncation <= best.rounding;
  };
  const auto grow = [&] {
    for (double step = 2 * kFirstStep; step <= kLongestStep && limited(8); step *= 2) {
      if (step > 1 && !(std::fabs(best.value) > 8 * best.error())) break;
      const Estimate longer = quotients.with(step);
      if (!(longer.error() < best.error() &&
            std::fabs(longer.value - best.value) <= best.error() + longer.error()))
        break;
      best = longer;
    }
  };
  grow();
  if (limited(0x1p12) &&
      objective.find_independent(line, kLongestStep * scale_of(objective, line))) {
    best = quotients.from(kFirstStep, enough);
    grow();
    objective.forget_independent();
  }
  return best;
}

/// The derivative to the right (sign = 1) or to the left (sign = -1) of the base.
inline Estimate one_sided_difference(Objective& objective, Line line, double sign) {
  RichardsonTable table(2);
  double step = sign * 4 * kFirstStep * scale_of(objective, line);
  while (!table.full() && !table.settled(0)) {
    const Objective::Value side = objective.along(line, step);
    table.add(side.change / side.distance,
              2 * kNoiseFactor * side.noise / std::fabs(side.distance));
    step /= 2;
  }
  return table.best();
}

/// What the derivatives on the two sides of the base say.
enum class Sides {
  agree,     ///< and are fine enough to have seen a jump of the size asked about
  disagree,  ///< a kink
  unclear,   ///< they agree, but too coarsely
};
inline Sides compare_sides(Objective& objective, Line line, double jump) {
  const Estimate right = one_sided_difference(objective, line, 1),
                 left = one_sided_difference(objective, line, -1);
  const double slack = kSafety * (right.error() + left.error());
  if (std::fabs(right.value - left.value) > slack) return Sides::disagree;
  return slack < jump ? Sides::agree : Sides::unclear;
}

}  // namespace longhand::detail
