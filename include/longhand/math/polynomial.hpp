// SPDX-License-Identifier: MIT
#pragma once
#include "longhand/core/macros.hpp"

namespace longhand {

/// Horner's rule: c[0] + c[1] x + c[2] x^2 + …
template <class T, int N>
LONGHAND_HD T polynomial(const T& x, const double (&c)[N]) {
  T y = T(c[N - 1]);
  for (int i = N - 2; i >= 0; --i) y = y * x + T(c[i]);
  return y;
}

}  // namespace longhand
