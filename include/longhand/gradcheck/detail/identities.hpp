// SPDX-License-Identifier: MIT
// What every backward owes its caller, whatever it computes: identities of the adjoint and
// contracts about buffers. No differences are needed. docs/gradient_checking.md.
#pragma once
#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include "longhand/gradcheck/detail/bounds.hpp"
#include "longhand/gradcheck/detail/noise.hpp"
#include "longhand/gradcheck/detail/part_trial.hpp"
#include "longhand/gradcheck/rounding_bound.hpp"

namespace longhand::detail {

/// Checks a part on one batch, one identity after the other; throws Broken at the first that does
/// not hold. What holds exactly is compared exactly; where sums are taken in another order, within
/// a bound of the rounding (see find_bounds).
class Identities {
 public:
  Identities(const Part& part, std::size_t batch, Random& random)
      : trial_(part), part_(part), data_(part, batch, random), other_(part, batch, random) {}

  void check() {
    base_ = trial_.run(data_);
    require_assigned(base_);
    if (data_.size == 0) return check_empty();
    check_zero();
    check_scaling();
    find_bounds();
    check_sum_over_rows();
    if (part_.independent_samples) {
      check_sum_over_samples();
      check_order_of_samples();
    }
    check_gaps();
    check_cache();
    check_writing();
  }

 private:
  using Gradients = std::vector<std::vector<double>>;

  void require_assigned(const Outcome& o) const {
    for (std::size_t t = 0; t < o.gradients.size(); ++t)
      for (const double g : o.gradients[t])
        if (!std::isfinite(g))
          throw Broken("the gradient of '" + trial_.names()[t] +
                       "' is not finite: backward must assign all of it, over whatever was there");
  }

  /// An empty batch has no outputs, and its parameters have a gradient of 0.
  void check_empty() const {
    for (std::size_t t = 0; t < base_.gradients.size(); ++t)
      for (const double g : base_.gradients[t])
        if (g != 0) throw Broken("the gradient of '" + trial_.names()[t] + "' is not 0");
  }

  /// dy = 0 gives exactly 0.
  void check_zero() const {
    PartData zero = data_;
    std::fill(zero.dy.begin(), zero.dy.end(), 0.0);
    const Outcome o = trial_.run(zero);
    for (std::size_t t = 0; t < o.gradients.size(); ++t)
      for (const double g : o.gradients[t])
        if (g != 0)
          throw Broken("backward of a zero gradient is not zero, but " + number(g) + " in '" +
                       trial_.names()[t] + "'");
  }

  /// B(-2 dy) = -2 B(dy), to the bit: -2 is exact in binary.
  void check_scaling() const {
    PartData scaled = data_;
    for (double& d : scaled.dy) d *= -2;
    Gradients want = base_.gradients;
    for (std::vector<double>& g : want)
      for (double& v : g) v *= -2;
    require_equal(trial_.run(scaled).gradients, want, exactly(),
                  "backward is not linear: of -2 dy it is not -2 times that of dy");
  }

