// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>

#include "longhand/core/macros.hpp"

namespace longhand {

/// What an element of a data set stands for: a number for itself, a byte b for b / 255.
template <class T>
LONGHAND_HD constexpr T as_number(const T& number) {
  return number;
}
template <class T>
LONGHAND_HD constexpr T as_number(std::uint8_t byte) {
  return T(byte) / T(255);
}

}  // namespace longhand
