// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>

#include "longhand/core/backend.hpp"
#include "longhand/core/byte.hpp"
#include "longhand/core/counted_copy.hpp"
#include "longhand/core/normal.hpp"
#include "longhand/core/permutation.hpp"
#include "longhand/core/uniform.hpp"
#include "longhand/core/view.hpp"
#include "longhand/math/scalar.hpp"

/// What each thread of the CUDA backend does, in plain C++: index arithmetic, tails and sums that
/// a test runs on the CPU, over blocks and threads as loops. Only their launching needs a GPU
/// (backend/cuda_launch.cuh).
///
/// A kernel is an object with
///
///   blocks()                      how many blocks of kThreads threads it needs
///   phases()                      how often it is called; between two phases all threads of a
///                                 block wait for each other
///   operator()(phase, at, shared) what thread `at` does; `shared` holds kThreads numbers that the
///                                 threads of a block have in common
///
/// In one phase no thread reads what another writes, so their order is free. Sums have a shape that
/// depends on the matrix alone, and nothing is added atomically: equal bits in every run.
namespace longhand::cuda {

inline constexpr int kThreads = 256;
/// A sweep over more elements than this many blocks have threads goes over them in several turns.
inline constexpr Index kMostBlocks = 2048;

struct Place {
  Index block;
  Index blocks;
  int thread;
};

LONGHAND_HD constexpr Index ceil_div(Index a, Index b) { return (a + b - 1) / b; }

/// Blocks of a sweep with one thread per element.
constexpr Index blocks_for(Index elements) {
  const Index needed = ceil_div(elements, kThreads);
  return needed < kMostBlocks ? needed : kMostBlocks;
}

/// Phases of a sum over `lanes` threads: each one's own part, then halves onto halves.
LONGHAND_HD constexpr int tree_phases(int lanes) {
  int phases = 1;
  for (; lanes > 1; lanes /= 2) ++phases;
  return phases;
}

/// A phase from 1 on of that sum; the lanes' numbers lie `stride` apart, this one's at `mine`. True
/// on the thread that now has the whole sum.
LONGHAND_HD inline bool add_halves(int phase, int lanes, int lane, float* mine, int stride = 1) {
  const int half = lanes >> phase;
  if (lane < half) *mine += mine[half * stride];
  return lane == 0 && half == 1;
}

/// std::array for kernels, whose members a device may call; never empty.
template <class T, std::size_t N>
struct Array {
  T item[N == 0 ? 1 : N];
  LONGHAND_HD constexpr T& operator[](std::size_t k) { return item[k]; }
  LONGHAND_HD constexpr const T& operator[](std::size_t k) const { return item[k]; }
};

/// A formula with what it reads and writes, for one element at a time.
template <class F, std::size_t I, std::size_t O>
struct Sweep {
  struct Input {
    const float* data;
    Index row_step, col_step;
    float value;
    LONGHAND_HD float at(Index i, Index j) const {
      return data == nullptr ? value : data[i * row_step + j * col_step];
    }
  };
  struct Output {
    float* data;
    Index ld;
  };
  F formula;
  Array<Input, I> in;
  Array<Output, O> out;

  template <class Memory>
  Sweep(const F& f, const std::array<Operand<float, Memory>, I>& inputs,
        const std::array<MatrixView<float, Memory>, O>& outputs)
      : formula(f), in{}, out{} {
    std::size_t k = 0;
    for (const auto& x : inputs) in[k++] = {x.data, x.row_step, x.col_step, x.value};
    k = 0;
    for (const auto& y : outputs) out[k++] = {y.data, y.ld};
  }

  /// Reads all inputs before it writes, so that an element may be updated in place. `extra` are
  /// further outputs that are not stored (the summand of a reduction).
  template <class... Extra>
  LONGHAND_HD void element(Index i, Index j, Extra&... extra) const {
    element(std::make_index_sequence<I>{}, std::make_index_sequence<O>{}, i, j, extra...);
  }

