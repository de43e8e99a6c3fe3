// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>

namespace longhand::detail {

/// A derivative with what is known about its error.
struct Estimate {
  double value = 0;
  double truncation = std::numeric_limits<double>::infinity();  ///< of the series, read off a table
  double rounding = 0;                                          ///< of the function, measured

  double error() const { return truncation + rounding; }
};

/// Richardson's extrapolation of difference quotients at halved steps (Ridders 1982), with both
/// errors of every entry of the table. docs/gradient_checking.md, section 2.
///
/// An entry's truncation is how far it lies from its two neighbours, and from the same column of
/// every later row: two columns may agree by chance, the next row then does not.
class RichardsonTable {
 public:
  static constexpr std::size_t kRows = 24;  // steps first, first / 2, … first / 2^23
  static constexpr std::size_t kColumns =
      8;  // rows further back than this are forgotten (a kink there)

  /// `ratio`: what halving the step divides the first error term by. 4 for central quotients, whose
  /// error is a series in h^2, 2 for one-sided ones.
  explicit RichardsonTable(double ratio) : ratio_(ratio) {}

  /// The quotient at the next step, and the rounding error in it.
  void add(double quotient, double rounding) {
    const std::array<Entry, kColumns> above = row_;
    row_[0] = {quotient, rounding};
    const std::size_t last = std::min(++rows_ - 1, kColumns - 1);
    double power = 1;
    Estimate best = best_;
    std::size_t column_of_best = 0;
    for (std::size_t c = 1; c <= last; ++c) {
      power *= ratio_;
      const Entry& left = row_[c - 1];
      const Entry& corner = above[c - 1];
      row_[c] = {(power * left.value - corner.value) / (power - 1),
                 (power * left.rounding + corner.rounding) / (power - 1)};
      if (c == best_column_) confirm(row_[c]);
      const Estimate e{
          row_[c].value,
          std::max(std::fabs(row_[c].value - left.value), std::fabs(row_[c].value - corner.value)),
          row_[c].rounding};
      if (e.error() < best.error()) best = e, column_of_best = c;
    }
    if (column_of_best > 0 && best.error() < best_.error()) {
      best_ = best;
      best_rows_ = rows_;
      best_column_ = column_of_best;
    }
  }

  /// Whether more rows would not help: the best entry is limited by rounding, or finer than
  /// `enough`, and a later row has confirmed it.
  bool settled(double enough) const {
    return rows_ >= 4 && best_rows_ > 0 && best_rows_ < rows_ &&
           (best_.truncation <= best_.rounding || best_.error() <= enough);
  }
  bool full() const { return rows_ == kRows; }
  const Estimate& best() const { return best_; }

 private:
  struct Entry {
    double value = 0, rounding = 0;
  };

  void confirm(const Entry& later) {
    best_.truncation =
        std::max(best_.truncation, std::fabs(later.value - best_.value) - later.rounding);
  }

  double ratio_;
  std::array<Entry, kColumns> row_{};
  std::size_t rows_ = 0;
  Estimate best_;
  std::size_t best_rows_ = 0;    ///< how many there were then; 0: there is no best one yet
  std::size_t best_column_ = 0;  ///< likewise
};

}  // namespace longhand::detail
