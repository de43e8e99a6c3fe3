// SPDX-License-Identifier: MIT
// Normal noise with the same bits everywhere: docs/derivations/noise.md
#pragma once

#include <cstdint>

#include "longhand/core/fused.hpp"
#include "longhand/core/noise_columns.hpp"
#include "longhand/core/philox.hpp"

namespace longhand {

// The elementary functions of noise; those of C libraries differ between machines. Every sum is a
// fused(); a plain product feeds one, or is exact, so no compiler can contract anything. Minimax
// polynomials with float coefficients; the errors below are maxima over every argument that occurs
// (tests/core/normal_test.cpp measures them again).
namespace noise {

/// log u for a float u in [2^-31, 1]. Error at most 0.95 ulp.
/// u = 2^e m with m in [2/3, 4/3), so that log m = f - f^2/2 + f^3 P(f), f = m - 1, stays
/// relatively accurate around u = 1.
LONGHAND_HD LONGHAND_INLINE float log_unit(float u) {
  constexpr std::uint32_t two_thirds = 0x3F2AAAABu;
  const auto above = static_cast<std::int32_t>(float_bits(u) - two_thirds);
  const auto e = static_cast<float>(above >> 23);
  const float f = from_bits((static_cast<std::uint32_t>(above) & 0x7FFFFFu) + two_thirds) - 1.0f;
  float p = -0x1.08e7c4p-3f;
  p = fused(p, f, 0x1.1e8176p-3f);
  p = fused(p, f, -0x1.f29d62p-4f);
  p = fused(p, f, 0x1.1ecf8ep-3f);
  p = fused(p, f, -0x1.55a192p-3f);
  p = fused(p, f, 0x1.99d088p-3f);
  p = fused(p, f, -0x1.fffedep-3f);
  p = fused(p, f, 0x1.555506p-2f);
  p = fused(p, f, -0.5f);
  const float log_m = fused(f * f, p, f);
  return fused(e, 0x1.62e430p-1f, log_m);
}

/// sin(pi a / 2) for a in [-1/2, 1/2]. Error at most 0.73 ulp. pi/2 is held in two floats.
LONGHAND_HD LONGHAND_INLINE float sin_quarter(float a) {
  const float s = a * a;
  float p = -0x1.2db5cep-8f;
  p = fused(p, s, 0x1.465facp-4f);
  p = fused(p, s, -0x1.4abbbep-1f);
  p = fused(p, s, -0x1.777a5cp-25f);
  return fused(a, 0x1.921fb6p+0f, a * p);
}

/// cos(pi a / 2) for a in [-1/2, 1/2]. Error at most 0.88 ulp.
LONGHAND_HD LONGHAND_INLINE float cos_quarter(float a) {
  const float s = a * a;
  float p = 0x1.d4f7eep-11f;
  p = fused(p, s, -0x1.55b2b6p-6f);
  p = fused(p, s, 0x1.03c1b0p-2f);
  p = fused(p, s, -0x1.3bd3ccp+0f);
  return fused(p, s, 1.0f);
}

/// The squared radius -2 log u of Box-Muller, u = (k + 1/2) 2^-30 for the upper 30 bits k.
LONGHAND_HD LONGHAND_INLINE float squared_radius(std::uint32_t word) {
  return -2.0f * log_unit(to_float((word >> 1) | 1u) * 0x1p-31f);
}

/// Cosine and sine of a uniform angle. The upper two bits are the quarter turn q, the next 24 (k)
/// the place within it: angle (pi/2)(q + a), a = (k + 1/2) 2^-24 - 1/2, which is exact and never 0.
LONGHAND_HD LONGHAND_INLINE void direction(std::uint32_t word, float& cosine, float& sine) {
  const std::uint32_t q = word >> 30;
  const auto odd_place = static_cast<std::int32_t>(((word >> 5) & 0x1FFFFFFu) | 1u) - 0x1000000;
  const float a = static_cast<float>(odd_place) * 0x1p-25f;
  const std::uint32_t c = float_bits(cos_quarter(a)), s = float_bits(sin_quarter(a));
  const bool odd = (q & 1u) != 0;
  cosine = from_bits((odd ? s : c) ^ (((q + 1u) & 2u) << 30));  // q = 1, 2: negative
  sine = from_bits((odd ? c : s) ^ ((q & 2u) << 30));           // q = 2, 3: negative
}

}  // namespace noise

/// Two independent N(0, 1) values from 64 random bits, by Box and Muller. |z| is at most 6.56.
LONGHAND_HD LONGHAND_INLINE void box_muller(std::uint32_t u, std::uint32_t v, float& z0,
                                            float& z1) {
  float cosine, sine;
  noise::direction(v, cosine, sine);
  const float radius = rounded_sqrt(noise::squared_radius(u));
  z0 = fused(radius, cosine, 0.0f);  // [NOI-3]
  z1 = fused(radius, sine, 0.0f);    // [NOI-3]
}

/// N(0, 1) values for elements 4 quad .. 4 quad + 3 of a sample.
LONGHAND_HD LONGHAND_INLINE void normal4(const NoiseKey& key, std::uint32_t sample,
                                         std::uint32_t quad, float out[4]) {
  const PhiloxBlock block = noise_block(key, sample, quad);
  box_muller(block.word[0], block.word[1], out[0], out[1]);
  box_muller(block.word[2], block.word[3], out[2], out[3]);
}

/// How noise_columns() makes normal values: box_muller() in three loops, because the square root
/// alone is not vectorised under -fmath-errno, the default of most compilers.
struct NormalNoise {
  static LONGHAND_INLINE void values(const NoiseWords& words, NoiseValues& out) {
    constexpr int m = kNoiseBlocks;
    for (int pair = 0; pair < kNoiseChunk; pair += 2 * m) {
      const std::uint32_t* u = words + pair;
      float* z = out + pair;
      float radius[m];
      for (int j = 0; j < m; ++j) radius[j] = noise::squared_radius(u[j]);
      for (int j = 0; j < m; ++j) radius[j] = rounded_sqrt(radius[j]);
      for (int j = 0; j < m; ++j) {
        float cosine, sine;
        noise::direction(u[m + j], cosine, sine);
        z[j] = fused(radius[j], cosine, 0.0f);    // [NOI-3]
        z[m + j] = fused(radius[j], sine, 0.0f);  // [NOI-3]
      }
    }
  }
};

/// Elements first .. first + n - 1 of the normal noise of sample `sample_id`: n values from N(0,
/// 1). T is float or double; both receive the same values. `first` is a multiple of 4. Throws
/// std::out_of_range or std::invalid_argument as noise_column() does.
template <class T>
void normal_column(const NoiseKey& key, std::int64_t sample_id, std::int64_t n, T* out,
                   std::int64_t first = 0) {
  noise_column<NormalNoise>(key, sample_id, n, out, first);
}

}  // namespace longhand