  /// Whether all operands run through memory without gaps, so that the matrix is one long column.
  bool flat(Index rows) const {
    bool gapless = true;
    for (std::size_t k = 0; k < I; ++k)
      gapless &= in[k].data == nullptr || (in[k].row_step == 0 && in[k].col_step == 0) ||
                 (in[k].row_step == 1 && in[k].col_step == rows);
    for (std::size_t k = 0; k < O; ++k) gapless &= out[k].ld == rows;
    return gapless;
  }

 private:
  template <std::size_t... In, std::size_t... Out, class... Extra>
  LONGHAND_HD void element(std::index_sequence<In...>, std::index_sequence<Out...>, Index i,
                           Index j, Extra&... extra) const {
    const Array<float, I> x{{in[In].at(i, j)...}};
    Array<float, O> y{};
    formula(x[In]..., y[Out]..., extra...);
    ((out[Out].data[i + j * out[Out].ld] = y[Out]), ...);
  }
};

/// What a thread does with an element of a Then, or of Nothing.
struct NoSweep {
  LONGHAND_HD void element(Index, Index) const {}
};
inline NoSweep sweep_of(const Nothing&) { return {}; }
template <class B, class F, std::size_t I, std::size_t O>
Sweep<F, I, O> sweep_of(const Then<B, F, I, O>& next) {
  return {next.formula, next.inputs, next.outputs};
}
template <class Next>
using SweepOf = decltype(sweep_of(std::declval<const Next&>()));

/// f(in_ij…, out_ij…) for every element, one thread each; nothing where *only_if is 0.
template <class F, std::size_t I, std::size_t O>
struct ForEach {
  static constexpr const char* name = "for_each";
  Sweep<F, I, O> sweep;
  Index rows, cols;
  const float* only_if;  ///< null: always

  template <class Memory>
  ForEach(const F& f, const std::array<Operand<float, Memory>, I>& in,
          const std::array<MatrixView<float, Memory>, O>& out, const float* condition)
      : sweep(f, in, out), rows(out[0].rows), cols(out[0].cols), only_if(condition) {
    if (!sweep.flat(rows)) return;
    rows *= cols;  // one long column needs no division
    cols = rows > 0 ? 1 : 0;
  }

  Index blocks() const { return blocks_for(rows * cols); }
  LONGHAND_HD static constexpr int phases() { return 1; }

  LONGHAND_HD void operator()(int, const Place& at, float*) const {
    if (only_if != nullptr && *only_if == 0) return;
    for (Index e = at.block * kThreads + at.thread; e < rows * cols; e += at.blocks * kThreads) {
      if (cols == 1)
        sweep.element(e, 0);
      else
        sweep.element(e % rows, e / rows);
    }
  }
};

/// s_j = sum_i v_ij. A column has `lanes` threads; lane l adds rows l, l + lanes, …, then the lanes
/// are added in a tree. Short columns share a block.
template <class F, std::size_t I, std::size_t O, class Next = Nothing>
struct ReduceColumns {
  static constexpr const char* name = "reduce_columns";
  Sweep<F, I, O> sweep;
  SweepOf<Next> next;
  Index rows, cols;
  float* sums;
  Index sum_step;
  int lanes = 32;

  template <class Memory>
  ReduceColumns(const F& f, const std::array<Operand<float, Memory>, I>& in,
                const std::array<MatrixView<float, Memory>, O>& out, Index row_count,
                const MatrixView<float, Memory>& to, const Next& then = {})
      : sweep(f, in, out),
        next(sweep_of(then)),
        rows(row_count),
        cols(to.cols),
        sums(to.data),
        sum_step(to.ld) {
    while (lanes < kThreads && lanes < rows) lanes *= 2;
  }

  Index blocks() const { return ceil_div(cols, kThreads / lanes); }
  LONGHAND_HD int phases() const { return tree_phases(lanes); }

