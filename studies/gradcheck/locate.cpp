// SPDX-License-Identifier: MIT
#include "locate.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <vector>

#include "draw.hpp"
#include "longhand/gradcheck/check_gradient.hpp"

namespace longhand::study {

namespace {

/// Counts derivatives by watching where forward is called: calls in a row on one line, on both
/// sides of the base, are one derivative. (Lines on which noise is measured keep to one side.)
class DerivativeCounter {
 public:
  explicit DerivativeCounter(std::vector<double> base) : base_(std::move(base)) {}

  void see(const std::vector<double>& here) {
    std::size_t moved = 0, first = 0, last = 0;
    for (std::size_t i = 0; i < here.size(); ++i)
      if (here[i] != base_[i]) {
        if (moved == 0) first = i;
        ++moved, last = i;
      }
    if (moved == 0) return;
    const double step = here[first] - base_[first];
    const double slope = (here[last] - base_[last]) / step;
    const bool same = moved == moved_ && first == first_ && last == last_ &&
                      std::fabs(slope - slope_) <= 1e-3 * std::fabs(slope_);
    if (!same) left_ = right_ = counted_ = false;
    (step < 0 ? left_ : right_) = true;
    moved_ = moved, first_ = first, last_ = last, slope_ = slope;
    if (!left_ || !right_ || counted_) return;
    counted_ = true;
    ++(moved == 1 ? single : directional);
  }

  std::size_t single = 0;       ///< of one entry
  std::size_t directional = 0;  ///< of many at once

 private:
  std::vector<double> base_;
  std::size_t moved_ = 0, first_ = 0, last_ = 0;
  double slope_ = 0;
  bool left_ = false, right_ = false, counted_ = false;
};

}  // namespace

bool run_locate(std::size_t rows, std::size_t cols, std::size_t times, std::uint64_t first_seed) {
  std::printf("One wrong entry among %zu (%zu x %zu)\n", rows * cols, rows, cols);
  std::size_t found = 0, most = 0;
  for (std::uint64_t seed = first_seed; seed < first_seed + times; ++seed) {
    Draw draw(seed);
    const std::size_t n = rows * cols, wrong = draw.below(n);
    std::vector<double> x(n), w(n);
    for (double& v : x) v = draw.normal();
    for (double& v : w) v = draw.normal();
    DerivativeCounter counter(x);
    // One output per row: the sum of w (x + x^2 / 4) over its entries.
    const auto forward = [&] {
      counter.see(x);
      std::vector<double> y(rows);
      for (std::size_t k = 0; k < n; ++k) y[k % rows] += w[k] * x[k] * (1 + 0.25 * x[k]);
      return y;
    };
    const auto backward = [&](Cotangent dy, TensorGradients& g) {
      const std::span<double> dx = g["x"];
      for (std::size_t k = 0; k < n; ++k) dx[k] = dy[k % rows] * w[k] * (1 + 0.5 * x[k]);
      dx[wrong] += 0.1;
    };
    const GradientReport report =
        check_gradient("large", {{"x", x, rows}}, forward, backward, {.seed = seed});
    const bool named =
        std::any_of(report.entries.begin(), report.entries.end(), [&](const CheckedEntry& e) {
          return !e.direction && e.index == wrong && e.verdict == Verdict::fail;
        });
    found += named && report.verdict == Verdict::fail;
    most = std::max(most, counter.directional);
    std::printf(
        "  [%zu,%zu] %s: %zu directional derivatives, %zu of single entries, %zu "
        "evaluations\n",
        wrong % rows, wrong / rows, named ? "named" : "NOT named", counter.directional,
        counter.single, report.evaluations);
  }
  std::printf("  %zu of %zu named, at most %zu directional derivatives\n\n", found, times, most);
  return found == times;
}

}  // namespace longhand::study