  /// How far rounding may move an entry of each gradient when a sum is taken in another order.
  /// gamma_n bounds the error of sums of n products relative to the sizes of their terms (Higham,
  /// Accuracy and Stability of Numerical Algorithms, ch. 3); n is all numbers that take part, the
  /// sizes are those of the output rows' shares, each alone. What a part cancels inside is not seen
  /// from outside: it is measured, as the noise of the gradient along a line of dy.
  void find_bounds() {
    std::size_t count = data_.dy.size();
    for (const std::vector<double>& in : data_.inputs) count += in.size();
    for (const NamedTensor& t : part_.parameters) count += t.values.size();
    gamma_ = gamma_bound<double>(count);
    shares_.clear();
    for (std::size_t i = 0; i < part_.outputs; ++i) {
      PartData alone = data_;
      for (std::size_t e = 0; e < alone.dy.size(); ++e)
        if (e % part_.outputs != i) alone.dy[e] = 0;
      shares_.push_back(trial_.run(alone).gradients);
    }
    const std::vector<double> noise = measured_noise();
    size_.assign(base_.gradients.size(), 0), bound_.clear();
    for (std::size_t t = 0; t < size_.size(); ++t) {
      for (std::size_t e = 0; e < base_.gradients[t].size(); ++e) {
        double size = 0;
        for (const Gradients& share : shares_) size += std::fabs(share[t][e]);
        size_[t] = std::max(size_[t], size);
      }
      const double own = kNoiseFactor * noise[t] * std::sqrt(static_cast<double>(count));
      bound_.push_back(2 * (gamma_ * size_[t] + own));  // both sides of a comparison are rounded
    }
  }
  /// Standard deviation of the rounding, the largest of each gradient.
  std::vector<double> measured_noise() const {
    std::vector<Gradients> line;
    PartData moved = data_;
    for (int p = 0; p < kNoisePoints; ++p) {
      for (std::size_t e = 0; e < moved.dy.size(); ++e)
        moved.dy[e] = data_.dy[e] + p * kShortest.step * other_.dy[e];
      line.push_back(trial_.run(moved).gradients);
    }
    std::vector<double> noise(base_.gradients.size(), 0);
    for (std::size_t t = 0; t < noise.size(); ++t)
      for (std::size_t e = 0; e < base_.gradients[t].size(); ++e) {
        double values[kNoisePoints];
        for (std::size_t p = 0; p < kNoisePoints; ++p) values[p] = line[p][t][e];
        noise[t] = std::max(noise[t], noise_of(values));
      }
    return noise;
  }

  /// B(dy) is the sum of B over the rows of dy, each alone.
  void check_sum_over_rows() const {
    Gradients sum = shares_.front();
    for (std::size_t i = 1; i < shares_.size(); ++i) add(sum, shares_[i]);
    require_equal(
        sum, base_.gradients, bound_,
        "backward is not linear: the output rows' shares, each alone, add up to something "
        "else");
  }

  /// Each sample alone gives its own columns, and the gradient of a batch is the sum.
  void check_sum_over_samples() const {
    Gradients sum;
    for (std::size_t j = 0; j < data_.size; ++j) {
      const Outcome one = trial_.run(data_.columns(part_, {j}));
      if (j == 0) {
        sum = one.gradients;
        continue;
      }
      for (std::size_t t = 0; t < sum.size(); ++t)
        if (t < trial_.first_parameter())
          sum[t].insert(sum[t].end(), one.gradients[t].begin(), one.gradients[t].end());
        else
          add(sum[t], one.gradients[t]);
    }
    require_equal(sum, base_.gradients, bound_,
                  "the gradient of a batch is not the sum over its samples");
  }

  /// Another order of the samples is the same order of their gradients.
  void check_order_of_samples() const {
    const std::size_t n = data_.size;
    std::vector<std::size_t> order;
    for (std::size_t j = 0; j < n; ++j) order.push_back((j + 1) % n);
    const Outcome moved = trial_.run(data_.columns(part_, order));
    Gradients want = base_.gradients;
    for (std::size_t t = 0; t < trial_.first_parameter(); ++t) {
      const std::size_t rows = want[t].size() / n;
      for (std::size_t j = 0; j < n; ++j)
        std::copy_n(base_.gradients[t].begin() + static_cast<std::ptrdiff_t>(order[j] * rows), rows,
                    want[t].begin() + static_cast<std::ptrdiff_t>(j * rows));
    }
    require_equal(moved.gradients, want, bound_,
                  "the order of the samples in a batch changes their gradients");
  }

  void check_gaps() const {
    require_equal(trial_.run(data_, {.gap = 3}).gradients, base_.gradients, bound_,
                  "matrices with gaps between their columns (ld > rows) give other gradients");
  }

  /// Backward reads the cache of its own forward, and leaves it as it was.
  void check_cache() const {
    require_equal(trial_.run(data_, {.between = &other_}).gradients, base_.gradients, exactly(),
                  "a forward on other data in between changes the gradient: it must come from the "
                  "cache of the matching forward");
    if (!part_.adds) return;
    Gradients doubled = base_.gradients;
    for (std::size_t t = trial_.first_parameter(); t < doubled.size(); ++t)
      for (double& g : doubled[t]) g *= 2;
    require_equal(trial_.run(data_, {.backwards = 2}).gradients, doubled, bound_,
                  "backward twice must give the same gradient of the inputs, and twice that of the "
                  "parameters");
  }