  LONGHAND_HD void operator()(int phase, const Place& at, float* shared) const {
    const int lane = at.thread % lanes;
    const Index j = at.block * (kThreads / lanes) + at.thread / lanes;
    if (phase == 0) {
      float sum = 0;
      for (Index i = lane; j < cols && i < rows; i += lanes) {
        float value;
        sweep.element(i, j, value);
        next.element(i, j);
        sum += value;
      }
      shared[at.thread] = sum;
      return;
    }
    float* const mine = shared + at.thread;
    if (add_halves(phase, lanes, lane, mine) && j < cols) sums[j * sum_step] = *mine;
  }
};

/// Numbers that the blocks of one sum leave for its second pass.
inline constexpr Index kPartials = Index{1} << 16;

/// s_i = sum_j v_ij (or +=), rows next to each other in memory. A block takes a strip of 8 rows (32
/// bytes, the smallest piece of memory a GPU fetches) of a run of columns; slice k adds columns k,
/// k + 32, … of the run, then the slices are added in a tree. With more runs than one, run p leaves
/// its sums in column p of a matrix, whose rows a second ReduceRows adds.
template <class F, std::size_t I>
struct ReduceRows {
  static constexpr const char* name = "reduce_rows";
  static constexpr int kStrip = 8;
  static constexpr int kSlices = kThreads / kStrip;
  Sweep<F, I, 0> sweep;
  Index rows, cols, runs;
  float* sums;
  bool accumulate;

  template <class Memory>
  ReduceRows(const F& f, const std::array<Operand<float, Memory>, I>& in, Index row_count,
             Index col_count, Index run_count, float* to, bool add)
      : sweep(f, in, std::array<MatrixView<float, Memory>, 0>{}),
        rows(row_count),
        cols(col_count),
        runs(run_count),
        sums(to),
        accumulate(add) {}

  /// How many runs the columns are cut into: a function of the shape alone.
  static constexpr Index runs_of(Index rows, Index cols) {
    const Index runs = cols / 1024, room = kPartials / (rows > 0 ? rows : 1);
    return runs < 2 || room < 2 ? 1 : runs < room ? runs : room;
  }

  LONGHAND_HD Index strips() const { return ceil_div(rows, kStrip); }
  Index blocks() const { return strips() * runs; }
  LONGHAND_HD static constexpr int phases() { return tree_phases(kSlices); }

  LONGHAND_HD void operator()(int phase, const Place& at, float* shared) const {
    const int slice = at.thread / kStrip;
    const Index i = at.block % strips() * kStrip + at.thread % kStrip, run = at.block / strips();
    if (phase == 0) {
      const Index length = ceil_div(cols, runs), first = run * length;
      const Index end = first + length < cols ? first + length : cols;
      float sum = 0;
      for (Index j = first + slice; i < rows && j < end; j += kSlices) {
        float value;
        sweep.element(i, j, value);
        sum += value;
      }
      shared[at.thread] = sum;
      return;
    }
    float* const mine = shared + at.thread;
    if (add_halves(phase, kSlices, slice, mine, kStrip) && i < rows) {
      float& sum = sums[run * rows + i];
      sum = accumulate ? sum + *mine : *mine;
    }
  }
};

/// How many parts a sum of everything has: a function of the count alone.
inline constexpr Index kMostParts = kThreads;
constexpr Index parts_of(Index count) {
  const Index parts = ceil_div(count, 4096);
  return parts < 1 ? 1 : parts < kMostParts ? parts : kMostParts;
}

/// Partial sums of `count` elements of gapless operands: block p adds a run of its own, lane l
/// elements l, l + 256, … of the run, then the lanes in a tree. A second Reduce with one part adds
/// the partial sums. What follows is for the Reduce that makes the whole sum.
template <class F, std::size_t I, class Next = Nothing>
struct Reduce {
  static constexpr const char* name = "reduce";
  Sweep<F, I, 0> sweep;
  SweepOf<Next> next;
  Index count;
  Index parts;
  float* partial;  ///< one number per part

