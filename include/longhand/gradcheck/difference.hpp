// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>

#include "longhand/gradcheck/noise.hpp"
#include "longhand/gradcheck/objective.hpp"
#include "longhand/gradcheck/richardson.hpp"

namespace longhand::detail {

inline constexpr double kFirstStep = 0x1p-5;  // powers of two, times the scale of x
inline constexpr double kLongStep = 1;
inline constexpr double kNoiseFactor = 3;  // from a standard deviation to a bound

/// A power of two, at least the largest |x| the line moves and at least 1.
inline double scale_of(const Objective& objective, Line line) {
  double largest = 1;
  for (const Step& s : line)
    largest = std::max(largest, std::fabs(objective.tensors()[s.tensor].values[s.index]));
  return std::exp2(std::ceil(std::log2(largest)));
}

/// d phi / dt along `line` by central differences, first at steps where most functions are nearly
/// polynomials already. Where rounding limits that and the error is still above `enough`, also at
/// long steps, where it weighs less. `noise`: standard deviation of phi's rounding at the base.
inline Estimate central_difference(Objective& objective, Line line, double noise, double enough) {
  const double scale = scale_of(objective, line);
  const auto from = [&](double step) {
    RichardsonTable table(4);
    for (step *= scale; !table.full() && !table.settled(enough); step /= 2) {
      const Objective::Value right = objective.along(line, step),
                             left = objective.along(line, -step);
      const double width = right.distance - left.distance;
      table.add((right.change - left.change) / width,
                2 * kNoiseFactor * noise * std::max(right.growth, left.growth) / width);
    }
    return table.best();
  };
  const Estimate best = from(kFirstStep);
  if (best.error() <= enough || best.truncation > best.rounding) return best;
  const Estimate longer = from(kLongStep);
  return longer.error() < best.error() ? longer : best;
}

/// The derivative to the right (sign = 1) or to the left (sign = -1) of the base.
inline Estimate one_sided_difference(Objective& objective, Line line, double noise, double sign) {
  RichardsonTable table(2);
  double step = sign * 0x1p-3 * scale_of(objective, line);
  while (!table.full() && !table.settled(0)) {
    const Objective::Value side = objective.along(line, step);
    table.add(side.change / side.distance,
              2 * kNoiseFactor * noise * side.growth / std::fabs(side.distance));
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
inline Sides compare_sides(Objective& objective, Line line, double noise, double safety,
                           double jump) {
  const Estimate right = one_sided_difference(objective, line, noise, 1),
                 left = one_sided_difference(objective, line, noise, -1);
  const double slack = safety * (right.error() + left.error());
  if (std::fabs(right.value - left.value) > slack) return Sides::disagree;
  return slack < jump ? Sides::agree : Sides::unclear;
}

/// Standard deviation of phi's rounding, from short lines in random directions through points a
/// little away from the base (a kink exactly at the base is not noise); never below half a rounding
/// of the largest output. NaN if phi is finite on none of them.
inline double measure_noise(Objective& objective, double largest_output, Random& random) {
  double noise = largest_output * std::numeric_limits<double>::epsilon() / 2;
  bool measured = false;
  for (int line = 0; line < 3; ++line) {
    const PointGuard home(objective);
    Objective::Point centre = home.point(), direction = centre;
    for (std::size_t t = 0; t < centre.size(); ++t)
      for (std::size_t i = 0; i < centre[t].size(); ++i) {
        const double scale = std::max(1.0, std::fabs(centre[t][i]));
        centre[t][i] += 0x1p-20 * random.weight() * scale;
        direction[t][i] = kNoiseStep * random.weight() * scale;
      }
    double values[kNoisePoints];
    for (int p = 0; p < kNoisePoints; ++p) {
      Objective::Point moved = centre;
      for (std::size_t t = 0; t < centre.size(); ++t)
        for (std::size_t i = 0; i < centre[t].size(); ++i) moved[t][i] += p * direction[t][i];
      objective.move_to(moved);
      values[p] = objective.change_here();
    }
    const double here = noise_of(values);
    if (!std::isfinite(here)) continue;
    noise = std::max(noise, here);
    measured = true;
  }
  return measured ? noise : std::nan("");
}

}  // namespace longhand::detail
