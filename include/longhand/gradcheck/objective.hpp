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

  /// Runs forward here and makes this the base point.
  const std::vector<double>& rebase() {
    base_ = call();
    size_ = sum_of_sizes(base_);
    return base_;
  }
  /// sum |v_k y_k| at the base: what its rounding is a part of.
  double size() const { return size_; }

  /// The outputs here.
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
    return y;
  }

  struct Value {
    double change;    ///< phi(t) - phi(0)
    double distance;  ///< t as the numbers could represent it
    double growth;    ///< size() there beside size() at the base, at least 1
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
      return {change(y), distance, growth(y)};
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
    long double sum = 0, gap = 0;
    for (std::size_t k = 0; k < y.size(); ++k) {
      sum += static_cast<long double>(cotangent_[k]) * y[k].slope;
      gap += std::fabs(cotangent_[k] * (y[k].value - base_[k]));
    }
    if (!(gap <= 0x1p-26 * size_))
      throw Refusal("the dual forward computes other values than forward");
    return static_cast<double>(sum);
  }
  /// phi here minus phi at the base, for whoever moves the tensors.
  double change_here() { return change(call()); }

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
  void restore(Line line) const {
    for (std::size_t k = 0; k < before_.size(); ++k) entry(line[k]) = before_[k];
  }
  double change(const std::vector<double>& y) const {
    long double sum = 0;
    for (std::size_t k = 0; k < y.size(); ++k)
      sum += cotangent_[k] * (static_cast<long double>(y[k]) - base_[k]);
    return static_cast<double>(sum);
  }
  double sum_of_sizes(const std::vector<double>& y) const {
    double sum = 0;
    for (std::size_t k = 0; k < y.size(); ++k)
      sum += std::fabs(y[k] * (cotangent_.empty() ? 1 : cotangent_[k]));
    return sum;
  }
  double growth(const std::vector<double>& y) const {
    return size_ > 0 ? std::max(1.0, sum_of_sizes(y) / size_) : 1.0;
  }

  std::vector<NamedTensor> tensors_;
  Forward forward_;
  std::vector<double> cotangent_, base_, before_;
  double size_ = 0;
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
