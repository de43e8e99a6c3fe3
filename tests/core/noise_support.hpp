// SPDX-License-Identifier: MIT
// What the tests of uniform and normal noise share.
#pragma once

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <longhand/core/fused.hpp>
#include <longhand/core/noise_columns.hpp>
#include <vector>

namespace longhand::test {

/// Rows 0 .. rows-1 of noise, n values each, one after the other.
template <class Noise>
std::vector<float> noise_rows(const NoiseKey& key, int rows, int n) {
  std::vector<float> out(static_cast<std::size_t>(rows) * static_cast<std::size_t>(n));
  for (int row = 0; row < rows; ++row) {
    noise_column<Noise>(key, row, n, out.data() + static_cast<std::ptrdiff_t>(row) * n, 0);
  }
  return out;
}

/// FNV-1a, a word at a time, over the bits of 2^22 values: 64 steps of 256 rows of 256 elements.
template <class Noise>
std::uint64_t noise_hash() {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (std::uint32_t step = 0; step < 64; ++step) {
    for (const float x : noise_rows<Noise>({.seed = 2024, .step = step}, 256, 256)) {
      hash = (hash ^ float_bits(x)) * 0x100000001b3;
    }
  }
  return hash;
}

/// A column of any length, from any block on, holds the bits of `four`, in float and widened to
/// double, and nothing is written behind it. In a baseline x86-64 build this also compares the FMA
/// instruction with the library's fma.
template <class Noise>
void check_column(void (*four)(const NoiseKey&, std::uint32_t, std::uint32_t, float*)) {
  const NoiseKey key{.seed = 5, .step = 2, .stream = Stream::latent, .draw = 1};
  int wrong = 0;
  for (const int first : {0, 4, 400}) {
    for (const int n : {0, 1, 2, 3, 4, 5, 20, 31, 32, 33, 63, 64, 65, 257, 1000}) {
      const auto size = static_cast<std::size_t>(n);
      std::vector<float> narrow(size + 1, -7.0f), want(size + 4);
      std::vector<double> wide(size + 1, -7.0);
      noise_column<Noise>(key, 9, n, narrow.data(), first);
      noise_column<Noise>(key, 9, n, wide.data(), first);
      for (int i = 0; i < n; i += 4) {
        four(key, 9, static_cast<std::uint32_t>((first + i) / 4), want.data() + i);
      }
      for (std::size_t i = 0; i < size; ++i) {
        wrong += float_bits(narrow[i]) != float_bits(want[i]);
        wrong += wide[i] != static_cast<double>(want[i]);
      }
      wrong += narrow[size] != -7.0f || wide[size] != -7.0;
    }
  }
  CHECK(wrong == 0);
}

}  // namespace longhand::test