  template <class Memory>
  Reduce(const F& f, const std::array<Operand<float, Memory>, I>& in, Index elements,
         Index part_count, float* to, const Next& then = {})
      : sweep(f, in, std::array<MatrixView<float, Memory>, 0>{}),
        next(sweep_of(then)),
        count(elements),
        parts(part_count),
        partial(to) {}

  Index blocks() const { return parts; }
  LONGHAND_HD static constexpr int phases() { return tree_phases(kThreads); }

  LONGHAND_HD void operator()(int phase, const Place& at, float* shared) const {
    if (phase == 0) {
      const Index length = ceil_div(count, parts), first = at.block * length;
      const Index end = first + length < count ? first + length : count;
      float sum = 0;
      for (Index i = first + at.thread; i < end; i += kThreads) {
        float value;
        sweep.element(i, 0, value);
        sum += value;
      }
      shared[at.thread] = sum;
      return;
    }
    if (!add_halves(phase, kThreads, at.thread, shared + at.thread)) return;
    partial[at.block] = *shared;
    next.element(0, 0);
  }
};

inline constexpr float kLowest = -std::numeric_limits<float>::infinity();

/// A matrix into another of its size, column by column, several threads to a column: lane l of
/// `lanes` has rows l, l + lanes, … Short columns share a block.
struct ColumnLanes {
  const float* x;
  Index x_ld;
  float* y;
  Index y_ld, rows, cols;
  int lanes = 1;

  template <class Memory>
  ColumnLanes(const MatrixView<const float, Memory>& from, const MatrixView<float, Memory>& to)
      : x(from.data), x_ld(from.ld), y(to.data), y_ld(to.ld), rows(from.rows), cols(from.cols) {
    while (lanes < kThreads && lanes < rows) lanes *= 2;
  }
  Index blocks() const { return ceil_div(cols, kThreads / lanes); }
  LONGHAND_HD int lane(const Place& at) const { return at.thread % lanes; }
  LONGHAND_HD Index column(const Place& at) const {
    return at.block * (kThreads / lanes) + at.thread / lanes;
  }
};

/// Y_ij = exp(x_ij - lse_j): the largest of a column in a tree, exponentials into Y, their sum in a
/// tree, and the division. Between the trees the largest waits where lse_j will be.
struct SoftmaxColumns {
  static constexpr const char* name = "softmax_columns";
  ColumnLanes at_once;
  float* log_sum_exp;  ///< null: not wanted
  Index sum_step;

  template <class Memory>
  SoftmaxColumns(const MatrixView<const float, Memory>& from, const MatrixView<float, Memory>& to,
                 const MatrixView<float, Memory>& sums)
      : at_once(from, to), log_sum_exp(sums.present() ? sums.data : nullptr), sum_step(sums.ld) {}

  Index blocks() const { return at_once.blocks(); }
  LONGHAND_HD int phases() const { return 2 * tree_phases(at_once.lanes) + 2; }

