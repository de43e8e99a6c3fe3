// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

#include "longhand/gradcheck/detail/lines.hpp"
#include "longhand/gradcheck/detail/subject.hpp"

namespace longhand::detail {

/// Function values on a line so short that a smooth function is straight there: what high
/// differences of them leave is rounding noise (Moré and Wild, ECnoise, 2011).
inline constexpr int kNoisePoints = 9;

/// Standard deviation of the noise in equally spaced values, which are overwritten. NaN if one of
/// them is not finite.
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

/// Relative to the inputs' size. `away` from the given point, since a kink exactly there is no
/// noise.
struct ShortLine {
  double away, step;
};
inline constexpr ShortLine kShortest{0x1p-20, 0x1p-36};
/// Long enough for saturated functions (1 - tanh^2 at 10) to take several values.
inline constexpr ShortLine kLonger{0x1p-16, 0x1p-24};

/// Calls `at_point` at kNoisePoints points of a short line in a random direction.
template <class AtPoint>
void walk(const ShortLine& line, Objective& objective, Random& random, const AtPoint& at_point) {
  const PointGuard home(objective);
  Objective::Point here = home.point(), step = here;
  for (std::size_t t = 0; t < here.size(); ++t)
    for (std::size_t i = 0; i < here[t].size(); ++i) {
      const double scale = std::max(1.0, std::fabs(here[t][i]));
      here[t][i] += line.away * random.weight() * scale;
      step[t][i] = line.step * random.weight() * scale;
    }
  for (int p = 0; p < kNoisePoints; ++p) {
    Objective::Point moved = here;
    for (std::size_t t = 0; t < here.size(); ++t)
      for (std::size_t i = 0; i < here[t].size(); ++i) moved[t][i] += p * step[t][i];
    objective.move_to(moved);
    at_point();
  }
}

/// Standard deviation of each output's rounding; never below half a rounding of the output. Empty
/// if the outputs are finite on none of three lines.
inline std::vector<double> measure_noise(Objective& objective, const std::vector<double>& outputs,
                                         Random& random) {
  std::vector<double> sigma;
  for (const double y : outputs)
    sigma.push_back(std::fabs(y) * std::numeric_limits<double>::epsilon() / 2);
  bool measured = false;
  for (int line = 0; line < 3; ++line) {
    std::vector<std::vector<double>> on_line;
    walk(kShortest, objective, random, [&] { on_line.push_back(objective.call()); });
    bool finite = true;
    for (std::size_t k = 0; k < sigma.size(); ++k) {
      double values[kNoisePoints];
      for (std::size_t p = 0; p < kNoisePoints; ++p) values[p] = on_line[p][k] - outputs[k];
      const double noise = noise_of(values);
      finite = finite && std::isfinite(noise);
      if (std::isfinite(noise)) sigma[k] = std::max(sigma[k], noise);
    }
    measured = measured || finite;
  }
  return measured ? sigma : std::vector<double>();
}

/// Standard deviation of the rounding in each tensor's gradient, that of its noisiest entry: how
/// exactly backward computes. `gradient` is the one at the given inputs. On the longer line a kink
/// may lie: what it leaves is too much for noise.
inline std::vector<double> measure_gradient_noise(Subject& subject, const TensorGradients& gradient,
                                                  Random& random) {
  constexpr double too_much = 0x1p-20;
  std::vector<double> sigma(subject.tensors().size(), 0.0);
  for (const ShortLine& line : {kShortest, kLonger}) {
    std::vector<TensorGradients> on_line;
    walk(line, subject.objective, random, [&] { on_line.push_back(subject.gradient_here()); });
    for (std::size_t t = 0; t < sigma.size(); ++t) {
      const double most = too_much * largest(gradient.at(t));
      for (std::size_t i = 0; i < gradient.at(t).size(); ++i) {
        double values[kNoisePoints];
        for (std::size_t p = 0; p < kNoisePoints; ++p) values[p] = on_line[p].at(t)[i];
        if (const double noise = noise_of(values); noise <= most)
          sigma[t] = std::max(sigma[t], noise);
      }
    }
  }
  return sigma;
}

}  // namespace longhand::detail
