// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "longhand/backend/sweep.hpp"

/// How the CPU backend brings columns of a data set into a batch.
namespace longhand::detail {

/// Elements at a time: a cache line of bytes. (With 32 a batch takes 57 us instead of 15 as g++ 12
/// compiles it for AVX-512, probably because it writes converted numbers in halves of the registers
/// that read them.)
inline constexpr int kGathered = 64;

/// W elements of a data set as numbers.
template <int W, class S>
LONGHAND_INLINE Pack<S, W> numbers(const S* from) {
  return Pack<S, W>::load(from);
}

/// b / 255, correctly rounded, without a division (which would make a batch take half as long
/// again). 1/255 = 2^-8 + 2^-16 + 2^-24 + … is high + low. b high is exact, and the rounding of b
/// low decides nothing: b / 255 repeats its eight bits for ever and never comes near the middle
/// between two numbers.
template <int W, class S>
LONGHAND_INLINE Pack<S, W> numbers(const std::uint8_t* from) {
  constexpr S high = S(0x1.01p-8), low = S(0x1.0101010101010101p-24);
  alignas(64) S number[std::size_t{W}];
  for (int k = 0; k < W; ++k) {
    const S byte = static_cast<S>(from[k]);
    number[k] = byte * high + byte * low;
  }
  return Pack<S, W>::load(number);
}

/// A column of a data set as numbers, when no formula changes them and it is short.
template <class S>
void copy_numbers(const S* column, Index rows, S* to) {
  std::copy_n(column, rows, to);
}
template <class S>
void copy_numbers(const std::uint8_t* column, Index rows, S* to) {
  constexpr int W = kNarrow;
  if (rows < W) {
    std::uint8_t padded[W] = {};
    std::copy_n(column, rows, padded);
    numbers<W, S>(padded).store(to, rows);
    return;
  }
  for (Index i = 0; i < rows; i += W) {
    const Index at = std::min<Index>(i, rows - W);
    numbers<W, S>(column + at).store(to + at);
  }
}

/// Y_ij = f(column_i, in_ij…) for column j of Y. `next`, the data of a column that will be wanted
/// soon, is on its way to the cache meanwhile: samples of a data set are read in random order,
/// which no processor foresees, and waiting for them takes twice as long as all the rest.
template <int W, class S, class X, class F, std::size_t I>
[[gnu::noinline]] void gather_column(const F& formula, const X* column, const X* next,
                                     const std::array<HostOperand<S>, I>& in, const HostView<S>& y,
                                     Index j) {
  const F f = formula;
  ColumnInputs<W, S, I> others;
  others.move_to(in, j);
  S* const to = y.data + j * y.ld;
  const auto result = [&](const Pack<S, W>& x, const auto& load_other) {
    Pack<S, W> r;
    [&]<std::size_t... In>(std::index_sequence<In...>) { f(x, load_other(In)..., r); }
    (std::make_index_sequence<I>{});
    return r;
  };
  if (y.rows < W) {
    X padded[std::size_t{W}] = {};
    std::copy_n(column, y.rows, padded);
    __builtin_prefetch(next);
    const auto load = [&](std::size_t k) { return Pack<S, W>::load(others.at(k, 0), y.rows); };
    result(numbers<W, S>(padded), load).store(to, y.rows);
    return;
  }
  constexpr Index line = 64 / static_cast<Index>(sizeof(X));
  for (Index i = 0; i < y.rows; i += W) {
    for (Index k = i; k < std::min(i + W, y.rows); k += line) __builtin_prefetch(next + k);
    const Index at = std::min<Index>(i, y.rows - W);  // the last pack begins inside the one before
    const auto load = [&](std::size_t k) { return Pack<S, W>::load(others.at(k, at)); };
    result(numbers<W, S>(column + at), load).store(to + at);
  }
}

}  // namespace longhand::detail
