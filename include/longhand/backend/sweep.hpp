// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "longhand/core/view.hpp"
#include "longhand/math/pack.hpp"

/// How the CPU backend walks a formula over matrices: down a column, a pack of W numbers at a time,
/// the tail padded to a full pack so that no number is ever computed by a different instruction.
/// A sum's W follows its shape, never the threads; two widths may differ by one rounding where the
/// compiler fuses a multiply-add in only one of them.
namespace longhand::detail {

inline constexpr int kWide = 32;    ///< lanes of a sum
inline constexpr int kNarrow = 16;  ///< of everything else, and of sums of few rows

template <class S>
using HostOperand = Operand<S, HostMemory>;
template <class S>
using HostView = MatrixView<S, HostMemory>;

/// Where the inputs of a formula lie in one column: element i of each is at first + (i & mask). A
/// number that is the same all down the column (mask 0) is spread over a pack once, so that the
/// loop loads every input alike and branches on none: with branches Adam's sweep takes twice as
/// long.
template <int W, class S, std::size_t I>
class ColumnInputs {
 public:
  void move_to(const std::array<HostOperand<S>, I>& inputs, Index j) {
    for (std::size_t k = 0; k < I; ++k) {
      const HostOperand<S>& from = inputs[k];
      if (from.data != nullptr && from.row_step != 0) {
        first_[k] = from.data + j * from.col_step;
        mask_[k] = -1;
      } else {
        std::fill_n(spread_[k], W,
                    from.data == nullptr ? from.value : from.data[j * from.col_step]);
        first_[k] = spread_[k];
        mask_[k] = 0;
      }
    }
  }
  const S* at(std::size_t k, Index i) const { return first_[k] + (i & mask_[k]); }

