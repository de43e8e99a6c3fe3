// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <iomanip>
#include <limits>
#include <set>
#include <span>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "longhand/gradcheck/detail/bounds.hpp"
#include "longhand/gradcheck/detail/difference.hpp"
#include "longhand/gradcheck/detail/lines.hpp"
#include "longhand/gradcheck/detail/noise.hpp"
#include "longhand/gradcheck/detail/subject.hpp"
#include "longhand/gradcheck/detail/summary.hpp"

namespace longhand::detail {

/// One check, from the first call to the verdict; run() is the table of contents of
/// docs/gradient_checking.md.
class GradientCheck {
 public:
  GradientCheck(std::string name, std::vector<NamedTensor> tensors, Objective::Forward forward,
                Subject::Backward backward, bool unit_cotangent, CheckOptions options)
      : options_(std::move(options)),
        random_(options_.seed),
        subject_(std::move(tensors), std::move(forward), std::move(backward), unit_cotangent,
                 options_.corruption, random_) {
    report_.name = std::move(name);
    report_.seed = options_.seed;
  }

  GradientReport run() {
    const auto start = std::chrono::steady_clock::now();
    try {
      subject_.require_tensors();
      const PointGuard home(objective_);
      subject_.require_repeatable_forward();
      analytic_ = subject_.require_repeatable_backward();
      std::vector<double> noise = measure_noise(objective_, objective_.rebase(), random_);
      if (noise.empty()) throw Refusal("forward is finite nowhere nearby");
      objective_.set_noise(std::move(noise));
      std::vector<double> gradient_noise = measure_gradient_noise(subject_, analytic_, random_);
      difference_everything();
      bounds_ = Bounds(sizes_of_gradients(), std::move(gradient_noise));
      judge_here();
      judge_beside_kinks();
      locate_errors();
      judge_elsewhere();
      ask_dual_numbers();
      if (!objective_.is_at(home.point())) throw Refusal("forward changes its inputs");
      summarise(report_, tensors(), dual_disagrees_);
    } catch (const Refusal& refusal) {
      report_.entries.clear();
      report_.reason = refusal.what();
      report_.verdict = subject_.refused_as();
    }
    report_.evaluations = objective_.evaluations() + dual_evaluations_;
    report_.backwards = subject_.backwards();
    report_.milliseconds =
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
    return std::move(report_);
  }

 private:
  static constexpr int kFreshPoints = 16;
  /// Fresh points outside the bound, with no kink in sight, that make a failure.
  static constexpr int kStrikes = 2;
  static constexpr std::size_t kDirections = 3;
  /// Entries of one tensor for which a failure is proven one by one; it is enough then.
  static constexpr int kProven = 4;

  const std::vector<NamedTensor>& tensors() const { return subject_.tensors(); }

  // ---- measuring --------------------------------------------------------------------------------

  /// Every entry; of a large tensor a few directions over all its entries, its border, and a sample
  /// that includes the largest and the smallest gradients.
  void difference_everything() {
    for (std::size_t t = 0; t < tensors().size(); ++t) {
      const std::size_t n = tensors()[t].values.size();
      if (n <= options_.every_entry_up_to) {
        for (std::size_t i = 0; i < n; ++i) add(t, i, false, {{t, i, 1.0}});
      } else {
        for (std::size_t k = 0; k < kDirections; ++k)
          add(t, k, true, random_direction(tensors(), t, t + 1, random_));
        for (const std::size_t i : sampled_entries(
                 tensors()[t].row_count(), tensors()[t].col_count(), analytic_.at(t), random_))
          add(t, i, false, {{t, i, 1.0}});
      }
    }
  }
  void add(std::size_t t, std::size_t index, bool direction, std::vector<Step> steps) {
    CheckedEntry e;
    e.tensor = t, e.index = index, e.direction = direction;
    e.analytic = along(analytic_, steps);
    const double enough = kFineEnough * largest(analytic_.at(t));
    estimates_.push_back(central_difference(objective_, steps, enough));
    e.numeric = estimates_.back().value;
    report_.entries.push_back(e);
    steps_.push_back(std::move(steps));
  }