  LONGHAND_HD void operator()(int phase, const Place& at, float* shared) const {
    const int lanes = at_once.lanes, lane = at_once.lane(at), tree = tree_phases(lanes);
    const Index j = at_once.column(at), rows = at_once.rows;
    if (j >= at_once.cols) return;
    float* const mine = shared + at.thread;
    const float* const whole = mine - lane;  // what a tree has left for the column
    const float* const from = at_once.x + j * at_once.x_ld;
    float* const to = at_once.y + j * at_once.y_ld;
    float* const sum = log_sum_exp != nullptr && lane == 0 ? log_sum_exp + j * sum_step : nullptr;
    if (phase == 0) {
      float largest = kLowest;
      for (Index i = lane; i < rows; i += lanes) largest = from[i] > largest ? from[i] : largest;
      *mine = largest;
    } else if (phase < tree) {
      const int half = lanes >> phase;
      if (lane < half && mine[half] > *mine) *mine = mine[half];
    } else if (phase == tree) {
      for (Index i = lane; i < rows; i += lanes) to[i] = exp(from[i] - *whole);
      if (sum != nullptr) *sum = *whole;
    } else if (phase == tree + 1) {
      float part = 0;
      for (Index i = lane; i < rows; i += lanes) part += to[i];
      *mine = part;
    } else if (phase <= 2 * tree) {
      add_halves(phase - tree - 1, lanes, lane, mine);
    } else {
      for (Index i = lane; i < rows; i += lanes) to[i] = to[i] / *whole;  // [CAT-1]
      if (sum != nullptr) *sum = *sum + log(*whole);                      // [CAT-2]
    }
  }
};

/// Y_ij = 1 where i is the first of the largest x_ij of column j, else 0: the largest in a tree, 1
/// into Y wherever it stands, the first of these rows in a tree, and 0 for the others. Row numbers
/// travel as floats: a column has at most 2^24 rows.
struct OneHotColumns {
  static constexpr const char* name = "one_hot_columns";
  ColumnLanes at_once;

  template <class Memory>
  OneHotColumns(const MatrixView<const float, Memory>& from, const MatrixView<float, Memory>& to)
      : at_once(from, to) {}

  Index blocks() const { return at_once.blocks(); }
  LONGHAND_HD int phases() const { return 2 * tree_phases(at_once.lanes) + 2; }

  /// The larger; NaN if one is.
  LONGHAND_HD static float larger(float a, float b) { return b > a || b != b ? b : a; }

  LONGHAND_HD void operator()(int phase, const Place& at, float* shared) const {
    const int lanes = at_once.lanes, lane = at_once.lane(at), tree = tree_phases(lanes);
    const Index j = at_once.column(at), rows = at_once.rows;
    if (j >= at_once.cols) return;
    float* const mine = shared + at.thread;
    const float* const whole = mine - lane;
    const float* const from = at_once.x + j * at_once.x_ld;
    float* const to = at_once.y + j * at_once.y_ld;
    if (phase == 0) {
      float largest = kLowest;
      for (Index i = lane; i < rows; i += lanes) largest = larger(largest, from[i]);
      *mine = largest;
    } else if (phase < tree) {
      const int half = lanes >> phase;
      if (lane < half) *mine = larger(*mine, mine[half]);
    } else if (phase == tree) {
      const float largest = *whole;
      for (Index i = lane; i < rows; i += lanes)
        to[i] = largest != largest ? largest : from[i] == largest ? 1.0f : 0.0f;
    } else if (phase == tree + 1) {
      Index first = lane;
      while (first < rows && to[first] != 1) first += lanes;
      *mine = static_cast<float>(first < rows ? first : rows);
    } else if (phase <= 2 * tree) {
      const int half = lanes >> (phase - tree - 1);
      if (lane < half && mine[half] < *mine) *mine = mine[half];
    } else {
      for (Index i = lane; i < rows; i += lanes)
        if (to[i] == 1 && static_cast<float>(i) != *whole) to[i] = 0;
    }
  }
};

/// y_j = the picture x_j moved by the uniforms u_j, one thread per number of it.
struct MovePictures {
  static constexpr const char* name = "move_pictures";
  PictureMoves most;
  const float* u;
  Index u_ld;
  const float* x;
  Index x_ld;
  float* y;
  Index y_ld, count;

  template <class Memory>
  MovePictures(const PictureMoves& moves, const MatrixView<const float, Memory>& numbers,
               const MatrixView<const float, Memory>& from, const MatrixView<float, Memory>& to)
      : most(moves),
        u(numbers.data),
        u_ld(numbers.ld),
        x(from.data),
        x_ld(from.ld),
        y(to.data),
        y_ld(to.ld),
        count(to.rows * to.cols) {}

