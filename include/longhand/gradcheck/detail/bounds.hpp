// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <utility>
#include <vector>

#include "longhand/gradcheck/detail/richardson.hpp"

namespace longhand::detail {

/// From a standard deviation of rounding to a bound on it.
inline constexpr double kNoiseFactor = 3;
/// A bound is this many times the estimated error of the difference (docs/results.md tells how far
/// the estimates are off in millions of entries) …
inline constexpr double kSafety = 8;
/// … and this many roundings at the size of the tensor's gradient, for the gradient itself.
inline constexpr double kRoundings = 64;
/// Beyond this many bounds, no error is blamed on the estimate any more.
inline constexpr double kBeyondDoubt = 4;
/// Beyond this many, also where the bound is coarse.
inline constexpr double kFarBeyondDoubt = 32;
/// A bound coarser than this beside the tensor's gradient proves nothing.
inline constexpr double kCoarsest = 1e-4;
/// One coarser than this is worth a look at a fresh point.
inline constexpr double kCoarse = 1e-6;
/// A table finer than this beside the tensor's gradient may stop.
inline constexpr double kFineEnough = 0x1p-35;

/// How far an analytic derivative may lie from a numeric one.
class Bounds {
 public:
  Bounds() = default;
  /// Per tensor: the size of its gradient, and the rounding noise in it.
  Bounds(std::vector<double> sizes, std::vector<double> noise)
      : sizes_(std::move(sizes)), noise_(std::move(noise)) {
    for (const double s : sizes_) largest_ = std::max(largest_, s);
  }

  double size(std::size_t tensor) const { return sizes_[tensor]; }
  std::size_t largest_tensor() const {
    return static_cast<std::size_t>(std::max_element(sizes_.begin(), sizes_.end()) -
                                    sizes_.begin());
  }

  double of(std::size_t tensor, const Estimate& numeric) const {
    return kSafety * numeric.error() + own(tensor, kRoundings);
  }
  /// For a derivative without an error of its own (dual numbers: roundings on both sides).
  double exact(std::size_t tensor) const { return 4 * own(tensor, 4 * kRoundings); }
  /// The error that could hide, relative to the tensor's gradient. Nothing can where all is zero.
  double resolution(std::size_t tensor, double bound) const {
    return largest_ == 0 ? 0 : bound / std::max(sizes_[tensor], 1e-6 * largest_);
  }

 private:
  double own(std::size_t tensor, double roundings) const {
    const double size = std::max(sizes_[tensor], 1e-3 * largest_);
    return kSafety * kNoiseFactor * noise_[tensor] +
           roundings * std::numeric_limits<double>::epsilon() * size;
  }

  std::vector<double> sizes_, noise_;
  double largest_ = 0;
};

}  // namespace longhand::detail
