// SPDX-License-Identifier: MIT
// Float arithmetic with one answer: the fused multiply-add of IEEE 754, on every machine.
#pragma once

#include <bit>
#include <cstdint>

#include "longhand/core/macros.hpp"

namespace longhand {

/// a b + c rounded once, to nearest even: the same bits from every compiler, with any flags that
/// leave IEEE arithmetic alone, with or without an FMA instruction, on the CPU and on the GPU.
///
/// A plain `a * b + c` has two possible values, and the compiler picks one (-ffp-contract). Code
/// whose bits matter is therefore written with this one operation; a product alone is
/// fused(a, b, 0), which no compiler may merge with an addition that follows it.
LONGHAND_HD LONGHAND_INLINE float fused(float a, float b, float c) {
#if defined(__CUDA_ARCH__)
  return __fmaf_rn(a, b, c);
#else
  return __builtin_fmaf(a, b, c);  // std::fma, without a wrapper that might stay a call
#endif
}

/// The square root, correctly rounded, of x >= 0.
LONGHAND_HD LONGHAND_INLINE float rounded_sqrt(float x) {
#if defined(__CUDA_ARCH__)
  return __fsqrt_rn(x);
#else
  return __builtin_sqrtf(x);
#endif
}

/// An integer below 2^31 as the nearest float. (The signed conversion has a vector instruction
/// everywhere, the unsigned one only with AVX-512.)
LONGHAND_HD LONGHAND_INLINE float to_float(std::uint32_t k) {
  return static_cast<float>(static_cast<std::int32_t>(k));
}

/// The bit pattern of a float, and back.
LONGHAND_HD LONGHAND_INLINE std::uint32_t float_bits(float x) {
#if defined(__CUDA_ARCH__)
  return __float_as_uint(x);
#else
  return std::bit_cast<std::uint32_t>(x);
#endif
}

LONGHAND_HD LONGHAND_INLINE float from_bits(std::uint32_t bits) {
#if defined(__CUDA_ARCH__)
  return __uint_as_float(bits);
#else
  return std::bit_cast<float>(bits);
#endif
}

}  // namespace longhand
