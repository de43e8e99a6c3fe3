// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "longhand/core/check.hpp"
#include "longhand/core/macros.hpp"

namespace longhand {

/// From the user's units to the model's and back (docs/derivations/input_transform.md). Part of the
/// model and of its file: encoding in a new process must not silently differ.
struct InputTransform {
  enum class Kind { none, unit, symmetric, standardize };
  Kind kind = Kind::none;
  /// One entry per data row, or one for all.
  std::vector<double> shift;
  std::vector<double> scale;

  bool identity() const { return kind == Kind::none; }

  /// Fits a transform to data (D x N; NaN entries are left out):
  ///   unit: the data's range to [0, 1];  symmetric: to [-1, 1];  standardize: per data row,
  ///   mean 0 and standard deviation 1 (constant rows keep scale 1).
  template <class S>
  static InputTransform fit(Kind kind, const MatrixView<const S, HostMemory>& x) {
    InputTransform t;
    t.kind = kind;
    if (kind == Kind::none) return t;
    if (kind == Kind::standardize) {
      for (Index i = 0; i < x.rows; ++i) {
        double sum = 0, squares = 0;
        Index n = 0;
        for (Index j = 0; j < x.cols; ++j) {
          if (std::isnan(static_cast<double>(x(i, j)))) continue;
          sum += static_cast<double>(x(i, j));
          ++n;
        }
        const double mean = n > 0 ? sum / static_cast<double>(n) : 0;
        for (Index j = 0; j < x.cols; ++j) {
          if (std::isnan(static_cast<double>(x(i, j)))) continue;
          const double d = static_cast<double>(x(i, j)) - mean;
          squares += d * d;
        }
        const double deviation = n > 0 ? std::sqrt(squares / static_cast<double>(n)) : 0;
        t.shift.push_back(mean);
        t.scale.push_back(deviation > 0 ? deviation : 1);
      }
      return t;
    }
    double low = std::numeric_limits<double>::infinity(), high = -low;
    for (Index j = 0; j < x.cols; ++j)
      for (Index i = 0; i < x.rows; ++i) {
        const double v = static_cast<double>(x(i, j));
        if (std::isnan(v)) continue;
        low = std::min(low, v);
        high = std::max(high, v);
      }
    require(low <= high, "the data has no value to fit an input transform to");
    const double range = high > low ? high - low : 1;
    t.shift = {kind == Kind::unit ? low : low + range / 2};
    t.scale = {kind == Kind::unit ? range : range / 2};
    return t;
  }
};

/// One element of the transform and of its inverse.
struct ToModelUnits {
  template <class T>
  LONGHAND_HD void operator()(const T& x, const T& shift, const T& scale, T& y) const {
    y = (x - shift) / scale;  // [INP-1]
  }
};
struct ToUserUnits {
  template <class T>
  LONGHAND_HD void operator()(const T& y, const T& shift, const T& scale, T& x) const {
    x = y * scale + shift;  // [INP-2]
  }
};

}  // namespace longhand
