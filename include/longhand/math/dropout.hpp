// SPDX-License-Identifier: MIT
#pragma once
#include "longhand/math/scalar.hpp"

/// Inverted dropout (docs/derivations/dropout.md). Error: factor 1, both products 1.5.
namespace longhand {

struct Dropout {
  double p = 0;  ///< probability of dropping a unit, in [0, 1)

  /// x and a uniform u in (0, 1) -> the factor m / (1 - p), kept for backward, and y.
  template <class T>
  LONGHAND_HD void forward(const T& x, const T& u, T& factor, T& y) const {
    factor = choose(u < T(p), T(0), T(1 / (1 - p)));
    y = factor * x;  // [DRO-1]
  }
  template <class T>
  LONGHAND_HD static void backward(const T& factor, const T& dy, T& dx) {
    dx = factor * dy;  // [DRO-2]
  }
};

}  // namespace longhand
