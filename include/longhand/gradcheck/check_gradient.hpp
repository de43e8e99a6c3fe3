// SPDX-License-Identifier: MIT
// Judges a hand-derived gradient by finite differences whose error is estimated, not guessed.
// Standard library only.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <iomanip>
#include <limits>
#include <random>
#include <span>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "longhand/core/macros.hpp"

namespace longhand {

/// Something to differentiate by: borrowed numbers, column-major with `rows` rows (0 = one column).
/// The checker moves them and puts them back bit by bit.
struct NamedTensor {
  std::string name;
  std::span<double> values;
  std::size_t rows = 0;
};

/// Where a backward puts dL/dtensor, by the tensor's name. Filled with NaN before each call, so
/// that an entry nobody assigns is seen.
class TensorGradients {
 public:
  explicit TensorGradients(const std::vector<NamedTensor>& tensors) {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    for (const NamedTensor& t : tensors)
      gradients_.emplace_back(t.name, std::vector<double>(t.values.size(), nan));
  }
  /// Throws std::invalid_argument for a name that is not checked.
  std::span<double> operator[](std::string_view name) {
    for (auto& [own, gradient] : gradients_)
      if (own == name) return gradient;
    throw std::invalid_argument("longhand: no tensor is called " + std::string(name));
  }
  std::span<const double> at(std::size_t k) const { return gradients_[k].second; }

 private:
  std::vector<std::pair<std::string, std::vector<double>>> gradients_;
};

/// The outcome: a verdict, the entry that is furthest off, and a text for people.
struct GradientReport {
  bool passed = false;
  std::size_t checked = 0;  ///< entries compared
  std::string worst;        ///< "W[3,5]", the entry with the largest error relative to its bound
  double ratio = 0;         ///< |analytic - numeric| / bound there; above 1 is wrong
  double resolution = 0;    ///< largest bound relative to its tensor's gradient: what could hide
  std::string text;
};

namespace detail {

class GradientCheck {
 public:
  using Forward = std::function<std::vector<double>()>;
  using Backward = std::function<void(std::span<const double>, TensorGradients&)>;

  /// The one safety factor: a bound is this many times the estimated error of the difference
  /// (truncation, read off the extrapolation table; rounding, measured) and of the gradient itself
  /// (one rounding at the tensor's largest entry). Estimates are seldom short by more than 2.
  static constexpr double kSafety = 32;
  /// A bound larger than this, relative to the tensor's gradient, proves nothing and is refused.
  static constexpr double kCoarsest = 1e-4;
  static constexpr int kRows = 14;              // steps 2^-3 … 2^-16, relative to max(1, |x|)
  static constexpr double kFirstStep = 0x1p-3;  // a power of two: the steps are exact
  static constexpr double kNoiseStep = 0x1p-36;

  GradientCheck(std::string_view name, std::vector<NamedTensor> tensors, Forward forward,
                Backward backward, unsigned seed)
      : name_(name),
        tensors_(std::move(tensors)),
        forward_(std::move(forward)),
        backward_(std::move(backward)),
        random_(seed) {}

  GradientReport run() {
    outputs_ = forward_();
    if (forward_() != outputs_) return refuse("forward gives other bits (or NaN) when repeated");
    for (std::size_t k = 0; k < outputs_.size(); ++k) cotangent_.push_back(random_weight());
    TensorGradients analytic(tensors_), again(tensors_);
    backward_(cotangent_, analytic);
    backward_(cotangent_, again);
    for (std::size_t t = 0; t < tensors_.size(); ++t)
      for (std::size_t i = 0; i < tensors_[t].values.size(); ++i) {
        if (!std::isfinite(analytic.at(t)[i]))
          return refuse("the gradient is not finite at " + place(t, i));
        if (analytic.at(t)[i] != again.at(t)[i])
          return refuse("a second backward gives another gradient at " + place(t, i));
      }
    noise_ = measure_noise();
    if (!std::isfinite(noise_)) return refuse("forward is not finite nearby");
    for (std::size_t t = 0; t < tensors_.size(); ++t)
      for (std::size_t i = 0; i < tensors_[t].values.size(); ++i) entries_.push_back(measure(t, i));
    if (entries_.empty()) return refuse("nothing was checked");
    if (forward_() != outputs_) return refuse("forward changes its inputs");
    return judge(analytic);
  }

 private:
  struct Estimate {
    double value = 0;
    double error = std::numeric_limits<double>::infinity();
  };
  struct Entry {
    std::size_t tensor, index;
    Estimate numeric;
  };