  // ---- judging ----------------------------------------------------------------------------------

  /// The size of each tensor's gradient, by the differences that are sure of themselves; where none
  /// is, by what is claimed.
  std::vector<double> sizes_of_gradients() const {
    std::vector<double> sizes(tensors().size(), 0.0);
    for (std::size_t k = 0; k < estimates_.size(); ++k) {
      double& size = sizes[report_.entries[k].tensor];
      const double here = std::fabs(estimates_[k].value);
      if (std::isfinite(here) && kSafety * estimates_[k].error() < here)
        size = std::max(size, here);
    }
    for (std::size_t t = 0; t < sizes.size(); ++t)
      if (sizes[t] == 0) sizes[t] = largest(analytic_.at(t));
    return sizes;
  }

  /// Within a fine bound: passed. Outside, where the function is smooth and the error beyond doubt:
  /// failed. The rest is undecided.
  void judge_here() {
    std::vector<std::size_t> outside;
    for (std::size_t k = 0; k < report_.entries.size(); ++k) {
      CheckedEntry& e = report_.entries[k];
      e.bound = bounds_.of(e.tensor, estimates_[k]);
      e.resolution = bounds_.resolution(e.tensor, e.bound);
      if (!(e.ratio() <= 1)) {
        outside.push_back(k);
      } else if (!(e.resolution <= kCoarse)) {
        if (!(e.resolution <= kCoarsest)) e.verdict = Verdict::no_power;
        undecided_.push_back(k);
      }
    }
    std::stable_sort(outside.begin(), outside.end(), [&](std::size_t a, std::size_t b) {
      return report_.entries[a].ratio() > report_.entries[b].ratio();
    });
    std::vector<int> proven(tensors().size(), 0);
    for (const std::size_t k : outside) {
      CheckedEntry& e = report_.entries[k];
      const bool wrong = proven[e.tensor] >= kProven ||
                         (e.ratio() > kBeyondDoubt && sides(k, e.error() / 2) == Sides::agree);
      e.verdict = wrong ? Verdict::fail : Verdict::unresolved;
      wrong ? void(++proven[e.tensor]) : undecided_.push_back(k);
    }
  }

  Sides sides(std::size_t k, double jump) { return compare_sides(objective_, steps_[k], jump); }

  /// For every wrong direction of a tensor none of whose entries is known to be wrong: one that is.
  void locate_errors() {
    for (std::size_t k = 0; k < report_.entries.size(); ++k) {
      const CheckedEntry& e = report_.entries[k];
      const auto known = [&](const CheckedEntry& other) {
        return other.tensor == e.tensor && !other.direction && other.verdict == Verdict::fail;
      };
      if (e.direction && e.verdict == Verdict::fail &&
          std::none_of(report_.entries.begin(), report_.entries.end(), known))
        bisect(k);
    }
  }

  /// From a wrong directional derivative to a wrong entry: halve the index set, keep the half whose
  /// own derivative is further off. log2(n) derivatives.
  void bisect(std::size_t k) {
    const std::size_t t = report_.entries[k].tensor;
    std::vector<Step> steps = steps_[k];
    double gap = along(analytic_, steps) - estimates_[k].value;
    while (steps.size() > 1) {
      const auto middle = steps.begin() + static_cast<std::ptrdiff_t>(steps.size() / 2);
      std::vector<Step> first(steps.begin(), middle), second(middle, steps.end());
      const double first_gap =
          along(analytic_, first) - central_difference(objective_, first, 0).value;
      const bool keep_first = std::fabs(first_gap) >= std::fabs(gap - first_gap);
      gap = keep_first ? first_gap : gap - first_gap;
      steps = std::move(keep_first ? first : second);
    }
    add(t, steps.front().index, false, {{t, steps.front().index, 1.0}});
    CheckedEntry& found = report_.entries.back();
    found.bound = bounds_.of(t, estimates_.back());
    found.resolution = bounds_.resolution(t, found.bound);
    if (!(found.ratio() <= 1)) found.verdict = Verdict::fail;
  }