  void check_writing() const {
    if (part_.adds && !part_.parameters.empty()) {
      constexpr double before = 9;
      Gradients want = base_.gradients;
      std::vector<double> bounds = bound_;
      for (std::size_t t = trial_.first_parameter(); t < want.size(); ++t) {
        for (double& g : want[t]) g += before;
        bounds[t] += 2 * gamma_ * (before + size_[t]);
      }
      const Manner add_up{.write = GradientWrite::add, .add_to = before};
      require_equal(trial_.run(data_, add_up).gradients, want, bounds,
                    "the gradient of the parameters must be added to what is there");
    }
    if (!part_.freezes) return;
    Gradients frozen = trial_.run(data_, {.write = GradientWrite::none}).gradients;
    for (std::size_t t = trial_.first_parameter(); t < frozen.size(); ++t) {
      for (const double g : frozen[t])
        if (!std::isnan(g))
          throw Broken("parameters are frozen, but '" + trial_.names()[t] + "' got a gradient");
      frozen[t] = base_.gradients[t];
    }
    require_equal(frozen, base_.gradients, exactly(),
                  "frozen parameters change the gradient of the inputs");
    if (trial_.first_parameter() == 0 || part_.parameters.empty()) return;
    Gradients unwanted = trial_.run(data_, {.dinputs = false}).gradients;
    for (std::size_t t = 0; t < trial_.first_parameter(); ++t) unwanted[t] = base_.gradients[t];
    require_equal(unwanted, base_.gradients, exactly(),
                  "leaving out the gradient of the inputs changes that of the parameters");
  }

  // ---- comparing --------------------------------------------------------------------------------

  std::vector<double> exactly() const { return std::vector<double>(base_.gradients.size(), 0); }

  void require_equal(const Gradients& got, const Gradients& want, const std::vector<double>& bounds,
                     const std::string& otherwise) const {
    for (std::size_t t = 0; t < want.size(); ++t)
      for (std::size_t e = 0; e < want[t].size(); ++e) {
        if (std::fabs(got[t][e] - want[t][e]) <= bounds[t]) continue;
        const std::size_t columns = t < trial_.first_parameter() ? data_.size : columns_of(t);
        const std::size_t rows = want[t].size() / std::max<std::size_t>(columns, 1);
        throw Broken(otherwise + ": " + trial_.names()[t] + place_in(rows, columns, e) + " is " +
                     number(got[t][e]) + ", expected " + number(want[t][e]) + " to within " +
                     number(bounds[t]));
      }
  }
  std::size_t columns_of(std::size_t t) const {
    return part_.parameters[t - trial_.first_parameter()].col_count();
  }
  static void add(std::vector<double>& to, const std::vector<double>& more) {
    for (std::size_t e = 0; e < to.size(); ++e) to[e] += more[e];
  }
  static void add(Gradients& to, const Gradients& more) {
    for (std::size_t t = 0; t < to.size(); ++t) add(to[t], more[t]);
  }
  static std::string number(double x) {
    std::ostringstream out;
    out.precision(17);
    out << x;
    return out.str();
  }

  PartTrial trial_;
  const Part& part_;
  PartData data_, other_;
  Outcome base_;
  std::vector<Gradients> shares_;  // of B(dy), by row of dy
  double gamma_ = 0;
  std::vector<double> size_, bound_;  // per gradient
};

/// All identities and contracts, on one batch; throws Broken. A template for the same reason as
/// run_check.
template <class = void>
void check_identities(const Part& part, std::size_t batch, Random& random) {
  Identities(part, batch, random).check();
}
#ifdef LONGHAND_SEPARATE
extern template void check_identities<void>(const Part&, std::size_t, Random&);
#endif

}  // namespace longhand::detail
