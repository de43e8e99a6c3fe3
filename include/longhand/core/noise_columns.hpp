// SPDX-License-Identifier: MIT
// Columns of noise, a chunk at a time, so that the compiler can use vector instructions.
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

/// Where the blocks of a chunk are counted: elements 4 quad .. 4 quad + 3 of a sample.
struct NoisePlaces {
  std::uint32_t sample[kNoiseBlocks] = {};
  std::uint32_t quad[kNoiseBlocks] = {};
};

namespace noise {

/// One chunk. Noise::values(words, out) turns the random words into floats, each word or pair of
/// words into the value or values in its place.
template <class Noise>
LONGHAND_INLINE void chunk(const NoiseKey& key, const NoisePlaces& at, NoiseValues& out) {
  NoiseWords words;
  for (int j = 0; j < kNoiseBlocks; ++j) {
    const PhiloxBlock block = noise_block(key, at.sample[j], at.quad[j]);
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
__attribute__((target("avx2,fma"))) void fma_chunk(const NoiseKey& key, const NoisePlaces& at,
                                                   NoiseValues& out) {
  chunk<Noise>(key, at, out);
}
#endif

template <class Noise>
void fastest_chunk(const NoiseKey& key, const NoisePlaces& at, NoiseValues& out) {
#if defined(__x86_64__) && !defined(__FMA__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    return fma_chunk<Noise>(key, at, out);
  }
#endif
  chunk<Noise>(key, at, out);
}

}  // namespace noise

/// Fills `columns` columns of n values each, `ld` apart: column j has elements first .. first + n -
/// 1 of sample sample_of(j), a std::uint32_t. Noise is UniformNoise or NormalNoise. Blocks of
/// several columns share a chunk, so that short columns (latents) cost no more per value than long
/// ones. Throws std::out_of_range when a block number does not fit in 32 bits, and
/// std::invalid_argument when n is negative or `first` is not a multiple of 4.
template <class Noise, class T, class SampleOf>
void noise_columns(const NoiseKey& key, const SampleOf& sample_of, std::int64_t n,
                   std::int64_t columns, T* out, std::int64_t ld, std::int64_t first = 0) {
  if (n < 0 || first % 4 != 0) {
    throw std::invalid_argument("longhand: a noise column needs n >= 0 and first a multiple of 4");
  }
  const std::uint32_t first_quad = counter_word(first / 4, "noise block");
  if (n > 0) counter_word(first / 4 + (n - 1) / 4, "noise block");

  std::int64_t column = 0, element = 0;  // where the next block goes
  while (n > 0 && column < columns) {
    NoisePlaces at;
    T* to[kNoiseBlocks];
    std::int64_t count[kNoiseBlocks];
    int blocks = 0;
    for (; blocks < kNoiseBlocks && column < columns; ++blocks) {
      at.sample[blocks] = sample_of(column);
      at.quad[blocks] = first_quad + static_cast<std::uint32_t>(element / 4);
      to[blocks] = out + column * ld + element;
      count[blocks] = n - element < 4 ? n - element : 4;
      element += 4;
      if (element >= n) {
        element = 0;
        ++column;
      }
    }
    NoiseValues values;
    noise::fastest_chunk<Noise>(key, at, values);
    for (int j = 0; j < blocks; ++j)
      for (int k = 0; k < count[j]; ++k) to[j][k] = static_cast<T>(values[k * kNoiseBlocks + j]);
  }
}

/// One column: elements first .. first + n - 1 of sample `sample_id`. Throws std::out_of_range when
/// the sample id does not fit in 32 bits either.
template <class Noise, class T>
void noise_column(const NoiseKey& key, std::int64_t sample_id, std::int64_t n, T* out,
                  std::int64_t first) {
  const std::uint32_t sample = counter_word(sample_id, "sample id");
  noise_columns<Noise>(
      key, [sample](std::int64_t) { return sample; }, n, 1, out, n, first);
}

}  // namespace longhand