  // ---- kinks ------------------------------------------------------------------------------------

  /// What is undecided lies at a kink, or its bound is coarse, or its error barely outside. Forward
  /// and backward are run again at fresh points nearby: right there with a gradient that is not
  /// zero, it is accepted; wrong at a smooth point, or at several where no kink shows, it fails.
  void judge_beside_kinks() {
    std::vector<AtKink> accepted;
    strikes_.assign(report_.entries.size(), 0);
    for (int k = 0; k < kFreshPoints && !undecided_.empty(); ++k) {
      const PointGuard home(objective_);
      subject_.move_a_little(k % 2 == 0 ? 0.02 : 0.1);
      judge_at_fresh_point(accepted);
      ++report_.fresh_points;
    }
    if (report_.fresh_points > 0) (void)objective_.rebase();
    for (const AtKink& kink : accepted) judge_at_kink(kink);
  }

  /// What an entry accepted beside a kink looked like at the kink.
  struct AtKink {
    std::size_t entry;
    double analytic, numeric;
  };

  void judge_at_fresh_point(std::vector<AtKink>& accepted) {
    for (const double y : objective_.rebase())
      if (!std::isfinite(y)) return;
    const TensorGradients gradient = subject_.backward_here();
    std::vector<std::size_t> still;
    for (const std::size_t k : undecided_) {
      CheckedEntry& e = report_.entries[k];
      const Estimate numeric =
          central_difference(objective_, steps_[k], kFineEnough * bounds_.size(e.tensor));
      CheckedEntry here = e;
      here.analytic = along(gradient, steps_[k]);
      here.numeric = numeric.value;
      here.elsewhere = true;
      here.bound = bounds_.of(e.tensor, numeric);
      here.resolution = bounds_.resolution(e.tensor, here.bound);
      const bool fine = here.resolution <= kCoarsest;
      // Zero agrees with zero wherever a unit is dead: that proves nothing.
      const bool alive = std::fabs(here.analytic) > 4 * here.bound;
      if (!(here.ratio() <= 1)) {
        here.verdict = Verdict::fail;
        const Sides there = sides(k, here.error());
        strikes_[k] += there == Sides::unclear;
        const bool enough = fine || here.ratio() > kFarBeyondDoubt;
        if (enough && (there == Sides::agree || strikes_[k] >= kStrikes))
          e = here;
        else
          still.push_back(k);
      } else if (e.verdict == Verdict::unresolved) {
        if (fine && alive) {
          accepted.push_back({k, e.analytic, e.numeric});
          e = here;
        } else {
          still.push_back(k);
        }
      } else {
        // Right here as well, and finely: no error hides in the coarse bound. It stays what is
        // said.
        if (alive && fine && e.verdict == Verdict::no_power) {
          e.verdict = Verdict::kink_ok;
          e.resolution = here.resolution;
        }
        if (!(alive && here.resolution <= kCoarse)) still.push_back(k);
      }
    }
    undecided_ = std::move(still);
  }

  /// An entry that is right beside its point. At the point itself it must be a slope between those
  /// on the two sides; where there is no kink after all, the error there stands.
  void judge_at_kink(const AtKink& kink) {
    CheckedEntry& e = report_.entries[kink.entry];
    if (e.direction) {
      e.verdict = Verdict::kink_ok;
      return;
    }
    const Line line = steps_[kink.entry];
    const Estimate right = one_sided_difference(objective_, line, 1),
                   left = one_sided_difference(objective_, line, -1);
    const double slack = kSafety * (right.error() + left.error()) + e.bound;
    const double low = std::min(right.value, left.value), high = std::max(right.value, left.value);
    const double gap = std::max(low - kink.analytic, kink.analytic - high);
    if (!(gap > slack)) {
      e.verdict = Verdict::kink_ok;
      if (high - low <= slack)  // no kink in sight, nor an error: what is seen is said
        e.verdict = Verdict::pass,
        e.resolution = std::max(
            e.resolution, bounds_.resolution(e.tensor, std::fabs(kink.analytic - kink.numeric)));
    } else {
      e.verdict = gradient_of_a_side(kink, gap) ? Verdict::kink_ok : Verdict::fail;
    }
    if (e.verdict == Verdict::fail)
      e.analytic = kink.analytic, e.numeric = kink.numeric, e.elsewhere = false;
  }