  /// In ±[1/2, 3/2): never near 0, never all the same.
  double random_weight() {
    const double magnitude = 0.5 + static_cast<double>(random_() >> 11) * 0x1p-53;
    return random_() % 2 == 0 ? magnitude : -magnitude;
  }

  /// sum_k v_k (y_k - y0_k): a constant in the outputs does not enter the rounding.
  double moved(const std::vector<double>& y, const std::vector<double>& y0) const {
    long double sum = 0;
    for (std::size_t k = 0; k < y.size(); ++k)
      sum += cotangent_[k] * (static_cast<long double>(y[k]) - y0[k]);
    return static_cast<double>(sum);
  }

  /// Rounding noise of `moved`, from high differences on short random lines, where a smooth
  /// function leaves nothing (Moré and Wild 2011); never below half a rounding of each output.
  double measure_noise() {
    double floor = 0;
    for (std::size_t k = 0; k < outputs_.size(); ++k)
      floor = std::max(floor, std::fabs(cotangent_[k] * outputs_[k]));
    double noise = floor * std::numeric_limits<double>::epsilon() / 2;
    for (int line = 0; line < 3; ++line) {
      std::vector<std::vector<double>> before, direction;
      for (const NamedTensor& t : tensors_) {
        before.emplace_back(t.values.begin(), t.values.end());
        direction.emplace_back();
        for (std::size_t i = 0; i < t.values.size(); ++i)
          direction.back().push_back(random_weight());
      }
      constexpr int points = 9;
      double difference[points];
      for (int p = 0; p < points; ++p) {
        for (std::size_t t = 0; t < tensors_.size(); ++t)
          for (std::size_t i = 0; i < before[t].size(); ++i)
            tensors_[t].values[i] = before[t][i] + (p - 4) * kNoiseStep * direction[t][i] *
                                                       std::max(1.0, std::fabs(before[t][i]));
        difference[p] = moved(forward_(), outputs_);
      }
      for (std::size_t t = 0; t < tensors_.size(); ++t)
        std::copy(before[t].begin(), before[t].end(), tensors_[t].values.begin());
      double gamma = 1;  // (k!)^2 / (2k)!: the variance of a k-th difference of noise, inverted
      for (int k = 1; k < points - 2; ++k) {
        gamma *= k / (2.0 * (2 * k - 1));
        double squares = 0;
        for (int p = 0; p < points - k; ++p) {
          difference[p] = difference[p + 1] - difference[p];
          squares += difference[p] * difference[p];
        }
        if (k >= 4) noise = std::max(noise, std::sqrt(gamma * squares / (points - k)));
        if (!std::isfinite(squares)) return squares;
      }
    }
    return noise;
  }

  /// Central differences at halved steps, extrapolated (Richardson); the entry of the table whose
  /// truncation and rounding together are smallest.
  Entry measure(std::size_t tensor, std::size_t index) {
    double& x = tensors_[tensor].values[index];
    const double centre = x;
    const double first = kFirstStep * std::exp2(std::ceil(std::log2(std::max(1.0, std::fabs(x)))));
    double value[kRows][kRows], rounding[kRows][kRows];
    Estimate best;
    int best_row = 0, best_column = 0;
    for (int row = 0; row < kRows; ++row) {
      const double step = std::ldexp(first, -row);
      x = centre + step;
      const double right = x;
      const std::vector<double> up = forward_();
      x = centre - step;
      const double width = right - x;
      value[row][0] = moved(up, forward_()) / width;
      x = centre;
      rounding[row][0] = 2 * noise_ / width;
      for (int column = 1; column <= row; ++column) {
        const double power = std::ldexp(1.0, 2 * column);
        value[row][column] =
            (power * value[row][column - 1] - value[row - 1][column - 1]) / (power - 1);
        rounding[row][column] =
            (power * rounding[row][column - 1] + rounding[row - 1][column - 1]) / (power - 1);
        const double truncation =
            std::max(std::fabs(value[row][column] - value[row][column - 1]),
                     std::fabs(value[row][column] - value[row - 1][column - 1]));
        const double error = truncation + rounding[row][column];
        if (error < best.error) {
          best = {value[row][column], error};
          best_row = row, best_column = column;
        }
      }
    }
    // Two columns may agree by chance; the next row, or the one before, must confirm them.
    const int other = best_row + 1 < kRows ? best_row + 1 : best_row - 1;
    if (best_column <= other)
      best.error += std::max(
          0.0, std::fabs(value[other][best_column] - best.value) - rounding[other][best_column]);
    return {tensor, index, best};
  }

