// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "longhand/gradcheck/report.hpp"
#include "longhand/gradcheck/tensors.hpp"

namespace longhand::detail {

/// One wrong gradient beside the differences, entry by entry (all entries of the tensor, or those
/// that were sampled, in the same order).
struct Suspect {
  std::size_t tensor = 0;
  std::vector<std::size_t> index;         ///< of the entries below, ascending
  std::vector<double> analytic, numeric;  ///< numeric is NaN where it is not known here
  std::vector<double> bound;
  bool complete = false;  ///< every entry of the tensor is here
};

/// Names what an error looks like: a wrong sign, a missing factor, a transposed matrix, a dropped
/// row, the gradient of another tensor, a missing term. A guess for people, never part of a
/// verdict.
class Diagnosis {
 public:
  /// `numeric_of[t]`: the differences of tensor t if all its entries were differenced, else empty.
  Diagnosis(const std::vector<NamedTensor>& tensors,
            const std::vector<std::vector<double>>& numeric_of)
      : tensors_(tensors), numeric_of_(numeric_of) {}

  std::string of(const Suspect& s) const {
    std::size_t wrong = 0, at = 0;
    for (std::size_t k = 0; k < s.index.size(); ++k)
      if (!within(s, k, s.analytic[k], s.numeric[k])) ++wrong, at = k;
    if (wrong == 0) return "";
    for (const auto& look :
         {&Diagnosis::constant_factor, &Diagnosis::transposed, &Diagnosis::shifted,
          &Diagnosis::missing_line, &Diagnosis::other_tensor, &Diagnosis::parallel_term}) {
      const std::string found = (this->*look)(s);
      if (!found.empty()) return found;
    }
    std::ostringstream out;
    if (wrong == 1 && s.index.size() > 1) {
      out << "only " << place(s, s.index[at]) << " is wrong";
    } else {
      out << wrong << " of " << s.index.size() << " entries are wrong, no simple pattern";
    }
    return out.str();
  }

 private:
  static bool within(const Suspect& s, std::size_t k, double a, double n) {
    return !(std::fabs(a - n) > s.bound[k]);  // what is not known fits every pattern
  }
  static double largest(std::span<const double> v) {
    double m = 0;
    for (const double x : v)
      if (std::isfinite(x)) m = std::max(m, std::fabs(x));
    return m;
  }
  std::string place(const Suspect& s, std::size_t index) const {
    const NamedTensor& t = tensors_[s.tensor];
    return place_in(t.row_count(), t.col_count(), index);
  }

  /// a = c n for one c: the factor that is missing or too many.
  std::string constant_factor(const Suspect& s) const {
    double c = 0, size = 0;
    for (std::size_t k = 0; k < s.index.size(); ++k)
      if (std::fabs(s.numeric[k]) > size)
        size = std::fabs(s.numeric[k]), c = s.analytic[k] / s.numeric[k];
    if (size == 0 || !std::isfinite(c)) return "";
    std::size_t agree = 0, matter = 0;
    for (std::size_t k = 0; k < s.index.size(); ++k) {
      // Both sides carry the bound's error; c carries that of its own entry.
      const double slack =
          (1 + std::fabs(c)) * 2 * s.bound[k] + 1e-6 * std::fabs(c - 1) * std::fabs(s.numeric[k]);
      if (std::fabs(s.analytic[k] - c * s.numeric[k]) > slack) return "";
      agree += !std::isnan(s.numeric[k]);
      if (std::fabs(s.numeric[k]) > s.bound[k]) ++matter;
    }
    if (matter < 2 && s.index.size() > 1 && c != 0) return "";
    std::ostringstream out;
    if (c == 0) {
      out << "zero everywhere: the gradient never arrives here";
    } else {
      out.precision(8);
      out << "ratio " << c << " constant (" << agree << "/" << s.index.size() << ") -> "
          << factor(c);
    }
    return out.str();
  }
  std::string factor(double c) const {
    const auto is = [&](double x) { return std::fabs(c - x) <= 1e-6 * std::fabs(x); };
    if (is(-1)) return "wrong sign";
    const std::string sign = c < 0 ? "wrong sign and " : "";
    c = std::fabs(c);
    for (const NamedTensor& t : tensors_) {  // a batch size is a number of columns
      const double n = static_cast<double>(t.col_count());
      if (n > 2 && is(1 / n))
        return sign + "factor " + whole(n) + " missing (divided by the columns of " + t.name + "?)";
      if (n > 2 && is(n))
        return sign + "factor " + whole(n) + " too many (the columns of " + t.name + "?)";
    }
    for (int k = 2; k <= 1024; ++k) {
      if (is(1.0 / k)) return sign + "factor " + whole(k) + " missing";
      if (is(k)) return sign + "factor " + whole(k) + " too many";
    }
    return sign + "one constant factor is wrong";
  }
  static std::string whole(double n) { return std::to_string(static_cast<long>(n)); }

  std::string transposed(const Suspect& s) const {
    const NamedTensor& t = tensors_[s.tensor];
    const std::size_t rows = t.row_count(), cols = t.col_count();
    if (!s.complete || rows < 2 || cols < 2) return "";
    for (std::size_t k = 0; k < s.index.size(); ++k) {
      const std::size_t i = k % rows, j = k / rows;
      if (!within(s, k, s.analytic[k], s.numeric[i * cols + j])) return "";
    }
    return "transposed";
  }

