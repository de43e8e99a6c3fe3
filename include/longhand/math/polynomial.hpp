// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include "longhand/core/macros.hpp"

namespace longhand {

/// Horner's rule: c[0] + c[1] x + c[2] x^2 + …
template <class T, std::size_t N>
LONGHAND_HD T polynomial(const T& x, const double (&c)[N]) {
  T y = T(c[N - 1]);
  for (std::size_t i = N - 1; i-- > 0;) y = y * x + T(c[i]);
  return y;
}

}  // namespace longhand
