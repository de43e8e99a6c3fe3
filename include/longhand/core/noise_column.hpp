// SPDX-License-Identifier: MIT
// One column of noise, a chunk at a time, so that the compiler can use vector instructions.
#pragma once

#include <cstdint>
#include <stdexcept>

#include "longhand/core/philox.hpp"

namespace longhand {

/// Values made at once: 8 blocks. Word k of block j is at k * 8 + j, so that one instruction works
/// on one word of many blocks.
inline constexpr int kNoiseBlocks = 8;
inline constexpr int kNoiseChunk = 4 * kNoiseBlocks;
using NoiseWords = std::uint32_t[kNoiseChunk];
using NoiseValues = float[kNoiseChunk];

namespace noise {

/// One chunk, beginning with block `quad` of the row. Noise::values(words, out) turns the random
/// words into floats, each word or pair of words into the value or values in its place.
template <class Noise>
LONGHAND_INLINE void chunk(const NoiseKey& key, std::uint32_t row, std::uint32_t quad,
                           NoiseValues& out) {
  NoiseWords words;
  for (int j = 0; j < kNoiseBlocks; ++j) {
    const PhiloxBlock block = noise_block(key, row, quad + static_cast<std::uint32_t>(j));
    for (int k = 0; k < 4; ++k) words[k * kNoiseBlocks + j] = block.word[k];
  }
  Noise::values(words, out);
}

// A baseline x86-64 build has no FMA instruction, and a call of the library's fma for each step of
// a polynomial makes a normal ten times as expensive. Such a build carries a second copy of the
// chunk and picks it where the processor can run it: same bits, another speed. (A processor from
// before 2013 has no FMA at all; the library then emulates it, correctly, in about a microsecond.)
#if defined(__x86_64__) && !defined(__FMA__)
template <class Noise>
__attribute__((target("avx2,fma"))) void fma_chunk(const NoiseKey& key, std::uint32_t row,
                                                   std::uint32_t quad, NoiseValues& out) {
  chunk<Noise>(key, row, quad, out);
}
#endif

template <class Noise>
void fastest_chunk(const NoiseKey& key, std::uint32_t row, std::uint32_t quad, NoiseValues& out) {
#if defined(__x86_64__) && !defined(__FMA__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    return fma_chunk<Noise>(key, row, quad, out);
  }
#endif
  chunk<Noise>(key, row, quad, out);
}

}  // namespace noise

/// Fills out[0 .. n) with elements first .. first + n - 1 of row `row_id`, where Noise is
/// UniformNoise or NormalNoise. Throws std::out_of_range when the row id or a block number does not
/// fit in 32 bits, and std::invalid_argument when n is negative or `first` is not a multiple of 4.
template <class Noise, class T>
void noise_column(const NoiseKey& key, std::int64_t row_id, std::int64_t n, T* out,
                  std::int64_t first) {
  if (n < 0 || first % 4 != 0) {
    throw std::invalid_argument("longhand: a noise column needs n >= 0 and first a multiple of 4");
  }
  const std::uint32_t row = counter_word(row_id, "row id");
  const std::uint32_t first_quad = counter_word(first / 4, "noise block");
  if (n > 0) counter_word(first / 4 + (n - 1) / 4, "noise block");

  for (std::int64_t done = 0; done < n; done += kNoiseChunk) {
    NoiseValues values;
    noise::fastest_chunk<Noise>(key, row, first_quad + static_cast<std::uint32_t>(done / 4),
                                values);
    if (n - done >= kNoiseChunk) {
      for (int j = 0; j < kNoiseBlocks; ++j) {
        for (int k = 0; k < 4; ++k) {
          out[done + 4 * j + k] = static_cast<T>(values[k * kNoiseBlocks + j]);
        }
      }
    } else {
      for (std::int64_t i = 0; i < n - done; ++i) {
        out[done + i] = static_cast<T>(values[(i % 4) * kNoiseBlocks + i / 4]);
      }
    }
  }
}

}  // namespace longhand