  GradientReport judge(const TensorGradients& analytic) {
    std::vector<double> scale(tensors_.size(), 0.0);
    double all = 0;
    for (const Entry& e : entries_) {
      const double size =
          std::max(std::fabs(e.numeric.value), std::fabs(analytic.at(e.tensor)[e.index]));
      scale[e.tensor] = std::max(scale[e.tensor], size);
      all = std::max(all, size);
    }
    GradientReport report;
    report.passed = true;
    report.checked = entries_.size();
    report.ratio = -1;
    std::ostringstream lines;
    for (std::size_t t = 0; t < tensors_.size(); ++t) {
      const double size = std::max(scale[t], 1e-3 * all);
      double worst = -1, coarsest = 0;
      const Entry* at = nullptr;
      double bound_there = 0;
      for (const Entry& e : entries_) {
        if (e.tensor != t) continue;
        const double bound =
            kSafety * (e.numeric.error + std::numeric_limits<double>::epsilon() * size);
        const double error = std::fabs(analytic.at(t)[e.index] - e.numeric.value);
        const double ratio = error == 0              ? 0
                             : !std::isfinite(error) ? std::numeric_limits<double>::infinity()
                                                     : error / bound;
        if (!(ratio <= worst)) worst = ratio, at = &e, bound_there = bound;
        if (!(bound <= kCoarsest * size) && all > 0) {
          report.passed = false;
          lines << "  " << place(t, e.index) << ": bound " << bound << " beside gradients of "
                << size << " proves nothing (a kink, or noise)\n";
        }
        coarsest = std::max(coarsest, size > 0 ? bound / size : 0);
      }
      if (at == nullptr) continue;
      if (!(worst <= 1)) report.passed = false;
      if (!(worst <= report.ratio)) report.ratio = worst, report.worst = place(t, at->index);
      report.resolution = std::max(report.resolution, coarsest);
      lines << "  " << place(t, at->index) << ": analytic " << std::setprecision(12)
            << analytic.at(t)[at->index] << ", numeric " << at->numeric.value
            << std::setprecision(3) << ", error / bound " << worst << ", bound " << bound_there
            << "\n";
    }
    report.text = name_ + (report.passed ? ": passed" : ": FAILED") +
                  ", worst entry per tensor:\n" + lines.str();
    return report;
  }

  std::string place(std::size_t tensor, std::size_t index) const {
    const NamedTensor& t = tensors_[tensor];
    const std::size_t rows = t.rows > 0 ? t.rows : t.values.size();
    return t.name + "[" + std::to_string(index % rows) + "," + std::to_string(index / rows) + "]";
  }

  GradientReport refuse(const std::string& why) const {
    GradientReport report;
    report.text = name_ + ": REFUSED, " + why;
    return report;
  }

  std::string name_;
  std::vector<NamedTensor> tensors_;
  Forward forward_;
  Backward backward_;
  std::mt19937_64 random_;
  std::vector<double> outputs_, cotangent_;
  std::vector<Entry> entries_;
  double noise_ = 0;
};

}  // namespace detail

/// Checks a hand-derived gradient against central differences.
///
///     check_gradient("dense", {{"W", w}, {"x", x}},
///                    [&] { return forward(w, x); },                         // all outputs, flat
///                    [&](std::span<const double> dy, TensorGradients& g) {  // dL/dy is given
///                      backward(w, x, dy, g["W"], g["x"]);
///                    });
///
/// `forward` reads the tensors and returns its outputs in double; `backward` turns a random
/// cotangent of the outputs into the gradient of every tensor. Every entry is differenced. There is
/// no tolerance to choose: an entry passes when it lies within the difference's own error estimate
/// (detail::GradientCheck::kSafety). Refused, and not passed: a forward or a backward that does not
/// repeat itself, a gradient that is not finite or not assigned, a check of nothing, a bound too
/// coarse to prove anything.
inline GradientReport check_gradient(
    std::string_view name, std::vector<NamedTensor> tensors,
    std::function<std::vector<double>()> forward,
    std::function<void(std::span<const double>, TensorGradients&)> backward, unsigned seed = 1) {
  return detail::GradientCheck(name, std::move(tensors), std::move(forward), std::move(backward),
                               seed)
      .run();
}

}  // namespace longhand