  /// Outside both sides along this line, but where several kinks meet, or lie close together, that
  /// is no error: it may be the slope of a region the line does not cross, and exactly at the
  /// meeting point the chain rule need not give the slope of any.
  bool gradient_of_a_side(const AtKink& kink, double gap) {
    if (nearby_.empty())
      for (const double distance : {0x1p-44, 0x1p-38, 0x1p-32, 0x1p-26, 0x1p-20, 0x1p-14})
        for (int k = 0; k < 4; ++k) {
          const PointGuard home(objective_);
          subject_.move_a_little(distance);
          nearby_.push_back(subject_.gradient_here());
        }
    const CheckedEntry& e = report_.entries[kink.entry];
    std::vector<double> slopes;
    for (const TensorGradients& g : nearby_) slopes.push_back(g.at(e.tensor)[e.index]);
    std::sort(slopes.begin(), slopes.end());
    int distinct = 1;
    for (std::size_t k = 0; k < slopes.size(); ++k) {
      if (std::fabs(slopes[k] - kink.analytic) <= gap / 8) return true;
      distinct += k > 0 && slopes[k] - slopes[k - 1] > gap / 8;
    }
    return distinct > 2;
  }

  /// The gradient at the given inputs may be right and its code wrong: what backward kept from its
  /// first call, or a kink there, can hide it. One direction through all tensors at a fresh point.
  void judge_elsewhere() {
    for (const CheckedEntry& e : report_.entries)
      if (!passes(e.verdict)) return;
    bool decided = false;
    int strikes = 0;
    for (int k = 0; k < kFreshPoints && !decided; ++k) {
      const PointGuard home(objective_);
      subject_.move_a_little(0.1);
      bool finite = true;
      for (const double y : objective_.rebase()) finite = finite && std::isfinite(y);
      if (!finite) continue;
      const TensorGradients gradient = subject_.backward_here();
      const std::vector<Step> steps = random_direction(tensors(), 0, tensors().size(), random_);
      const Estimate numeric = central_difference(objective_, steps, 0);
      const double analytic = along(gradient, steps);
      const double bound = bounds_.of(bounds_.largest_tensor(), numeric);
      const double error = std::fabs(analytic - numeric.value);
      if (error <= bound) {
        decided = std::fabs(analytic) > 4 * bound;
        continue;
      }
      const Sides sides = compare_sides(objective_, steps, error);
      strikes += sides == Sides::unclear;
      if (sides != Sides::agree && strikes < kStrikes) continue;
      std::ostringstream why;
      why << std::setprecision(12)
          << "right at the given inputs, wrong at others nearby: along a random direction the "
             "analytic derivative is "
          << analytic << ", the numeric one " << numeric.value
          << " (does backward keep something?)";
      throw Refusal(why.str());
    }
    (void)objective_.rebase();
  }
  // ---- dual numbers -----------------------------------------------------------------------------

