// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <functional>
#include <limits>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "longhand/gradcheck/dual.hpp"
#include "longhand/gradcheck/tensors.hpp"

namespace longhand::detail {

/// Why a check cannot be made; becomes a failed report with this sentence.
struct Refusal : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Entry `index` of tensor `tensor` moves by t * weight.
struct Step {
  std::size_t tensor = 0;
  std::size_t index = 0;
  double weight = 1;
};
/// A straight line through the point; t is the distance along it.
using Line = std::span<const Step>;

/// Random numbers, the same on every machine (the standard's distributions are not).
class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  /// In [0, 1).
  double uniform() { return static_cast<double>(engine_() >> 11) * 0x1p-53; }
  /// In ±[1/2, 3/2): never near 0, never all the same.
  double weight() {
    const double magnitude = 0.5 + uniform();
    return engine_() % 2 == 0 ? magnitude : -magnitude;
  }
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(engine_() % n); }

 private:
  std::mt19937_64 engine_;
};

/// The function under test, contracted with a fixed cotangent v to one number: phi = v . y. Values
/// are differences from a base point, output by output, so that a constant in the outputs does not
/// enter the rounding.
class Objective {
 public:
  using Forward = std::function<std::vector<double>()>;
  using Point = std::vector<std::vector<double>>;

  Objective(std::vector<NamedTensor> tensors, Forward forward)
      : tensors_(std::move(tensors)), forward_(std::move(forward)) {}

  const std::vector<NamedTensor>& tensors() const { return tensors_; }
  std::size_t evaluations() const { return evaluations_; }

  void set_cotangent(std::vector<double> v) { cotangent_ = std::move(v); }
  Cotangent cotangent() const { return cotangent_; }
  /// Standard deviation of each output's rounding.
  void set_noise(std::vector<double> sigma) { noise_ = std::move(sigma); }

  /// Runs forward at the tensors' present values and makes these the base point.
  const std::vector<double>& rebase() {
    base_ = call();
    return base_;
  }

  /// The outputs of forward at the tensors' present values.
  std::vector<double> call() {
    ++evaluations_;
    std::vector<double> y;
    try {
      y = forward_();
    } catch (const std::exception& error) {
      throw Refusal(std::string("forward threw: ") + error.what());
    }
    if (!base_.empty() && y.size() != base_.size())
      throw Refusal("forward returned " + std::to_string(y.size()) + " outputs, before " +
                    std::to_string(base_.size()));
    ever_moved_.resize(base_.size(), 0);
    moved_on_line_.resize(base_.size(), 0);
    for (std::size_t k = 0; k < base_.size(); ++k)
      if (y[k] != base_[k]) ever_moved_[k] = moved_on_line_[k] = 1;
    return y;
  }

