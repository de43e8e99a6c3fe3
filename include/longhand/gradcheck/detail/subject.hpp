// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "longhand/gradcheck/detail/objective.hpp"
#include "longhand/gradcheck/options.hpp"
#include "longhand/gradcheck/report.hpp"

namespace longhand::detail {

/// What is checked: a forward, a backward and the tensors between them, called with suspicion.
/// Every call is watched: what throws, changes its inputs, leaves entries unassigned or does not
/// repeat itself is refused. docs/gradient_checking.md, section 1.
class Subject {
 public:
  using Backward = std::function<void(Cotangent, TensorGradients&)>;

  Subject(std::vector<NamedTensor> tensors, Objective::Forward forward, Backward backward,
          bool unit_cotangent, const Corruption* corruption, Random& random)
      : objective(std::move(tensors), std::move(forward)),
        backward_(std::move(backward)),
        unit_cotangent_(unit_cotangent),
        corruption_(corruption),
        random_(random) {}

  Objective objective;

  const std::vector<NamedTensor>& tensors() const { return objective.tensors(); }
  std::size_t backwards() const { return backwards_; }
  /// The verdict that goes with the refusal just thrown.
  Verdict refused_as() const { return refused_as_; }

  std::string place(std::size_t t, std::size_t i) const {
    const NamedTensor& tensor = tensors()[t];
    return tensor.name + place_in(tensor.row_count(), tensor.col_count(), i);
  }

  void require_tensors() const {
    if (tensors().empty()) throw Refusal("the list of tensors is empty: nothing was checked");
    std::set<std::string> names;
    std::size_t entries = 0;
    for (const NamedTensor& t : tensors()) {
      if (!names.insert(t.name).second) throw Refusal("two tensors are called '" + t.name + "'");
      if (t.rows > 0 && t.values.size() % t.rows != 0)
        throw Refusal("tensor '" + t.name + "' has " + std::to_string(t.values.size()) +
                      " entries, no multiple of its " + std::to_string(t.rows) + " rows");
      for (const double x : t.values)
        if (!std::isfinite(x)) throw Refusal("tensor '" + t.name + "' is not finite");
      entries += t.values.size();
    }
    if (entries == 0) throw Refusal("all tensors are empty: nothing was checked");
  }

  /// Draws the cotangent and makes the given inputs the base point.
  void require_repeatable_forward() {
    const PointGuard home(objective);
    const std::vector<double> first = objective.call();
    if (!objective.is_at(home.point())) throw Refusal("forward changes its inputs");
    if (first.empty()) throw Refusal("forward returns no outputs: nothing was checked");
    for (std::size_t k = 0; k < first.size(); ++k) {
      if (!std::isfinite(first[k]))
        throw Refusal("forward returns " + std::to_string(first[k]) +
                      " at the given inputs (output " + std::to_string(k) + " of " +
                      std::to_string(first.size()) + ")");
    }
    std::vector<double> v;
    for (std::size_t k = 0; k < first.size(); ++k)
      v.push_back(unit_cotangent_ ? 1.0 : random_.weight());
    objective.set_cotangent(std::move(v));
    if (const std::vector<double>& second = objective.rebase(); first != second)
      refuse(Verdict::nondeterministic,
             "forward does not repeat itself: a second call gives other bits");
    move_a_little(0x1p-10);
    require_double(first, objective.call());
  }

  /// Forward, then backward, at the tensors' present values.
  TensorGradients gradient_here() {
    (void)objective.call();
    return backward_here();
  }
  TensorGradients backward_here() {
    if (corruption_ == nullptr) return watched_backward();
    TensorGradients g = [&] {
      if (!corruption_->stale) return watched_backward();
      const PointGuard home(objective);
      Random always_the_same(1);
      move_a_little(0.3, always_the_same);
      (void)objective.call();
      return watched_backward();
    }();
    if (corruption_->apply) corruption_->apply(tensors(), g);
    return g;
  }

  /// The gradient at the given inputs.
  TensorGradients require_repeatable_backward() {
    TensorGradients first = gradient_here();
    for (std::size_t t = 0; t < tensors().size(); ++t)
      for (std::size_t i = 0; i < first.at(t).size(); ++i)
        if (!std::isfinite(first.at(t)[i]))
          throw Refusal("the gradient is not finite at " + place(t, i) +
                        (std::isnan(first.at(t)[i]) ? " (NaN: never assigned?)" : ""));
    require_same(first, backward_here(), Verdict::nondeterministic,
                 "a second backward gives another gradient");
    {
      const PointGuard home(objective);
      move_a_little(0.3);
      try {
        (void)gradient_here();
      } catch (const Refusal&) {
        // Perhaps outside the function's domain. What matters is the comparison below.
      }
    }
    require_same(first, gradient_here(), Verdict::fail,
                 "the gradient depends on an earlier forward at other inputs (a stale cache?)");
    return first;
  }

  /// To a random point nearby, relative to each number's size.
  void move_a_little(double amount) { move_a_little(amount, random_); }
  void move_a_little(double amount, Random& random) {
    for (const NamedTensor& t : tensors())
      for (double& x : t.values) x += amount * random.weight() * std::max(0.1, std::fabs(x));
  }

 private:
  [[noreturn]] void refuse(Verdict as, const std::string& why) {
    refused_as_ = as;
    throw Refusal(why);
  }

  /// Outputs that moved and are all exact in float, though not short, were computed in float.
  static void require_double(const std::vector<double>& here, const std::vector<double>& moved) {
    bool in_float = false;
    for (std::size_t k = 0; k < here.size() && k < moved.size(); ++k) {
      const double y = moved[k];
      if (y == here[k] || !std::isfinite(y)) continue;
      if (static_cast<double>(static_cast<float>(y)) != y) return;
      int exponent = 0;
      const double short_part = std::frexp(y, &exponent) * 0x1p12;
      in_float = in_float || short_part != std::floor(short_part);  // 0 and 0.75 prove nothing
    }
    if (in_float)
      throw Refusal(
          "forward computes in float, where differences prove nothing: check the same code in "
          "double, and float against double by its rounding bound (rounding_bound.hpp)");
  }

  TensorGradients watched_backward() {
    ++backwards_;
    const PointGuard home(objective);
    TensorGradients g(tensors());
    try {
      backward_(objective.cotangent(), g);
    } catch (const std::exception& error) {
      throw Refusal(std::string("backward failed: ") + error.what());
    }
    if (!objective.is_at(home.point())) throw Refusal("backward changes its inputs");
    return g;
  }

  void require_same(const TensorGradients& first, const TensorGradients& again, Verdict as,
                    const std::string& otherwise) {
    for (std::size_t t = 0; t < tensors().size(); ++t)
      for (std::size_t i = 0; i < first.at(t).size(); ++i)
        if (first.at(t)[i] != again.at(t)[i]) refuse(as, otherwise + ", at " + place(t, i));
  }

  Backward backward_;
  bool unit_cotangent_;
  const Corruption* corruption_;
  Random& random_;
  Verdict refused_as_ = Verdict::fail;
  std::size_t backwards_ = 0;
};

}  // namespace longhand::detail
