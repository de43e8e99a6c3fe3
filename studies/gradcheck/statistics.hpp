// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "longhand/gradcheck/report.hpp"

namespace longhand::study {

/// Quantiles of many positive numbers, to 1/32 of a decade.
class Histogram {
 public:
  void add(double x, std::size_t times = 1) {
    count_ += times;
    largest_ = std::max(largest_, x);
    const double place = x > 0 ? (std::log10(x) + kDecadesBelowOne) * kPerDecade : 0;
    bins_[static_cast<std::size_t>(std::clamp(place, 0.0, kBins - 1.0))] += times;
  }
  std::size_t count() const { return count_; }
  double largest() const { return largest_; }
  /// Upper edge of the bin in which a share p of all numbers is reached.
  double quantile(double p) const {
    const double rank = p * static_cast<double>(count_);
    double seen = 0;
    for (std::size_t k = 0; k < bins_.size(); ++k) {
      seen += static_cast<double>(bins_[k]);
      if (seen >= rank && seen > 0)
        return std::min(largest_,
                        std::pow(10.0, static_cast<double>(k + 1) / kPerDecade - kDecadesBelowOne));
    }
    return largest_;
  }

 private:
  static constexpr double kDecadesBelowOne = 30, kPerDecade = 32, kBins = 60 * kPerDecade;
  std::array<std::size_t, static_cast<std::size_t>(kBins)> bins_{};
  std::size_t count_ = 0;
  double largest_ = 0;
};

/// How many cases had which verdict.
struct Tally {
  std::array<std::size_t, 6> of{};
  void add(Verdict v) { ++of[static_cast<std::size_t>(v)]; }
  std::size_t operator[](Verdict v) const { return of[static_cast<std::size_t>(v)]; }
  std::size_t total() const {
    std::size_t n = 0;
    for (const std::size_t k : of) n += k;
    return n;
  }
  std::size_t passed() const { return of[0] + of[1]; }
  /// NO_POWER and UNRESOLVED.
  std::size_t undecided() const { return of[2] + of[3]; }
  std::size_t rejected() const { return of[4] + of[5]; }
};

inline double percent(std::size_t part, std::size_t whole) {
  return whole == 0 ? 0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace longhand::study
