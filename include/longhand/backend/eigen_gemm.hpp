// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
#include <string>

#include "longhand/backend/team.hpp"
#include "longhand/core/eigen.hpp"
#include "longhand/core/view.hpp"

/// The matrix product of the CPU backend, over the packing routines and the register kernel of
/// Eigen >= 3.4 (`gemm_pack_lhs`, `gemm_pack_rhs`, `gebp_kernel`): the only file that knows them.
///
/// Why not `C.noalias() = A * B`: Eigen shares k among its blocks by the number of threads, so the
/// bits of a result change with it, and every product allocates, partly inside the parallel region
/// where a failure cannot be reported. Here the output is cut into tiles by its shape alone. A tile
/// is always one sequence of kernel calls over the same chunks of k, whichever thread runs it, so
/// the bits are the same for any number of threads; the threads only decide which tiles share a
/// packing.

namespace longhand::detail {

/// The three steps of a tile's product. No public member is inline, so that programs that define
/// LONGHAND_SEPARATE compile them once (separate/products.ipp).
template <class S>
struct TileKernel {
  /// Tile height: a multiple of every register height of Eigen's kernel (4 to 48 rows), so that a
  /// row's place in its register block never depends on what was packed with it.
  static constexpr Index tile_rows = 48;
  /// Longest chunk of k: a packed tile of the left side (48 KiB) stays near the first-level cache.
  static constexpr Index max_depth = 1024 / sizeof(S);
  /// Widest packed panel of the right side (512 KiB), which stays in the second-level cache.
  static constexpr Index max_cols = 512;
  /// What tiles are multiples of in width: of every register width of Eigen's kernel (4 or 8).
  static constexpr Index min_cols = 8;

  /// `packed` <- op(A) (rows x depth), `a` pointing at its first element.
  static void pack_lhs(Transpose ta, const S* a, Index lda, Index rows, Index depth, S* packed);
  /// `packed` <- op(B) (depth x cols).
  static void pack_rhs(Transpose tb, const S* b, Index ldb, Index depth, Index cols, S* packed);
  /// C (rows x cols) = lhs * rhs or C += lhs * rhs, both packed with this depth; so many columns at
  /// a time, a multiple of min_cols.
  static void multiply(const S* lhs, const S* rhs, Index rows, Index depth, Index cols, S* c,
                       Index ldc, bool assign, Index strip);
  /// c (rows) = op(A) (rows x depth) * x (depth) or c += op(A) * x, nothing packed: a batch of one.
  static void multiply_vector(Transpose ta, const S* a, Index lda, Index rows, Index depth,
                              const S* x, S* c, bool assign);