  Index blocks() const { return blocks_for(count); }
  LONGHAND_HD static constexpr int phases() { return 1; }

  LONGHAND_HD void operator()(int, const Place& at, float*) const {
    const Index size = most.size();
    for (Index e = at.block * kThreads + at.thread; e < count; e += at.blocks * kThreads) {
      const Index j = e / size, i = e % size, pixel = i / most.channels;
      const float* const four = u + j * u_ld;
      const PictureMove move = PictureMove::drawn(most, four[0], four[1], four[2], four[3]);
      y[i + j * y_ld] =
          move.pixel(most, x + j * x_ld, pixel / most.width, pixel % most.width, i % most.channels);
    }
  }
};

/// Which four values a noise block holds.
struct NormalFour {
  LONGHAND_HD static void make(const NoiseKey& key, std::uint32_t row, std::uint32_t quad,
                               float out[4]) {
    normal4(key, row, quad, out);
  }
};
struct UniformFour {
  LONGHAND_HD static void make(const NoiseKey& key, std::uint32_t row, std::uint32_t quad,
                               float out[4]) {
    uniform4(key, row, quad, out);
  }
};

/// Y_ij = noise(seed, ids_j, step, i), one thread per block of four elements.
template <class Four, class Next = Nothing>
struct FillNoise {
  static constexpr const char* name = "fill_noise";
  NoiseKey given;
  SweepOf<Next> next;
  const std::uint32_t* ids;  ///< null: the column's number
  Index id_step;
  float* y;
  Index ld, rows, cols;

  template <class Memory>
  FillNoise(const NoiseKey& noise_key, const MatrixView<const std::uint32_t, Memory>& sample_ids,
            const MatrixView<float, Memory>& to, const Next& then = {})
      : given(noise_key),
        next(sweep_of(then)),
        ids(sample_ids.data),
        id_step(sample_ids.ld),
        y(to.data),
        ld(to.ld),
        rows(to.rows),
        cols(to.cols) {}

  LONGHAND_HD Index quads() const { return ceil_div(rows, 4); }
  Index blocks() const { return blocks_for(quads() * cols); }
  LONGHAND_HD static constexpr int phases() { return 1; }

  LONGHAND_HD void operator()(int, const Place& at, float*) const {
    const NoiseKey key = given.resolved();
    const Index n = quads() * cols;
    for (Index e = at.block * kThreads + at.thread; e < n; e += at.blocks * kThreads) {
      const Index quad = e % quads(), j = e / quads();
      const std::uint32_t row = ids == nullptr ? static_cast<std::uint32_t>(j) : ids[j * id_step];
      float four[4];
      Four::make(key, row, static_cast<std::uint32_t>(quad), four);
      for (Index k = 0; k < 4 && 4 * quad + k < rows; ++k) {
        const Index i = 4 * quad + k;
        y[i + j * ld] = four[k];
        next.element(i, j);
      }
    }
  }
};

/// y_i = ids_{order(i)}, one thread each.
struct Permute {
  static constexpr const char* name = "permute";
  Permutation order;
  const std::uint32_t* ids;
  Index id_step;
  std::uint32_t* y;
  Index y_step, count;

  template <class Memory>
  Permute(const Permutation& permutation, const MatrixView<const std::uint32_t, Memory>& from,
          const MatrixView<std::uint32_t, Memory>& to)
      : order(permutation),
        ids(from.data),
        id_step(from.ld),
        y(to.data),
        y_step(to.ld),
        count(to.cols) {}

  Index blocks() const { return blocks_for(count); }
  LONGHAND_HD static constexpr int phases() { return 1; }