  /// The second opinion: exact derivatives of the same forward, in a few directions per tensor, and
  /// entry by entry where a direction disagrees. At a kink they follow a convention, so entries
  /// there are not held against anyone.
  void ask_dual_numbers() {
    if (!options_.dual) return;
    report_.dual = true;
    DualTensors x(tensors());
    for (std::size_t t = 0; t < tensors().size(); ++t) {
      const std::size_t n = tensors()[t].values.size();
      if (n == 0) continue;
      bool agree = true;
      for (std::size_t k = 0; k < kDirections && agree; ++k) {
        const std::vector<Step> steps = random_direction(tensors(), t, t + 1, random_);
        agree = std::fabs(along(analytic_, steps) - dual_along(x, steps)) <=
                std::sqrt(static_cast<double>(n)) * dual_bound(t);
      }
      if (agree) continue;
      bool kinks = false, located = false;
      for (std::size_t k = 0; k < report_.entries.size(); ++k) {
        CheckedEntry& e = report_.entries[k];
        if (e.tensor != t || e.direction) continue;
        if (e.verdict != Verdict::pass && e.verdict != Verdict::fail) {
          kinks = true;
          continue;
        }
        e.dual = dual_along(x, std::vector<Step>{{t, e.index, 1.0}});
        const double error = std::fabs(e.analytic - e.dual);
        if (error <= dual_bound(t)) continue;
        // Half way between both slopes a kink passes as if it were smooth.
        if (e.verdict == Verdict::pass && sides(k, error) == Sides::disagree) {
          e.verdict = Verdict::kink_ok;
          kinks = true;
          continue;
        }
        if (e.verdict == Verdict::pass && !dual_error_persists(e)) continue;
        e.verdict = Verdict::fail;
        located = true;
      }
      if (located || (!kinks && n > options_.every_entry_up_to)) dual_disagrees_.insert(t);
    }
  }

  /// An error of the gradient moves smoothly with its inputs; its rounding (1 - tanh^2 where that
  /// is 1e-12) does not. Whether the relative error is the same at points nearby.
  bool dual_error_persists(const CheckedEntry& e) {
    const std::vector<Step> line{{e.tensor, e.index, 1.0}};
    const double here = (e.analytic - e.dual) / e.dual;
    bool persists = true;
    for (int k = 0; k < 4 && persists; ++k) {
      const PointGuard home(objective_);
      subject_.move_a_little(0.01);
      (void)objective_.rebase();
      const double analytic = along(subject_.backward_here(), line);
      DualTensors x(tensors());
      const double dual = dual_along(x, line);
      const double ratio = (analytic - dual) / dual / here;
      persists = std::isnan(ratio) || (ratio > 0.5 && ratio < 2);
    }
    (void)objective_.rebase();
    return persists;
  }
  /// Where the gradient is zero in all digits (a saturated unit): what the differences could see.
  double dual_bound(std::size_t t) const {
    double bound = bounds_.exact(t);
    for (const CheckedEntry& e : report_.entries)
      if (bounds_.size(t) == 0 && e.tensor == t) bound = std::max(bound, e.bound);
    return bound;
  }
  double dual_along(DualTensors& x, Line line) {
    for (const Step& s : line) x.at(s.tensor)[s.index].slope = s.weight;
    ++dual_evaluations_;
    std::vector<Dual> y;
    try {
      y = options_.dual(x);
    } catch (const std::exception& error) {
      throw Refusal(std::string("the dual forward threw: ") + error.what());
    }
    for (const Step& s : line) x.at(s.tensor)[s.index].slope = 0;
    return objective_.slope(y);
  }

  CheckOptions options_;
  Random random_;
  Subject subject_;
  Objective& objective_ = subject_.objective;
  GradientReport report_;
  TensorGradients analytic_{{}};
  Bounds bounds_;
  std::vector<std::vector<Step>> steps_;  // beside report_.entries
  std::vector<Estimate> estimates_;       // beside report_.entries
  std::vector<std::size_t> undecided_;
  std::vector<int> strikes_;             // beside report_.entries
  std::vector<TensorGradients> nearby_;  // gradients around the base, where kinks meet
  std::set<std::size_t> dual_disagrees_;
  std::size_t dual_evaluations_ = 0;
};

/// Runs one check. A template only so that programs that define LONGHAND_SEPARATE compile the
/// engine once (separate/gradcheck.ipp).
template <class = void>
GradientReport run_check(std::string name, std::vector<NamedTensor> tensors,
                         Objective::Forward forward, Subject::Backward backward,
                         bool unit_cotangent, CheckOptions options) {
  return GradientCheck(std::move(name), std::move(tensors), std::move(forward), std::move(backward),
                       unit_cotangent, std::move(options))
      .run();
}
#ifdef LONGHAND_SEPARATE
extern template GradientReport run_check<void>(std::string, std::vector<NamedTensor>,
                                               Objective::Forward, Subject::Backward, bool,
                                               CheckOptions);
#endif

}  // namespace longhand::detail