 private:
  /// C (rows x cols) <- 0.
  static void zero(Index rows, Index cols, S* c, Index ldc) {
    // Stores; std::fill_n becomes a string instruction, which takes longer than a small product.
    using Run = Eigen::Array<S, Eigen::Dynamic, 1>;
    if (ldc == rows) rows *= cols, cols = 1;
    for (Index j = 0; j < cols; ++j) Eigen::Map<Run>(c + j * ldc, rows) = S(0);
  }
  /// Asks for C (rows x cols) in the cache, to be written.
  static void prefetch(Index rows, Index cols, const S* c, Index ldc) {
    constexpr Index line = 64 / sizeof(S);
    for (Index j = 0; j < cols; ++j)
      for (Index i = 0; i < rows; i += line) __builtin_prefetch(c + i + j * ldc, 1);
  }
};

template <class S>
void TileKernel<S>::pack_lhs(Transpose ta, const S* a, Index lda, Index rows, Index depth,
                             S* packed) {
  using namespace Eigen::internal;
  using Traits = gebp_traits<S, S>;
  static_assert(tile_rows % Traits::mr == 0);
  const auto pack = [&]<int order>() {
    using Mapper = const_blas_data_mapper<S, Index, order>;
    gemm_pack_lhs<S, Index, Mapper, Traits::mr, Traits::LhsProgress,
                  typename Traits::LhsPacket4Packing, order>()(packed, Mapper(a, lda), depth, rows);
  };
  ta == Transpose::no ? pack.template operator()<Eigen::ColMajor>()
                      : pack.template operator()<Eigen::RowMajor>();
}

template <class S>
void TileKernel<S>::pack_rhs(Transpose tb, const S* b, Index ldb, Index depth, Index cols,
                             S* packed) {
  using namespace Eigen::internal;
  static_assert(min_cols % gebp_traits<S, S>::nr == 0);
  const auto pack = [&]<int order>() {
    using Mapper = const_blas_data_mapper<S, Index, order>;
    gemm_pack_rhs<S, Index, Mapper, gebp_traits<S, S>::nr, order>()(packed, Mapper(b, ldb), depth,
                                                                    cols);
  };
  tb == Transpose::no ? pack.template operator()<Eigen::ColMajor>()
                      : pack.template operator()<Eigen::RowMajor>();
}

template <class S>
void TileKernel<S>::multiply(const S* lhs, const S* rhs, Index rows, Index depth, Index cols, S* c,
                             Index ldc, bool assign, Index strip) {
  using namespace Eigen::internal;
  using Traits = gebp_traits<S, S>;
  using Mapper = blas_data_mapper<S, Index, Eigen::ColMajor, Eigen::Unaligned>;
  // The kernel reads C, whose columns are too far apart for the processor to guess. Where C is in
  // no cache, waiting for it takes a fifth of the time. So one strip is fetched while the one
  // before is computed, which takes about as long.
  const bool cached = strip >= cols;
  if (!cached) prefetch(rows, strip, c, ldc);
  for (Index j = 0; j < cols; j += strip) {
    const Index width = std::min(strip, cols - j);
    S* const here = c + j * ldc;
    if (!cached) prefetch(rows, std::min(strip, cols - j - width), here + width * ldc, ldc);
    if (assign) zero(rows, width, here, ldc);
    if (depth == 0) continue;
    gebp_kernel<S, S, Index, Mapper, Traits::mr, Traits::nr, false, false>()(
        Mapper(here, ldc), lhs, rhs + j * depth, rows, depth, width, S(1));
  }
}

template <class S>
void TileKernel<S>::multiply_vector(Transpose ta, const S* a, Index lda, Index rows, Index depth,
                                    const S* x, S* c, bool assign) {
  using namespace Eigen::internal;
  if (assign) zero(rows, 1, c, rows);
  const auto add = [&]<int order>() {
    using Matrix = const_blas_data_mapper<S, Index, order>;
    using Vector =
        const_blas_data_mapper<S, Index,
                               order == Eigen::ColMajor ? Eigen::RowMajor : Eigen::ColMajor>;
    general_matrix_vector_product<Index, S, Matrix, order, false, S, Vector, false>::run(
        rows, depth, Matrix(a, lda), Vector(x, 1), c, 1, S(1));
  };
  ta == Transpose::no ? add.template operator()<Eigen::ColMajor>()
                      : add.template operator()<Eigen::RowMajor>();
}

#ifdef LONGHAND_SEPARATE
extern template struct TileKernel<float>;
extern template struct TileKernel<double>;
#endif

/// Per-thread room for packed operands. Products make it grow, before they start threads, until it
/// fits the largest one; after that nothing allocates. One object serves one product at a time.
template <class S>
class PackingBuffers {
 public:
  explicit PackingBuffers(int threads = 0) { reserve(threads); }

  /// Room for at least `threads` threads; throws std::bad_alloc.
  void reserve(int threads) {
    if (threads <= this->threads()) return;
    memory_.reset(new (alignment) S[static_cast<std::size_t>(threads * size)]);
    threads_ = threads;
  }
  int threads() const { return memory_ ? threads_ : 0; }

  /// Where `thread` packs its left and right side, at multiples of 64 bytes.
  S* lhs(int thread) { return memory_.get() + thread * size; }
  S* rhs(int thread) { return lhs(thread) + lhs_size; }