  std::string shifted(const Suspect& s) const {
    if (!s.complete || s.index.size() < 3) return "";
    const NamedTensor& t = tensors_[s.tensor];
    const auto n = static_cast<std::ptrdiff_t>(s.index.size());
    const auto rows = static_cast<std::ptrdiff_t>(t.row_count());
    for (const auto& [by, what] :
         {std::pair<std::ptrdiff_t, const char*>{1, "one entry"}, {rows, "one column"}}) {
      if (by >= n) continue;
      for (const std::ptrdiff_t sign : {1, -1}) {
        bool all = true;
        for (std::ptrdiff_t k = 0; k < n && all; ++k) {
          const std::ptrdiff_t from = k - sign * by;
          if (from < 0 || from >= n) continue;
          all = within(s, static_cast<std::size_t>(k), s.analytic[static_cast<std::size_t>(k)],
                       s.numeric[static_cast<std::size_t>(from)]);
        }
        if (all) return std::string("shifted by ") + what + " (off by one)";
      }
    }
    return "";
  }

  /// All wrong entries lie in one row or column, the first or the last.
  std::string missing_line(const Suspect& s) const {
    const NamedTensor& t = tensors_[s.tensor];
    const std::size_t rows = t.row_count(), cols = t.col_count();
    if (rows * cols < 2) return "";
    bool zero = true;
    std::size_t low_row = rows, high_row = 0, low_col = cols, high_col = 0;
    for (std::size_t k = 0; k < s.index.size(); ++k) {
      if (within(s, k, s.analytic[k], s.numeric[k])) continue;
      zero = zero && s.analytic[k] == 0;
      const std::size_t i = s.index[k] % rows, j = s.index[k] / rows;
      low_row = std::min(low_row, i), high_row = std::max(high_row, i);
      low_col = std::min(low_col, j), high_col = std::max(high_col, j);
    }
    const std::string what = zero ? " dropped (off by one)" : " is wrong";
    if (low_row == high_row && rows > 1 && (low_row == rows - 1 || low_row == 0))
      return std::string(low_row == 0 ? "first" : "last") + (cols > 1 ? " row" : " entry") + what;
    if (low_col == high_col && cols > 1 && (low_col == cols - 1 || low_col == 0))
      return std::string(low_col == 0 ? "first" : "last") + " column" + what;
    return "";
  }

  std::string other_tensor(const Suspect& s) const {
    if (!s.complete) return "";
    for (std::size_t o = 0; o < numeric_of_.size(); ++o) {
      if (o == s.tensor || numeric_of_[o].size() != s.index.size()) continue;
      bool all = true;
      for (std::size_t k = 0; k < s.index.size() && all; ++k)
        all = within(s, k, s.analytic[k], numeric_of_[o][k]);
      if (all) return "this is the gradient of " + tensors_[o].name;
    }
    return "";
  }

  /// a - n = c b for a tensor b of this size: a term that was dropped, or one too many.
  std::string parallel_term(const Suspect& s) const {
    if (!s.complete || s.index.size() < 3) return "";
    std::vector<double> gap(s.index.size());
    for (std::size_t k = 0; k < gap.size(); ++k) gap[k] = s.analytic[k] - s.numeric[k];
    const auto factor_of = [&](std::span<const double> b) {
      const double size = largest(b);
      if (b.size() != gap.size() || size == 0) return 0.0;
      double gb = 0, bb = 0;
      for (std::size_t k = 0; k < gap.size(); ++k)
        if (!std::isnan(gap[k]) && !std::isnan(b[k])) gb += gap[k] * b[k], bb += b[k] * b[k];
      if (bb == 0) return 0.0;
      const double c = gb / bb;
      for (std::size_t k = 0; k < gap.size(); ++k)
        if (std::fabs(gap[k] - c * b[k]) > 4 * s.bound[k] + 1e-6 * std::fabs(c) * size) return 0.0;
      return c;
    };
    const auto say = [](double c, const std::string& what) {
      std::ostringstream out;
      out.precision(6);
      out << "analytic - numeric = " << c << " x " << what << " -> a term parallel to " << what
          << (c < 0 ? " was dropped" : " is too many");
      return out.str();
    };
    for (const NamedTensor& t : tensors_)
      if (const double c = factor_of(t.values); c != 0) return say(c, t.name);
    const std::vector<double> ones(gap.size(), 1.0);
    if (const double c = factor_of(ones); c != 0) {
      std::ostringstream out;
      out.precision(6);
      out << "analytic - numeric = " << c << " everywhere: a constant term "
          << (c < 0 ? "was dropped" : "is too many");
      return out.str();
    }
    for (std::size_t o = 0; o < numeric_of_.size(); ++o)
      if (o != s.tensor && numeric_of_[o].size() == gap.size())
        if (const double c = factor_of(numeric_of_[o]); c != 0)
          return say(c, "the gradient of " + tensors_[o].name);
    return "";
  }

  const std::vector<NamedTensor>& tensors_;
  const std::vector<std::vector<double>>& numeric_of_;
};

}  // namespace longhand::detail
