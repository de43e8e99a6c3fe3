// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "longhand/core/params.hpp"
#include "longhand/models/model.hpp"

namespace longhand {

/// Keeps the weights of the epoch that was best: of all epochs whose loss lies within a fraction of
/// the least one, that of the least tie_break; of equals there, that of the lesser loss, and of
/// equals in both the first [ADV-14]. With a tolerance of 0 it is the epoch of the least loss.
/// Which epoch that is can change without a new one being better, when the least loss falls; so the
/// weights of every epoch that can still win are there.
template <class B>
class KeptEpoch {
 public:
  /// Throws std::invalid_argument unless 0 <= tolerance < 1.
  KeptEpoch(const ParamLayout& layout, double tolerance) : layout_(&layout), tolerance_(tolerance) {
    require(tolerance >= 0 && tolerance < 1, "the tolerance of a selection is ", tolerance,
            ", expected a fraction in [0, 1)");
  }

  /// Enters an epoch and its weights; returns whether it is the best one now. One whose numbers are
  /// not finite never is.
  bool enter(const B& backend, Index epoch, const Selection& s, View<B> theta) {
    if (!std::isfinite(s.loss) || !std::isfinite(s.tie_break)) return false;
    least_ = std::min(least_, s.loss);
    const double limit = least_ + tolerance_ * std::abs(least_);  // [ADV-14]
    release_if([&](const Candidate& c) { return c.selection.loss > limit; });
    for (const Candidate& c : candidates_)
      if (c.selection.loss <= s.loss && c.selection.tie_break <= s.tie_break) return false;
    if (s.loss > limit) return false;
    release_if([&](const Candidate& c) {
      return c.selection.loss >= s.loss && c.selection.tie_break >= s.tie_break;
    });
    if (spare_.empty()) spare_.emplace_back(*layout_);
    candidates_.push_back({epoch, s, std::move(spare_.back())});
    spare_.pop_back();
    backend.copy(theta, candidates_.back().weights.flat());
    return this->epoch() == epoch;
  }

  /// The best epoch so far; 0 if there is none.
  Index epoch() const { return candidates_.empty() ? 0 : best().epoch; }
  /// Brings back the weights of that epoch. Throws std::invalid_argument where there is none.
  void restore(const B& backend, View<B> theta) const {
    require(!candidates_.empty(), "no epoch was kept");
    backend.copy(best().weights.flat(), theta);
  }

  // For the state of a training: entering the epochs again would not do, since what lies within the
  // tolerance of the least loss depends on losses of epochs that are gone.

  /// The least loss of all epochs entered.
  double least_loss() const { return least_; }
  /// Calls f(epoch, selection, weights) for each epoch that can still win.
  template <class F>
  void visit(const F& f) const {
    for (const Candidate& c : candidates_) f(c.epoch, c.selection, c.weights.flat());
  }
  /// Forgets all epochs but the least loss that they had.
  void clear(double least_loss) {
    release_if([](const Candidate&) { return true; });
    least_ = least_loss;
  }
  /// Adds an epoch as visit() had it.
  void put_back(const B& backend, Index epoch, const Selection& s, View<B> theta) {
    candidates_.push_back({epoch, s, Params<B>(*layout_)});
    backend.copy(theta, candidates_.back().weights.flat());
  }

 private:
  struct Candidate {
    Index epoch;
    Selection selection;
    Params<B> weights;
  };

  /// No two candidates have the same tie_break: one of them would be worse in both numbers.
  const Candidate& best() const {
    return *std::ranges::min_element(candidates_, {},
                                     [](const Candidate& c) { return c.selection.tie_break; });
  }
  template <class Condition>
  void release_if(const Condition& out) {
    for (std::size_t i = candidates_.size(); i-- > 0;) {
      if (!out(candidates_[i])) continue;
      spare_.push_back(std::move(candidates_[i].weights));
      candidates_.erase(candidates_.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }

  const ParamLayout* layout_;
  double tolerance_;
  double least_ = std::numeric_limits<double>::infinity();
  std::vector<Candidate> candidates_;
  std::vector<Params<B>> spare_;  ///< memory of epochs that can win no more
};

}  // namespace longhand