 private:
  static constexpr std::align_val_t alignment{64};
  static constexpr Index lhs_size = TileKernel<S>::max_depth * TileKernel<S>::tile_rows;
  static constexpr Index size = lhs_size + TileKernel<S>::max_depth * TileKernel<S>::max_cols;

  struct Free {
    void operator()(S* p) const { ::operator delete[](p, alignment); }
  };
  std::unique_ptr<S[], Free> memory_;
  int threads_ = 0;
};

inline std::string eigen_version() {
  return "Eigen " + std::to_string(EIGEN_WORLD_VERSION) + "." +
         std::to_string(EIGEN_MAJOR_VERSION) + "." + std::to_string(EIGEN_MINOR_VERSION);
}

constexpr Index ceil_div(Index a, Index b) { return (a + b - 1) / b; }

/// How an output is cut: into tiles by its shape, then into bands of whole tile columns, then each
/// band into parts of equal work, one per thread: runs of its tiles, row of tiles by row of tiles.
template <class S>
struct TilePlan {
  Index tile_cols, depth;      // the tiles and chunks of k, of (m, n, k) only
  Index strip;                 // columns of a tile written at a time, of (m, n, k) only
  Index row_tiles, col_tiles;  // the grid of tiles
  Index bands = 1, parts_per_band = 1;

  TilePlan(Index m, Index n, Index k, Index threads) : m_(m) {
    using Kernel = TileKernel<S>;
    const Index chunks = std::max<Index>(1, ceil_div(k, Kernel::max_depth));
    depth = std::max<Index>(1, ceil_div(k, 8 * chunks)) * 8;  // the kernel unrolls k by 8
    row_tiles = ceil_div(m, Kernel::tile_rows);
    // Narrower tiles until 64 threads would find work, but none too small for the kernel to pay.
    tile_cols = 128;
    while (tile_cols > Kernel::min_cols && row_tiles * ceil_div(n, tile_cols) < 64 &&
           tile_cols * k > 4096)
      tile_cols /= 2;
    col_tiles = ceil_div(n, tile_cols);
    // An output as large as this has left the cache since it was last touched.
    const bool far = m * n * static_cast<Index>(sizeof(S)) >= Index{1} << 20;
    strip = far ? Kernel::min_cols * std::max<Index>(1, 128 / depth) : tile_cols;

    // Least work in a part; packing an element counts as 16 products. A part may begin and end
    // within a row of tiles, and packs those rows for a few of their columns.
    const auto cost = [&](Index of, Index parts) {
      const Index width = std::min(n, ceil_div(col_tiles, of) * tile_cols);
      const Index height = ceil_div(m, parts), partial = parts > 1 ? Kernel::tile_rows / 2 : 0;
      return height * width + 16 * (height + partial + width);
    };
    for (Index of = 1; of <= std::min(threads, col_tiles); ++of) {
      const Index parts = std::min(threads / of, row_tiles * (col_tiles / of));
      if (cost(of, parts) < cost(bands, parts_per_band)) bands = of, parts_per_band = parts;
    }
  }

  Index parts() const { return bands * parts_per_band; }

  struct Place {
    Index row, col;  ///< in tiles, the column counted from the band's first
  };
  struct Part {
    Index left, across;  ///< its band, in tiles
    Place first, end;    ///< its tiles, row of tiles by row of tiles: from `first` to before `end`
  };
  Part part(Index index) const {
    if (parts() == 1)
      return {0, col_tiles, {0, 0}, {row_tiles, 0}};  // small: divisions would count
    const Index band = index / parts_per_band, number = index % parts_per_band;
    const Index left = col_tiles * band / bands, across = col_tiles * (band + 1) / bands - left;
    return {left, across, begin(number, across), begin(number + 1, across)};
  }

 private:
  /// So many tiles into a row of tiles as are nearest to the share of the m rows.
  Place begin(Index number, Index across) const {
    if (number == parts_per_band) return {row_tiles, 0};
    const Index row = m_ * number / parts_per_band, tile = row / TileKernel<S>::tile_rows;
    const Index above = tile * TileKernel<S>::tile_rows;
    const Index height = std::min(TileKernel<S>::tile_rows, m_ - above);
    return {tile, ((row - above) * across + height / 2) / height};
  }