  struct Value {
    double change;    ///< phi(t) - phi(0)
    double distance;  ///< t as the numbers could represent it
    double noise;     ///< standard deviation of the rounding in `change`
  };
  /// phi at distance t along `line`; the tensors are put back.
  Value along(Line line, double t) {
    before_.clear();
    for (const Step& s : line) before_.push_back(entry(s));
    for (const Step& s : line) entry(s) += t * s.weight;
    // One coordinate: the step that x + t really made. Of many, each is off by its own rounding,
    // which the measured noise contains.
    const double distance = line.size() == 1 && line[0].weight != 0
                                ? (entry(line[0]) - before_[0]) / line[0].weight
                                : t;
    try {
      const std::vector<double> y = call();
      restore(line);
      return {change(y), distance, noise(y, std::fabs(t))};
    } catch (...) {
      restore(line);
      throw;
    }
  }
  /// v . dy for the derivatives of all outputs along one direction.
  double slope(const std::vector<Dual>& y) const {
    if (y.size() != base_.size())
      throw Refusal("the dual forward returned " + std::to_string(y.size()) + " outputs, forward " +
                    std::to_string(base_.size()));
    long double sum = 0, gap = 0, size = 0;
    for (std::size_t k = 0; k < y.size(); ++k) {
      sum += static_cast<long double>(cotangent_[k]) * y[k].slope;
      gap += std::fabs(y[k].value - base_[k]);
      size += std::fabs(base_[k]);
    }
    if (!(gap <= 0x1p-26L * size))
      throw Refusal("the dual forward computes other values than forward");
    return static_cast<double>(sum);
  }
  /// From here on all calls are along one line.
  void begin_line() { moved_on_line_.assign(moved_on_line_.size(), 0); }
  /// Outputs that move elsewhere, but not along `line`, even at distances -t and t, have a slope of
  /// less than their rounding over t: so much less do they bring into differences along it, until
  /// forget_independent(). False if there are none.
  bool find_independent(Line line, double t) {
    independent_.clear();
    std::vector<char> still = ever_moved_;
    for (std::size_t k = 0; k < still.size(); ++k)
      still[k] = still[k] != 0 && moved_on_line_[k] == 0;
    for (const double side : {t, -t}) {
      const std::vector<double> before = point_of(line);
      for (const Step& s : line) entry(s) += side * s.weight;
      std::vector<double> y;
      try {
        y = call();
      } catch (const Refusal&) {
        still.assign(base_.size(), 0);  // too far for this function: nothing is known
      }
      for (std::size_t k = 0; k < line.size(); ++k) entry(line[k]) = before[k];
      for (std::size_t k = 0; k < y.size(); ++k) still[k] = still[k] != 0 && y[k] == base_[k];
    }
    if (std::find(still.begin(), still.end(), 1) == still.end()) return false;
    independent_ = std::move(still);
    independent_up_to_ = t;
    return true;
  }
  void forget_independent() { independent_.clear(); }

  Point point() const {
    Point all;
    for (const NamedTensor& t : tensors_) all.emplace_back(t.values.begin(), t.values.end());
    return all;
  }
  void move_to(const Point& point) {
    for (std::size_t t = 0; t < point.size(); ++t)
      std::copy(point[t].begin(), point[t].end(), tensors_[t].values.begin());
  }
  /// Bit by bit: a NaN equals itself, 0 and -0 differ.
  bool is_at(const Point& point) const {
    for (std::size_t t = 0; t < point.size(); ++t)
      if (!point[t].empty() && std::memcmp(point[t].data(), tensors_[t].values.data(),
                                           point[t].size() * sizeof(double)) != 0)
        return false;
    return true;
  }

 private:
  double& entry(const Step& s) const { return tensors_[s.tensor].values[s.index]; }
  std::vector<double> point_of(Line line) const {
    std::vector<double> values;
    for (const Step& s : line) values.push_back(entry(s));
    return values;
  }
  void restore(Line line) const {
    for (std::size_t k = 0; k < before_.size(); ++k) entry(line[k]) = before_[k];
  }
  double change(const std::vector<double>& y) const {
    long double sum = 0;
    for (std::size_t k = 0; k < y.size(); ++k)
      sum += cotangent_[k] * (static_cast<long double>(y[k]) - base_[k]);
    return static_cast<double>(sum);
  }
  double noise(const std::vector<double>& y, double t) const {
    double variance = 0;
    for (std::size_t k = 0; k < y.size(); ++k) {
      const double own = std::numeric_limits<double>::epsilon() / 2 * std::fabs(y[k]);
      double sigma = cotangent_[k] * ((k < noise_.size() ? noise_[k] : 0) + own);
      if (!independent_.empty() && independent_[k] != 0) sigma *= t / independent_up_to_;
      variance += sigma * sigma;
    }
    return std::sqrt(variance);
  }

  std::vector<NamedTensor> tensors_;
  Forward forward_;
  std::vector<double> cotangent_, base_, noise_, before_;
  std::vector<char> ever_moved_, moved_on_line_, independent_;  // by output
  double independent_up_to_ = 1;
  std::size_t evaluations_ = 0;
};

/// Leaves the tensors as they were found, however the scope is left.
class PointGuard {
 public:
  explicit PointGuard(Objective& objective) : objective_(objective), point_(objective.point()) {}
  ~PointGuard() { objective_.move_to(point_); }
  PointGuard(const PointGuard&) = delete;
  PointGuard& operator=(const PointGuard&) = delete;
  const Objective::Point& point() const { return point_; }

 private:
  Objective& objective_;
  Objective::Point point_;
};

}  // namespace longhand::detail
