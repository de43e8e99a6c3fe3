// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstring>
#include <limits>
#include <vector>

#include "longhand/gradcheck/part.hpp"

namespace longhand::detail {

/// A matrix inside a larger array: its columns lie `gap` numbers apart, and everything around and
/// between them is a NaN that must survive. Born full of the same NaN.
class Guarded {
 public:
  Guarded() = default;
  Guarded(std::size_t rows, std::size_t cols, std::size_t gap)
      : rows_(rows),
        cols_(cols),
        ld_(std::max<std::size_t>(rows + gap, 1)),
        memory_(ld_ * cols + 2 * kBand, std::numeric_limits<double>::quiet_NaN()) {}
  Guarded(const std::vector<double>& values, std::size_t rows, std::size_t cols, std::size_t gap)
      : Guarded(rows, cols, gap) {
    for (std::size_t j = 0; j < cols; ++j)
      std::copy_n(values.begin() + static_cast<std::ptrdiff_t>(j * rows), rows,
                  matrix().data + j * ld_);
    given_ = memory_;
  }

  PartMatrix matrix() { return {memory_.data() + kBand, rows_, cols_, ld_}; }
  /// All columns, one after the other.
  std::vector<double> flat() const {
    std::vector<double> all;
    for (std::size_t j = 0; j < cols_; ++j)
      for (std::size_t i = 0; i < rows_; ++i) all.push_back(memory_[kBand + i + j * ld_]);
    return all;
  }
  /// Whether nothing outside the matrix was written, bit by bit.
  bool intact_around() const {
    const double guard = std::numeric_limits<double>::quiet_NaN();
    for (std::size_t k = 0; k < memory_.size(); ++k) {
      const bool inside = k >= kBand && (k - kBand) / ld_ < cols_ && (k - kBand) % ld_ < rows_;
      if (!inside && std::memcmp(&memory_[k], &guard, sizeof guard) != 0) return false;
    }
    return true;
  }
  /// Whether an input is what it was, bit by bit.
  bool unchanged() const {
    return given_.empty() ||
           std::memcmp(given_.data(), memory_.data(), given_.size() * sizeof(double)) == 0;
  }

 private:
  static constexpr std::size_t kBand = 64;

  std::size_t rows_ = 0, cols_ = 0, ld_ = 1;
  std::vector<double> memory_, given_;
};

}  // namespace longhand::detail
