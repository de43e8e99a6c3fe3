// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <limits>

#include "longhand/backend/sweep.hpp"

/// How the CPU backend goes down the columns of softmax_columns and one_hot_columns. A column's
/// result depends on its own numbers and on how many they are: not on its place, its neighbours or
/// the threads.
namespace longhand::detail {

/// The largest of W numbers; those that are NaN are passed over.
template <class S>
S largest_of(const S* number, Index count, S largest) {
  for (Index i = 0; i < count; ++i) largest = number[i] > largest ? number[i] : largest;
  return largest;
}

/// Columns [first, first + cols) of more than kFew rows: Y = e^(x - largest) / sum, and what the
/// division took out. A NaN of the column comes back through the sum, as does an infinite largest:
/// inf - inf is NaN.
template <int W, class S>
[[gnu::noinline]] void softmax_down(const MatrixView<const S, HostMemory>& x, const HostView<S>& y,
                                    Index first, Index cols, S* largest, S* sum) {
  using P = Pack<S, W>;
  constexpr S lowest = -std::numeric_limits<S>::infinity();
  const Index rows = x.rows, whole = rows / W * W, rest = rows - whole;
  alignas(64) S lane[W];
  for (int i = 0; i < W; ++i) lane[i] = static_cast<S>(i);
  const auto there = P::load(lane) < P(rest);
  // Beyond the last row: what is no maximum, and whose exponential adds nothing.
  const auto tail = [&](const S* from) { return choose(there, P::load(from, rest), P(lowest)); };
  for (Index n = 0; n < cols; ++n) {
    const S* const from = x.data + (first + n) * x.ld;
    S* const to = y.data + (first + n) * y.ld;
    P top(lowest);
    const auto raise = [&](const P& v) { top = choose(v > top, v, top); };
    for (Index i = 0; i < whole; i += W) raise(P::load(from + i));
    if (rest > 0) raise(tail(from + whole));
    top.store(lane);
    largest[n] = largest_of(lane, W, lowest);

    const P shift(largest[n]);
    P total(0), last(0);
    for (Index i = 0; i < whole; i += W) {
      const P e = exp(P::load(from + i) - shift);
      e.store(to + i);
      total += e;
    }
    if (rest > 0) total += last = exp(tail(from + whole) - shift);
    sum[n] = total.sum();

    const P divisor(sum[n]);
    for (Index i = 0; i < whole; i += W) (P::load(to + i) / divisor).store(to + i);
    if (rest > 0) (last / divisor).store(to + whole, rest);
  }
}

/// The same for at most kFew rows, as many columns in a pack as have room there.
template <class S>
[[gnu::noinline]] void softmax_few_rows(const MatrixView<const S, HostMemory>& x,
                                        const HostView<S>& y, Index first, Index cols, S* largest,
                                        S* sum) {
  constexpr int W = kNarrow;
  using P = Pack<S, W>;
  constexpr S lowest = -std::numeric_limits<S>::infinity();
  const Index rows = x.rows, together = W / std::max<Index>(rows, 1);
  alignas(64) S v[W] = {}, shift[W] = {}, divisor[W] = {};
  for (Index done = 0; done < cols; done += together) {
    const Index columns = std::min(together, cols - done);
    for (Index n = 0; n < columns; ++n) {
      S* const place = v + n * rows;
      std::copy_n(x.data + (first + done + n) * x.ld, rows, place);
      largest[done + n] = largest_of(place, rows, lowest);
      std::fill_n(shift + n * rows, rows, largest[done + n]);
    }
    const P e = exp(P::load(v) - P::load(shift));
    e.store(v);
    for (Index n = 0; n < columns; ++n) {
      S lane[kFew] = {};
      std::copy_n(v + n * rows, rows, lane);
      for (Index half = kFew / 2; half > 0; half /= 2)
        for (Index i = 0; i < half; ++i) lane[i] += lane[i + half];
      sum[done + n] = lane[0];
      std::fill_n(divisor + n * rows, rows, lane[0]);
    }
    (e / P::load(divisor)).store(v);
    for (Index n = 0; n < columns; ++n)
      std::copy_n(v + n * rows, rows, y.data + (first + done + n) * y.ld);
  }
}

/// Columns [first, first + cols); the logarithms of kNarrow columns are taken at once.
template <class S>
void softmax_columns(const MatrixView<const S, HostMemory>& x, const HostView<S>& y,
                     const HostView<S>& log_sum_exp, Index first, Index cols) {
  constexpr int W = kNarrow;
  alignas(64) S largest[W] = {}, sum[W] = {};
  for (Index j = first; j < first + cols; j += W) {
    const Index count = std::min<Index>(W, first + cols - j);
    if (x.rows <= kFew)
      softmax_few_rows<S>(x, y, j, count, largest, sum);
    else if (x.rows <= kNarrow)
      softmax_down<kNarrow, S>(x, y, j, count, largest, sum);
    else
      softmax_down<kWide, S>(x, y, j, count, largest, sum);
    if (!log_sum_exp.present()) continue;
    (Pack<S, W>::load(largest) + log(Pack<S, W>::load(sum))).store(sum);  // [CAT-2]
    for (Index n = 0; n < count; ++n) log_sum_exp(0, j + n) = sum[n];
  }
}

/// 1 at the first of the largest numbers of each column, 0 elsewhere; NaN where there is a NaN.
template <class S>
void one_hot_columns(const MatrixView<const S, HostMemory>& x, const HostView<S>& y, Index first,
                     Index cols) {
  if (x.rows == 0) return;
  for (Index j = first; j < first + cols; ++j) {
    const S* const from = x.data + j * x.ld;
    S* const to = y.data + j * y.ld;
    S largest = from[0];
    Index at = 0;
    bool defined = true;
    for (Index i = 0; i < x.rows; ++i) {
      defined &= from[i] == from[i];
      at = from[i] > largest ? i : at;
      largest = from[i] > largest ? from[i] : largest;
    }
    std::fill_n(to, x.rows, defined ? S(0) : std::numeric_limits<S>::quiet_NaN());
    if (defined) to[at] = S(1);
  }
}

}  // namespace longhand::detail