  Index m_;
};

/// C (m x n) = op(A) (m x k) * op(B) (k x n), or C += op(A) * op(B) when `accumulate`;
/// column-major, leading dimensions in elements; C overlaps neither A nor B and is not read when
/// assigned to.
///
/// Each element of C lies in one tile. As soon as a tile is finished the thread that computed it
/// calls `on_tile(row, rows, col, cols)`, while the tile is in its cache: the place for a bias or
/// an activation. It must not throw. Tiles depend on (m, n, k) only; equal bits for any `threads`.
template <class S, class OnTile>
void multiply(const Threads& threads, PackingBuffers<S>& buffers, Transpose ta, Transpose tb,
              Index m, Index n, Index k, const S* a, Index lda, const S* b, Index ldb, S* c,
              Index ldc, bool accumulate, const OnTile& on_tile) {
  using Kernel = TileKernel<S>;
  if (m <= 0 || n <= 0) return;
  const bool vector = n == 1 && tb == Transpose::no;
  // To read an element of A from memory takes as long as some ten multiplications.
  const TilePlan<S> plan(m, n, k, threads.worth(vector ? 10 * m * k : m * n * k).count);
  buffers.reserve(plan.parts() > 1 ? threads.count : 1);  // any thread of a team may claim a part

  const auto compute = [&](Index index, int thread) {
    const typename TilePlan<S>::Part part = plan.part(index);
    S* const lhs = buffers.lhs(thread);
    S* const rhs = buffers.rhs(thread);

    /// body(i, rows, col, end) for the rows of tiles, and their columns in [col, end).
    const auto for_rows_of_tiles = [&](Index from, Index to, const auto& body) {
      for (Index t = part.first.row; t <= std::min(part.end.row, plan.row_tiles - 1); ++t) {
        const Index i = t * Kernel::tile_rows;
        const Index begin =
            (part.left + (t == part.first.row ? part.first.col : 0)) * plan.tile_cols;
        const Index end =
            (part.left + (t == part.end.row ? part.end.col : part.across)) * plan.tile_cols;
        if (std::max(begin, from) < std::min(end, to))
          body(i, std::min(Kernel::tile_rows, m - i), std::max(begin, from), std::min(end, to));
      }
    };
    if (vector)
      return for_rows_of_tiles(0, 1, [&](Index i, Index rows, Index, Index) {
        Kernel::multiply_vector(ta, ta == Transpose::no ? a + i : a + i * lda, lda, rows, k, b,
                                c + i, !accumulate);
        on_tile(i, rows, 0, 1);
      });
    const Index right = std::min(n, (part.left + part.across) * plan.tile_cols);
    for (Index panel = part.left * plan.tile_cols; panel < right; panel += Kernel::max_cols) {
      const Index panel_end = std::min(right, panel + Kernel::max_cols);
      for (Index p = 0; p == 0 || p < k; p += plan.depth) {  // once even when k = 0
        const Index depth = std::min(plan.depth, k - p);
        Kernel::pack_rhs(tb, tb == Transpose::no ? b + p + panel * ldb : b + panel + p * ldb, ldb,
                         depth, panel_end - panel, rhs);
        for_rows_of_tiles(panel, panel_end, [&](Index i, Index rows, Index col, Index end) {
          Kernel::pack_lhs(ta, ta == Transpose::no ? a + i + p * lda : a + p + i * lda, lda, rows,
                           depth, lhs);
          for (Index j = col; j < end; j += plan.tile_cols) {
            const Index cols = std::min(plan.tile_cols, end - j);
            Kernel::multiply(lhs, rhs + (j - panel) * depth, rows, depth, cols, c + i + j * ldc,
                             ldc, p == 0 && !accumulate, p == 0 ? plan.strip : cols);
            if (p + depth == k) on_tile(i, rows, j, cols);
          }
        });
      }
    }
  };

  threads.run(plan.parts(), compute);
}

}  // namespace longhand::detail