  LONGHAND_HD void operator()(int, const Place& at, float*) const {
    for (Index i = at.block * kThreads + at.thread; i < count; i += at.blocks * kThreads)
      y[i * y_step] = ids[static_cast<Index>(order(static_cast<std::uint32_t>(i))) * id_step];
  }
};

/// f(x_{i, ids_j}, in_ij…, Y_ij) for every element of Y, one thread each; X of numbers or of bytes.
template <class X, class F, std::size_t I>
struct Gather {
  static constexpr const char* name = "gather";
  const X* x;
  Index x_ld;
  const std::uint32_t* ids;
  Index id_step;
  Sweep<F, I, 1> sweep;
  Index rows, cols;

  template <class Memory>
  Gather(const F& f, const MatrixView<const X, Memory>& from,
         const MatrixView<const std::uint32_t, Memory>& sample_ids,
         const std::array<Operand<float, Memory>, I>& in, const MatrixView<float, Memory>& to)
      : x(from.data),
        x_ld(from.ld),
        ids(sample_ids.data),
        id_step(sample_ids.ld),
        sweep(f, in, std::array<MatrixView<float, Memory>, 1>{to}),
        rows(to.rows),
        cols(to.cols) {}

  Index blocks() const { return blocks_for(rows * cols); }
  LONGHAND_HD static constexpr int phases() { return 1; }

  LONGHAND_HD void operator()(int, const Place& at, float*) const {
    for (Index e = at.block * kThreads + at.thread; e < rows * cols; e += at.blocks * kThreads)
      element(std::make_index_sequence<I>{}, e % rows, e / rows);
  }

 private:
  template <std::size_t... In>
  LONGHAND_HD void element(std::index_sequence<In...>, Index i, Index j) const {
    const float number = as_number<float>(x[i + static_cast<Index>(ids[j * id_step]) * x_ld]);
    const Array<float, I> inputs{{sweep.in[In].at(i, j)...}};
    float y;
    sweep.formula(number, inputs[In]..., y);
    sweep.out[0].data[i + j * sweep.out[0].ld] = y;
  }
};

/// Copies whose place depends on *n, a word per thread; then *n += add. One block, whose threads
/// wait for each other before n changes.
template <std::size_t N>
struct CopyAt {
  static constexpr const char* name = "copy_at";
  struct Words {
    const std::uint32_t* from;
    Index from_step;
    std::uint32_t* to;
    Index to_step, count;
  };
  Array<Words, N> copies;
  std::uint32_t* n;
  std::uint32_t add;

  template <class Memory>
  CopyAt(std::uint32_t* number, const std::array<CountedCopy<Memory>, N>& given,
         std::uint32_t summand)
      : copies{}, n(number), add(summand) {
    constexpr Index word = sizeof(std::uint32_t);
    for (std::size_t k = 0; k < N; ++k)
      copies[k] = {static_cast<const std::uint32_t*>(given[k].from), given[k].from_step / word,
                   static_cast<std::uint32_t*>(given[k].to), given[k].to_step / word,
                   given[k].bytes / word};
  }

  Index blocks() const { return 1; }
  LONGHAND_HD static constexpr int phases() { return 2; }

  LONGHAND_HD void operator()(int phase, const Place& at, float*) const {
    if (phase == 1) {
      if (at.thread == 0) *n += add;
      return;
    }
    const Index number = static_cast<Index>(*n);
    for (std::size_t k = 0; k < N; ++k) {
      const std::uint32_t* const from = copies[k].from + number * copies[k].from_step;
      std::uint32_t* const to = copies[k].to + number * copies[k].to_step;
      // Read several before the first is written: one block has nobody else to wait with.
      constexpr int at_once = 8;
      for (Index first = at.thread; first < copies[k].count; first += at_once * kThreads) {
        std::uint32_t words[at_once];
        for (int w = 0; w < at_once; ++w)
          if (first + w * kThreads < copies[k].count) words[w] = from[first + w * kThreads];
        for (int w = 0; w < at_once; ++w)
          if (first + w * kThreads < copies[k].count) to[first + w * kThreads] = words[w];
      }
    }
  }
};

}  // namespace longhand::cuda
