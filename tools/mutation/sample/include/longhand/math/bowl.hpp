// SPDX-License-Identifier: MIT
#pragma once
#define LONGHAND_HD

namespace longhand {

/// y = w (x - c)^2 / 2, the pattern of a loss: what the mutation test is tried on.
struct Bowl {
  template <class T>
  LONGHAND_HD void value_and_gradient(const T& x, const T& c, const T& w, T& y, T& dx) const {
    const T r = x - c;
    y = T(0.5) * w * r * r;
    dx = w * r;
  }
  /// The test of this one lets a mutant live on purpose: it only ever sees w = 1.
  template <class T>
  LONGHAND_HD void backward_offset(const T& dx, const T& w, T& dc) const {
    dc = -dx * w;
  }
};

}  // namespace longhand
