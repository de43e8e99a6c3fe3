// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <limits>

#include "longhand/backend/sweep.hpp"

/// How the CPU backend goes through the columns of softmax_columns and one_hot_columns. A column's
/// result depends on its own numbers and on how many they are: not on its place, its neighbours or
/// the threads. The largest of a column passes over NaN, and the sum brings it back; an infinite
/// one makes NaN of itself, inf - inf.
namespace longhand::detail {

template <class S>
using HostInput = MatrixView<const S, HostMemory>;

/// Columns of at most so many rows lie side by side in packs, one lane each: no lane is idle, and
/// no sum goes across lanes. For ten rows that is three times as fast as packs down the column.
inline constexpr Index kSideBySide = 48;

template <class S>
[[gnu::noinline]] void softmax_side_by_side(const HostInput<S>& x, const HostView<S>& y,
                                            const HostView<S>& log_sum_exp, Index first,
                                            Index cols) {
  constexpr int W = kNarrow;
  using P = Pack<S, W>;
  const Index rows = x.rows;
  alignas(64) S row[kSideBySide][W] = {};
  for (Index j = first; j < first + cols; j += W) {
    const Index count = std::min<Index>(W, first + cols - j);
    for (Index n = 0; n < count; ++n)
      for (Index i = 0; i < rows; ++i) row[i][n] = x(i, j + n);
    P largest(-std::numeric_limits<S>::infinity()), sum(0);
    for (Index i = 0; i < rows; ++i) {
      const P v = P::load(row[i]);
      largest = choose(v > largest, v, largest);
    }
    for (Index i = 0; i < rows; ++i) {
      const P e = exp(P::load(row[i]) - largest);
      e.store(row[i]);
      sum += e;
    }
    for (Index i = 0; i < rows; ++i) (P::load(row[i]) / sum).store(row[i]);  // [CAT-1]
    for (Index n = 0; n < count; ++n)
      for (Index i = 0; i < rows; ++i) y(i, j + n) = row[i][n];
    if (!log_sum_exp.present()) continue;
    (largest + log(sum)).store(row[0]);  // [CAT-2]
    for (Index n = 0; n < count; ++n) log_sum_exp(0, j + n) = row[0][n];
  }
}

/// Longer columns: packs down each, the sum as sum_down() has it.
template <class S>
[[gnu::noinline]] void softmax_down(const HostInput<S>& x, const HostView<S>& y,
                                    const HostView<S>& log_sum_exp, Index first, Index cols) {
  constexpr int W = kWide;
  constexpr S lowest = -std::numeric_limits<S>::infinity();
  using P = Pack<S, W>;
  const Index rows = x.rows, whole = rows / W * W, rest = rows - whole;
  alignas(64) S lane[W];
  for (int i = 0; i < W; ++i) lane[i] = static_cast<S>(i);
  const auto there = P::load(lane) < P(rest);
  // Beyond the last row: what is no maximum, and whose exponential adds nothing.
  const auto tail = [&](const S* from) { return choose(there, P::load(from, rest), P(lowest)); };
  for (Index j = first; j < first + cols; ++j) {
    const S* const from = x.data + j * x.ld;
    S* const to = y.data + j * y.ld;
    P top(lowest), total(0), last(0);
    for (Index i = 0; i < whole; i += W) {
      const P v = P::load(from + i);
      top = choose(v > top, v, top);
    }
    if (rest > 0) {
      const P v = tail(from + whole);
      top = choose(v > top, v, top);
    }
    top.store(lane);
    const P largest(*std::max_element(lane, lane + W));
    for (Index i = 0; i < whole; i += W) {
      const P e = exp(P::load(from + i) - largest);
      e.store(to + i);
      total += e;
    }
    if (rest > 0) total += last = exp(tail(from + whole) - largest);
    const P sum(total.sum());
    for (Index i = 0; i < whole; i += W) (P::load(to + i) / sum).store(to + i);  // [CAT-1]
    if (rest > 0) (last / sum).store(to + whole, rest);
    if (!log_sum_exp.present()) continue;
    (largest + log(sum)).store(lane);  // [CAT-2]
    log_sum_exp(0, j) = lane[0];
  }
}

template <class S>
void softmax_columns(const HostInput<S>& x, const HostView<S>& y, const HostView<S>& log_sum_exp,
                     Index first, Index cols) {
  x.rows <= kSideBySide ? softmax_side_by_side<S>(x, y, log_sum_exp, first, cols)
                        : softmax_down<S>(x, y, log_sum_exp, first, cols);
}

/// 1 at the first of the largest numbers of each column, 0 elsewhere; NaN where there is a NaN.
template <class S>
void one_hot_columns(const HostInput<S>& x, const HostView<S>& y, Index first, Index cols) {
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
    if (defined) to[at] = S(1);  // [CAT-6]
  }
}

}  // namespace longhand::detail
