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

#include "longhand/gradcheck/diagnosis.hpp"
#include "longhand/gradcheck/difference.hpp"
#include "longhand/gradcheck/subject.hpp"

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
      measure_gradient_noise();
      difference_everything();
      find_scales();
      judge_here();
      judge_beside_kinks();
      locate_errors();
      judge_elsewhere();
      ask_dual_numbers();
      if (!objective_.is_at(home.point())) throw Refusal("forward changes its inputs");
      summarise();
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
  static constexpr double kEpsilon = std::numeric_limits<double>::epsilon();
  /// A bound is this many times the estimated error of the difference (docs/results.md tells how
  /// far the estimates are off in millions of entries) …
  static constexpr double kSafety = 8;
  /// … and this many roundings at the size of the tensor's gradient, for the gradient itself.
  static constexpr double kRoundings = 64;
  /// Beyond this many bounds, no error is blamed on the estimate any more.
  static constexpr double kBeyondDoubt = 32;
  /// A bound coarser than this beside the tensor's gradient proves nothing.
  static constexpr double kCoarsest = 1e-4;
  /// One coarser than this is worth a fresh point.
  static constexpr double kCoarse = 1e-6;
  /// A table finer than this beside the tensor's gradient may stop.
  static constexpr double kFineEnough = 0x1p-35;
  static constexpr int kFreshPoints = 16;
  /// Fresh points outside the bound, with no kink in sight, that make a failure.
  static constexpr int kStrikes = 2;
  static constexpr std::size_t kDirections = 3;
  /// Entries of one tensor for which a failure is proven one by one; it is enough then.
  static constexpr int kProven = 4;

  const std::vector<NamedTensor>& tensors() const { return subject_.tensors(); }

  // ---- measuring --------------------------------------------------------------------------------

  /// How exactly the gradient itself is computed: the noise of its entries on a short line.
  void measure_gradient_noise() {
    gradient_noise_.assign(tensors().size(), 0);
    const PointGuard home(objective_);
    subject_.move_a_little(0x1p-20);
    const Objective::Point centre = objective_.point();
    Objective::Point direction = centre;
    for (std::vector<double>& d : direction)
      for (double& x : d) x = kNoiseStep * random_.weight() * std::max(1.0, std::fabs(x));
    std::vector<TensorGradients> on_line;
    for (int p = 0; p < kNoisePoints; ++p) {
      Objective::Point moved = centre;
      for (std::size_t t = 0; t < moved.size(); ++t)
        for (std::size_t i = 0; i < moved[t].size(); ++i) moved[t][i] += p * direction[t][i];
      objective_.move_to(moved);
      on_line.push_back(subject_.gradient_here());
    }
    for (std::size_t t = 0; t < tensors().size(); ++t)
      for (std::size_t i = 0; i < tensors()[t].values.size(); ++i) {
        double values[kNoisePoints];
        for (std::size_t p = 0; p < kNoisePoints; ++p) values[p] = on_line[p].at(t)[i];
        const double noise = noise_of(values);
        if (std::isfinite(noise)) gradient_noise_[t] = std::max(gradient_noise_[t], noise);
      }
  }

  /// Every entry; of a large tensor a few directions over all its entries, its border, and a sample
  /// that includes the largest and the smallest gradients.
  void difference_everything() {
    for (std::size_t t = 0; t < tensors().size(); ++t) {
      const std::size_t n = tensors()[t].values.size();
      if (n <= options_.every_entry_up_to) {
        for (std::size_t i = 0; i < n; ++i) add(t, i, false, {{t, i, 1.0}});
      } else {
        for (std::size_t k = 0; k < kDirections; ++k) add(t, k, true, random_direction(t));
        for (const std::size_t i : sampled_entries(t)) add(t, i, false, {{t, i, 1.0}});
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
  /// Of unit length, no entry near 0.
  std::vector<Step> random_direction(std::size_t t) {
    std::vector<Step> steps;
    for (std::size_t i = 0; i < tensors()[t].values.size(); ++i)
      steps.push_back({t, i, random_.weight()});
    return unit(std::move(steps));
  }
  static std::vector<Step> unit(std::vector<Step> steps) {
    double squares = 0;
    for (const Step& s : steps) squares += s.weight * s.weight;
    for (Step& s : steps) s.weight /= std::sqrt(squares);
    return steps;
  }
  std::set<std::size_t> sampled_entries(std::size_t t) {
    constexpr std::size_t border = 4, random = 16;
    constexpr std::ptrdiff_t extreme = 4;
    const std::size_t rows = tensors()[t].row_count(), cols = tensors()[t].col_count(),
                      n = rows * cols;
    std::set<std::size_t> sample;
    for (std::size_t k = 0; k < border; ++k) {
      const std::size_t i = k * (rows - 1) / (border - 1), j = k * (cols - 1) / (border - 1);
      sample.insert({i, i + (cols - 1) * rows, j * rows, j * rows + rows - 1});
    }
    for (std::size_t k = 0; k < random; ++k) sample.insert(random_.below(n));
    std::vector<std::size_t> order(n);
    for (std::size_t i = 0; i < n; ++i) order[i] = i;
    const auto smaller = [&](std::size_t a, std::size_t b) {
      return std::fabs(analytic_.at(t)[a]) < std::fabs(analytic_.at(t)[b]);
    };
    std::nth_element(order.begin(), order.begin() + extreme, order.end(), smaller);
    sample.insert(order.begin(), order.begin() + extreme);
    std::nth_element(order.begin(), order.end() - extreme, order.end(), smaller);
    sample.insert(order.end() - extreme, order.end());
    return sample;
  }

  static double along(const TensorGradients& g, Line line) {
    long double sum = 0;
    for (const Step& s : line) sum += static_cast<long double>(g.at(s.tensor)[s.index]) * s.weight;
    return static_cast<double>(sum);
  }
  static double largest(std::span<const double> v) {
    double m = 0;
    for (const double x : v) m = std::max(m, std::fabs(x));
    return m;
  }

  // ---- judging ----------------------------------------------------------------------------------

  /// The size of each tensor's gradient, by the differences that are sure of themselves; where none
  /// is, by what is claimed.
  void find_scales() {
    scale_.assign(tensors().size(), 0);
    for (std::size_t k = 0; k < estimates_.size(); ++k) {
      double& scale = scale_[report_.entries[k].tensor];
      const double size = std::fabs(estimates_[k].value);
      if (std::isfinite(size) && kSafety * estimates_[k].error() < size)
        scale = std::max(scale, size);
    }
    for (std::size_t t = 0; t < scale_.size(); ++t)
      if (scale_[t] == 0) scale_[t] = largest(analytic_.at(t));
    largest_scale_ = largest(scale_);
  }
  double bound_of(std::size_t tensor, const Estimate& numeric) const {
    const double size = std::max(scale_[tensor], 1e-3 * largest_scale_);
    return kSafety * (numeric.error() + own_noise(tensor)) + kRoundings * kEpsilon * size;
  }
  /// The gradient's own rounding, measured.
  double own_noise(std::size_t tensor) const { return kNoiseFactor * gradient_noise_[tensor]; }
  /// The error that could hide, relative to the tensor's gradient. Nothing can where all is zero.
  double resolution_of(std::size_t tensor, double bound) const {
    if (largest_scale_ == 0) return 0;
    return bound / std::max(scale_[tensor], 1e-6 * largest_scale_);
  }

  /// Within a fine bound: passed. Outside, where the function is smooth and the error beyond doubt:
  /// failed. The rest is undecided.
  void judge_here() {
    std::vector<std::size_t> outside;
    for (std::size_t k = 0; k < report_.entries.size(); ++k) {
      CheckedEntry& e = report_.entries[k];
      e.bound = bound_of(e.tensor, estimates_[k]);
      e.resolution = resolution_of(e.tensor, e.bound);
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

  Sides sides(std::size_t k, double jump) {
    return compare_sides(objective_, steps_[k], kSafety, jump);
  }

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
    found.bound = bound_of(t, estimates_.back());
    found.resolution = resolution_of(t, found.bound);
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
    for (const AtKink& kink : accepted) {
      CheckedEntry& e = report_.entries[kink.entry];
      e.verdict = subgradient(kink) ? Verdict::kink_ok : Verdict::fail;
      if (e.verdict == Verdict::fail) e.analytic = kink.analytic, e.numeric = kink.numeric;
    }
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
          central_difference(objective_, steps_[k], kFineEnough * scale_[e.tensor]);
      CheckedEntry here = e;
      here.analytic = along(gradient, steps_[k]);
      here.numeric = numeric.value;
      here.bound = bound_of(e.tensor, numeric);
      here.resolution = resolution_of(e.tensor, here.bound);
      const bool fine = here.resolution <= kCoarsest;
      // Zero agrees with zero wherever a unit is dead: that proves nothing.
      const bool alive = std::fabs(here.analytic) > 4 * here.bound;
      if (!(here.ratio() <= 1)) {
        here.verdict = Verdict::fail;
        const Sides there = sides(k, here.error());
        strikes_[k] += there == Sides::unclear;
        if (there == Sides::agree || strikes_[k] == kStrikes)
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
        if (alive && here.resolution < e.resolution) {
          if (e.verdict == Verdict::no_power && fine) e.verdict = Verdict::kink_ok;
          e.resolution = here.resolution;
        }
        if (!(e.resolution <= kCoarse)) still.push_back(k);
      }
    }
    undecided_ = std::move(still);
  }

  /// Whether the gradient given at the kink itself lies between the slopes on its two sides. Where
  /// several kinks meet, the chain rule need not give such a slope: then nothing is held against
  /// it.
  bool subgradient(const AtKink& kink) {
    const CheckedEntry& e = report_.entries[kink.entry];
    if (e.direction) return true;
    const Estimate right = one_sided_difference(objective_, steps_[kink.entry], 1),
                   left = one_sided_difference(objective_, steps_[kink.entry], -1);
    const double slack = kSafety * (right.error() + left.error()) + e.bound;
    if (kink.analytic >= std::min(right.value, left.value) - slack &&
        kink.analytic <= std::max(right.value, left.value) + slack)
      return true;
    if (nearby_.empty())
      for (int k = 0; k < kFreshPoints; ++k) {
        const PointGuard home(objective_);
        subject_.move_a_little(0x1p-16);
        nearby_.push_back(subject_.gradient_here());
      }
    std::vector<double> slopes;
    for (const TensorGradients& g : nearby_) slopes.push_back(g.at(e.tensor)[e.index]);
    std::sort(slopes.begin(), slopes.end());
    int distinct = 1;
    for (std::size_t k = 1; k < slopes.size(); ++k)
      distinct += slopes[k] - slopes[k - 1] > 1e-3 * scale_[e.tensor];
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
      std::vector<Step> steps;
      for (std::size_t t = 0; t < tensors().size(); ++t)
        for (std::size_t i = 0; i < tensors()[t].values.size(); ++i)
          steps.push_back({t, i, random_.weight()});
      steps = unit(std::move(steps));
      const Estimate numeric = central_difference(objective_, steps, 0);
      const double analytic = along(gradient, steps);
      const double bound = bound_of(largest_tensor(), numeric);
      const double error = std::fabs(analytic - numeric.value);
      if (error <= bound) {
        decided = std::fabs(analytic) > 4 * bound;
        continue;
      }
      const Sides sides = compare_sides(objective_, steps, kSafety, error);
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
  std::size_t largest_tensor() const {
    return static_cast<std::size_t>(std::max_element(scale_.begin(), scale_.end()) -
                                    scale_.begin());
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
        const std::vector<Step> steps = random_direction(t);
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
        e.verdict = Verdict::fail;
        located = true;
      }
      if (located || !kinks) dual_disagrees_.insert(t);
    }
  }
  /// Roundings of both; where the gradient is zero in all digits (a saturated unit), what the
  /// differences could see.
  double dual_bound(std::size_t t) const {
    const double size = std::max(scale_[t], 1e-3 * largest_scale_);
    double bound = 4 * kRoundings * kEpsilon * size + kSafety * own_noise(t);
    for (const CheckedEntry& e : report_.entries)
      if (scale_[t] == 0 && e.tensor == t) bound = std::max(bound, e.bound);
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

  // ---- the report -------------------------------------------------------------------------------

  void summarise() {
    report_.verdict = Verdict::pass;
    std::vector<std::vector<double>> numeric_of(tensors().size());
    for (std::size_t t = 0; t < tensors().size(); ++t) {
      CheckedTensor tensor;
      tensor.name = tensors()[t].name;
      tensor.rows = tensors()[t].row_count(), tensor.cols = tensors()[t].col_count();
      for (const CheckedEntry& e : report_.entries) {
        if (e.tensor != t) continue;
        (e.direction ? tensor.directions : tensor.checked) += 1;
        if (!e.direction) numeric_of[t].push_back(e.numeric);
        const bool first = tensor.checked + tensor.directions == 1;
        if (first || e.verdict > tensor.worst.verdict ||
            (e.verdict == tensor.worst.verdict && e.ratio() > tensor.worst.ratio()))
          tensor.worst = e;
        tensor.verdict = std::max(tensor.verdict, e.verdict);
        tensor.resolution = std::max(tensor.resolution, e.resolution);
      }
      tensor.dual_disagrees = dual_disagrees_.count(t) > 0;
      if (tensor.dual_disagrees) tensor.verdict = Verdict::fail;
      if (numeric_of[t].size() < tensors()[t].values.size()) numeric_of[t].clear();
      report_.verdict = std::max(report_.verdict, tensor.verdict);
      report_.resolution = std::max(report_.resolution, tensor.resolution);
      report_.tensors.push_back(std::move(tensor));
    }
    for (std::size_t t = 0; t < tensors().size(); ++t)
      report_.tensors[t].diagnosis = diagnose(t, numeric_of);
  }

  std::string diagnose(std::size_t t, const std::vector<std::vector<double>>& numeric_of) const {
    const CheckedTensor& tensor = report_.tensors[t];
    if (tensors()[t].values.empty()) return "empty";
    if (passes(tensor.verdict))
      return scale_[t] == 0 && largest(analytic_.at(t)) == 0 ? "zero, confirmed" : "";
    if (tensor.verdict == Verdict::no_power)
      return "the differences are too coarse to prove anything (noise, or kinks everywhere)";
    if (tensor.verdict == Verdict::unresolved) return "a kink, and no smooth point beside it";
    if (tensor.dual_disagrees && tensor.worst.ratio() <= 1)
      return "within the differences' bound, but dual numbers disagree";
    Suspect suspect;
    suspect.tensor = t;
    suspect.complete = !numeric_of[t].empty();
    for (const CheckedEntry& e : report_.entries) {
      if (e.tensor != t || e.direction) continue;
      suspect.index.push_back(e.index);
      suspect.analytic.push_back(e.analytic), suspect.numeric.push_back(e.numeric);
      suspect.bound.push_back(e.bound);
    }
    return Diagnosis(tensors(), numeric_of).of(suspect);
  }

  CheckOptions options_;
  Random random_;
  Subject subject_;
  Objective& objective_ = subject_.objective;
  GradientReport report_;
  TensorGradients analytic_{{}};
  std::vector<double> gradient_noise_, scale_;  // per tensor
  double largest_scale_ = 0;
  std::vector<std::vector<Step>> steps_;  // beside report_.entries
  std::vector<Estimate> estimates_;       // beside report_.entries
  std::vector<std::size_t> undecided_;
  std::vector<int> strikes_;             // beside report_.entries
  std::vector<TensorGradients> nearby_;  // gradients around the base, where kinks meet
  std::set<std::size_t> dual_disagrees_;
  std::size_t dual_evaluations_ = 0;
};

}  // namespace longhand::detail
