// SPDX-License-Identifier: MIT
// Uniform noise: docs/derivations/noise.md
#pragma once

#include <cstdint>

#include "longhand/core/fused.hpp"
#include "longhand/core/noise_columns.hpp"
#include "longhand/core/philox.hpp"

namespace longhand {

/// The centre of one of 2^23 equal cells of (0, 1): never 0 or 1, symmetric about 1/2, exact.
/// (k of the upper 23 bits gives (k + 1/2) 2^-23 = (2k + 1) 2^-24. A 24th bit would not fit in a
/// float: half of the centres would be rounded, the last one to 1.)
LONGHAND_HD LONGHAND_INLINE float uniform_from_bits(std::uint32_t word) {
  return to_float((word >> 8) | 1u) * 0x1p-24f;  // [NOI-2]
}

/// Uniform values in (0, 1) for elements 4 quad .. 4 quad + 3 of a sample.
LONGHAND_HD LONGHAND_INLINE void uniform4(const NoiseKey& key, std::uint32_t sample,
                                          std::uint32_t quad, float out[4]) {
  const PhiloxBlock block = noise_block(key, sample, quad);
  for (int i = 0; i < 4; ++i) out[i] = uniform_from_bits(block.word[i]);
}

/// How noise_columns() makes uniform values.
struct UniformNoise {
  static LONGHAND_INLINE void values(const NoiseWords& words, NoiseValues& out) {
    for (int i = 0; i < kNoiseChunk; ++i) out[i] = uniform_from_bits(words[i]);
  }
};

/// Elements first .. first + n - 1 of the uniform noise of sample `sample_id`: n values in (0, 1).
/// T is float or double; both receive the same values. `first` is a multiple of 4.
/// Throws std::out_of_range or std::invalid_argument as noise_column() does.
template <class T>
void uniform_column(const NoiseKey& key, std::int64_t sample_id, std::int64_t n, T* out,
                    std::int64_t first = 0) {
  noise_column<UniformNoise>(key, sample_id, n, out, first);
}

}  // namespace longhand
