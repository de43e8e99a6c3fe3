// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <array>
#include <utility>

#include "longhand/core/view.hpp"
#include "longhand/math/pack.hpp"

/// How the CPU backend walks a formula over matrices: one column segment at a time, 64 numbers at a
/// time, tails padded to a full pack so that no number is ever computed by a different instruction.
/// Narrow matrices (latents) take 16 at a time. The choice follows the shape, never the threads;
/// the two loops may differ by one rounding where the compiler fuses a multiply-add in only one of
/// them.
namespace longhand::detail {

inline constexpr int kWide = 64;
inline constexpr int kNarrow = 16;

template <class S>
using HostOperand = Operand<S, HostMemory>;
template <class S>
using HostView = MatrixView<S, HostMemory>;

/// Inlined by force, here and below: left to itself g++ hands packs from one of these small
/// functions to the next through memory, which costs a training step 5%.
template <int W, class S>
[[gnu::always_inline]] inline Pack<S, W> load(const HostOperand<S>& from, Index i, Index j,
                                              Index count) {
  if (from.data == nullptr) return Pack<S, W>(from.value);
  const S* place = from.data + j * from.col_step;
  if (from.row_step == 0) return Pack<S, W>(*place);
  return count == W ? Pack<S, W>::load(place + i) : Pack<S, W>::load(place + i, count);
}

template <int W, class S>
[[gnu::always_inline]] inline void store(const Pack<S, W>& pack, const HostView<S>& to, Index i,
                                         Index j, Index count) {
  S* place = to.data + i + j * to.ld;
  count == W ? pack.store(place) : pack.store(place, count);
}

/// Calls the formula on rows [i, i + count) of column j, count <= W; `extra` are further outputs
/// that are not stored (the summand of a reduction).
template <int W, class S, class F, std::size_t I, std::size_t O, class... Extra>
[[gnu::always_inline]] inline void apply(const F& formula,
                                         const std::array<HostOperand<S>, I>& inputs,
                                         const std::array<HostView<S>, O>& outputs, Index i,
                                         Index j, Index count, Extra&... extra) {
  [&]<std::size_t... In, std::size_t... Out>(std::index_sequence<In...>,
                                             std::index_sequence<Out...>) {
    const std::array<Pack<S, W>, I> x{load<W>(inputs[In], i, j, count)...};
    std::array<Pack<S, W>, O> y;
    formula(x[In]..., y[Out]..., extra...);
    (store(y[Out], outputs[Out], i, j, count), ...);
  }
  (std::make_index_sequence<I>{}, std::make_index_sequence<O>{});
}

/// The formula over the rectangle of `rows` x `cols` elements at (row, col). Not inlined: one copy
/// of each formula's loop instead of six halves the time to compile a model.
template <int W, class S, class F, std::size_t I, std::size_t O>
[[gnu::noinline]] void sweep(const F& formula, const std::array<HostOperand<S>, I>& inputs,
                             const std::array<HostView<S>, O>& outputs, Index row, Index rows,
                             Index col, Index cols) {
  for (Index j = col; j < col + cols; ++j)
    for (Index i = row; i < row + rows; i += W)
      apply<W, S>(formula, inputs, outputs, i, j, std::min<Index>(W, row + rows - i));
}

/// sum over rows [row, row + rows) of column j of what the formula yields last: lane = index mod W,
/// then a fixed tree. The 16-lane form equals the 64-lane one, whose other lanes would add zeros.
template <int W, class S, class F, std::size_t I, std::size_t O>
[[gnu::noinline]] S sum_down(const F& formula, const std::array<HostOperand<S>, I>& inputs,
                             const std::array<HostView<S>, O>& outputs, Index row, Index rows,
                             Index j) {
  Pack<S, W> total(0), value;
  for (Index i = row; i < row + rows; i += W) {
    const Index count = std::min<Index>(W, row + rows - i);
    apply<W, S>(formula, inputs, outputs, i, j, count, value);
    if (count < W) {
      alignas(64) S lane[W];
      value.store(lane);
      value = Pack<S, W>::load(lane, count);
    }
    total += value;
  }
  return total.sum();
}

/// Whether all operands run through memory without gaps, so that the matrix is one long column.
template <class S, std::size_t I, std::size_t O>
bool flat(const std::array<HostOperand<S>, I>& inputs, const std::array<HostView<S>, O>& outputs,
          Index rows) {
  const auto gapless = [rows](const HostOperand<S>& a) {
    return a.data == nullptr || (a.row_step == 0 && a.col_step == 0) ||
           (a.row_step == 1 && a.col_step == rows);
  };
  return std::all_of(inputs.begin(), inputs.end(), gapless) &&
         std::all_of(outputs.begin(), outputs.end(),
                     [rows](const HostView<S>& y) { return y.ld == rows; });
}

}  // namespace longhand::detail