 private:
  std::array<const S*, I> first_;
  std::array<Index, I> mask_;
  alignas(64) S spread_[I > 0 ? I : 1][std::size_t{W}];
};

/// y… = formula(x…) on the pack of rows [i, i + W), or on its first `count` when not `full`;
/// `extra` are further results that are not stored (the summand of a reduction).
template <bool full, int W, class S, class F, std::size_t I, std::size_t O, class... Extra>
LONGHAND_INLINE void apply(const F& formula, const ColumnInputs<W, S, I>& x,
                           const std::array<S*, O>& y, Index i, Index count, Extra&... extra) {
  const auto load = [&](const S* from) {
    return full ? Pack<S, W>::load(from) : Pack<S, W>::load(from, count);
  };
  const auto store = [&](const Pack<S, W>& pack, S* to) {
    full ? pack.store(to) : pack.store(to, count);
  };
  [&]<std::size_t... In, std::size_t... Out>(
      std::index_sequence<In...>, std::index_sequence<Out...>) __attribute__((always_inline)) {
    std::array<Pack<S, W>, O> result;
    formula(load(x.at(In, i))..., result[Out]..., extra...);
    (store(result[Out], y[Out] + i), ...);
  }
  (std::make_index_sequence<I>{}, std::make_index_sequence<O>{});
}

template <class S, std::size_t O>
std::array<S*, O> column_of(const std::array<HostView<S>, O>& outputs, Index j) {
  std::array<S*, O> column;
  for (std::size_t k = 0; k < O; ++k) column[k] = outputs[k].data + j * outputs[k].ld;
  return column;
}

/// The formula over the rectangle of `rows` x `cols` elements at (row, col). Not inlined: one copy
/// of each formula's loop instead of six halves the time to compile a model.
template <int W, class S, class F, std::size_t I, std::size_t O>
[[gnu::noinline]] void sweep(const F& formula, const std::array<HostOperand<S>, I>& inputs,
                             const std::array<HostView<S>, O>& outputs, Index row, Index rows,
                             Index col, Index cols) {
  const F f = formula;  // a copy that no output can alias
  ColumnInputs<W, S, I> x;
  for (Index j = col; j < col + cols; ++j) {
    x.move_to(inputs, j);
    const std::array<S*, O> y = column_of(outputs, j);
    Index i = row;
    for (; i + W <= row + rows; i += W) apply<true>(f, x, y, i, W);
    if (i < row + rows) apply<false>(f, x, y, i, row + rows - i);
  }
}

/// sum over rows [row, row + rows) of column j of what the formula yields last: lane = index mod W,
/// then a fixed tree. The 16-lane form equals the 32-lane one, whose other lanes would add zeros.
template <int W, class S, class F, std::size_t I, std::size_t O>
[[gnu::noinline]] S sum_down(const F& formula, const std::array<HostOperand<S>, I>& inputs,
                             const std::array<HostView<S>, O>& outputs, Index row, Index rows,
                             Index j) {
  const F f = formula;
  ColumnInputs<W, S, I> x;
  x.move_to(inputs, j);
  const std::array<S*, O> y = column_of(outputs, j);
  Pack<S, W> total(0), value;
  Index i = row;
  for (; i + W <= row + rows; i += W) {
    apply<true>(f, x, y, i, W, value);
    total += value;
  }
  if (const Index count = row + rows - i; count > 0) {
    apply<false>(f, x, y, i, count, value);
    alignas(64) S lane[std::size_t{W}];
    value.store(lane);
    total += Pack<S, W>::load(lane, count);
  }
  return total.sum();
}

/// sum over columns [0, cols) of what the formula yields last, on the `count` <= W rows from row i
/// on. Columns are added in runs of 32, so that the error grows with the number of runs.
template <int W, class S, class F, std::size_t I>
[[gnu::noinline]] Pack<S, W> sum_across(const F& formula,
                                        const std::array<HostOperand<S>, I>& inputs, Index i,
                                        Index count, Index cols) {
  constexpr Index run_length = 32;
  const F f = formula;
  const std::array<S*, 0> none{};
  ColumnInputs<W, S, I> x;
  Pack<S, W> total(0), value;
  for (Index first = 0; first < cols; first += run_length) {
    Pack<S, W> partial(0);
    for (Index j = first; j < std::min(cols, first + run_length); ++j) {
      x.move_to(inputs, j);
      count == W ? apply<true>(f, x, none, i, W, value) : apply<false>(f, x, none, i, count, value);
      partial += value;
    }
    total += partial;
  }
  return total;
}

/// Matrices of few rows: several columns, one below the other, fill packs that a pack per column
/// would mostly pad. Element i of the n-th of them is at n * rows + i.
inline constexpr Index kFew = kNarrow / 2;

/// Copies columns of R numbers to places at another distance from each other. The compiler knows R
/// and copies a column by an instruction or two. With a length known at run time, a training step
/// of a small net takes a tenth longer.
template <Index R, class S>
void copy_columns(const S* from, Index from_step, S* to, Index to_step, Index columns) {
  for (Index n = 0; n < columns; ++n)
    std::memcpy(to + n * to_step, from + n * from_step, R * sizeof(S));
}
/// The same for `rows` <= kFew numbers.
template <class S>
[[gnu::noinline]] void copy_columns(Index rows, const S* from, Index from_step, S* to,
                                    Index to_step, Index columns) {
  [&]<Index... R>(std::integer_sequence<Index, R...>) {
    ((rows == R + 1 ? copy_columns<R + 1>(from, from_step, to, to_step, columns) : void()), ...);
  }
  (std::make_integer_sequence<Index, kFew>{});
}

template <class S>
void pack_columns(const HostOperand<S>& from, Index rows, Index first, Index columns, S* to) {
  const S* const start = from.data + first * from.col_step;
  if (from.data != nullptr && from.row_step == 1)
    return copy_columns(rows, start, from.col_step, to, rows, columns);
  for (Index n = 0; n < columns; ++n)
    std::fill_n(to + n * rows, rows, from.data == nullptr ? from.value : start[n * from.col_step]);
}

/// A sweep by address, so that what only moves numbers is compiled once for all formulas.
template <class S, std::size_t I, std::size_t O>
using ColumnSweep = void (*)(const void* formula, const std::array<HostOperand<S>, I>&,
                             const std::array<HostView<S>, O>&, Index count);

/// The formula's sweep on columns [col, col + cols) of `rows` <= kFew rows, as on one long column.
template <class S, std::size_t I, std::size_t O>
[[gnu::noinline]] void sweep_packed(const void* formula, ColumnSweep<S, I, O> sweep_column,
                                    const std::array<HostOperand<S>, I>& inputs,
                                    const std::array<HostView<S>, O>& outputs, Index rows,
                                    Index col, Index cols) {
  if (rows == 0) return;
  constexpr Index most = 8 * kNarrow;
  alignas(64) S x[I == 0 ? 1 : I][most];
  alignas(64) S y[O][most];
  const Index together = most / rows;
  for (Index j = col; j < col + cols; j += together) {
    const Index columns = std::min(together, col + cols - j), count = columns * rows;
    std::array<HostOperand<S>, I> in = inputs;
    std::array<HostView<S>, O> out;
    for (std::size_t k = 0; k < I; ++k) {
      const HostOperand<S>& from = inputs[k];
      if (from.data == nullptr || (from.row_step == 0 && from.col_step == 0)) continue;
      pack_columns(from, rows, j, columns, x[k]);
      in[k] = HostOperand<S>(x[k], 1, count);
    }
    for (std::size_t k = 0; k < O; ++k) out[k] = {y[k], count, 1, count};
    sweep_column(formula, in, out, count);
    for (std::size_t k = 0; k < O; ++k)
      copy_columns(rows, y[k], rows, outputs[k].data + j * outputs[k].ld, outputs[k].ld, columns);
  }
}

template <class S, class F, std::size_t I, std::size_t O>
void sweep_few_rows(const F& formula, const std::array<HostOperand<S>, I>& inputs,
                    const std::array<HostView<S>, O>& outputs, Index rows, Index col, Index cols) {
  sweep_packed<S, I, O>(
      &formula,
      [](const void* f, const std::array<HostOperand<S>, I>& in,
         const std::array<HostView<S>, O>& out,
         Index count) { sweep<kNarrow, S>(*static_cast<const F*>(f), in, out, 0, count, 0, 1); },
      inputs, outputs, rows, col, cols);
}

/// sums_j = sum over the `rows` <= kFew rows of column j of what the formula yields last: the
/// tree of sum_down, whose other lanes would add zeros.
template <class S, class F, std::size_t I, std::size_t O>
[[gnu::noinline]] void sum_down_few_rows(const F& formula,
                                         const std::array<HostOperand<S>, I>& inputs,
                                         const std::array<HostView<S>, O>& outputs, Index rows,
                                         Index col, Index cols, const HostView<S>& sums) {
  constexpr int W = kNarrow;
  const F f = formula;
  const Index together = W / std::max<Index>(rows, 1);
  alignas(64) S x[I][W] = {};
  alignas(64) S y[O + 1][W];
  for (Index j = col; j < col + cols; j += together) {
    const Index columns = std::min(together, col + cols - j);
    for (std::size_t k = 0; k < I; ++k) pack_columns(inputs[k], rows, j, columns, x[k]);
    [&]<std::size_t... In, std::size_t... Out>(std::index_sequence<In...>,
                                               std::index_sequence<Out...>) {
      std::array<Pack<S, W>, O + 1> result;
      f(Pack<S, W>::load(x[In])..., result[Out]...);
      (result[Out].store(y[Out]), ...);
    }
    (std::make_index_sequence<I>{}, std::make_index_sequence<O + 1>{});
    for (std::size_t k = 0; k < O; ++k)
      copy_columns(rows, y[k], rows, outputs[k].data + j * outputs[k].ld, outputs[k].ld, columns);
    for (Index n = 0; n < columns; ++n) {
      S lane[kFew] = {};
      std::copy_n(y[O] + n * rows, rows, lane);
      for (Index half = kFew / 2; half > 0; half /= 2)
        for (Index i = 0; i < half; ++i) lane[i] += lane[i + half];
      sums(0, j + n) = lane[0];
    }
  }
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
