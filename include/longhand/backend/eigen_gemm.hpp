// SPDX-License-Identifier: MIT
#pragma once

#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
#pragma GCC diagnostic push  // g++ 12 finds its own AVX-512 intrinsics uninitialised
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <Eigen/Core>
#pragma GCC diagnostic pop
#else
#include <Eigen/Core>
#endif
#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
#ifdef _OPENMP
#include <omp.h>
#endif

/// The matrix product of the CPU backend, over the packing routines and the register kernel of
/// Eigen >= 3.4 (`gemm_pack_lhs`, `gemm_pack_rhs`, `gebp_kernel`): the only file that knows them.
///
/// Why not `C.noalias() = A * B`: Eigen shares K among its blocks by the number of threads, so the
/// bits of a result change with it, and every product allocates, partly inside the parallel region
/// where a failure cannot be reported. Here the output is cut into tiles by its shape alone. A tile
/// is always one sequence of kernel calls over the same K chunks, whichever thread runs it, so the
/// bits are the same for any number of threads; the threads only decide which tiles share a
/// packing.

namespace longhand {
using Index = std::ptrdiff_t;
}

namespace longhand::detail {

enum class Transpose { no, yes };

/// The three steps of a tile's product. No member is inline, so that they can be compiled once
/// (src/instantiate/gemm.cpp) for programs that define LONGHAND_EXTERN_TEMPLATES.
template <class S>
struct TileKernel {
  /// Tile height: a multiple of every register height of Eigen's kernel (4 to 48 rows), so that a
  /// row's place in its register block never depends on what was packed with it.
  static constexpr Index tile_rows = 48;
  /// Longest K chunk: a packed tile of the left side (48 KiB) stays near the first-level cache.
  static constexpr Index max_depth = 1024 / sizeof(S);
  /// Widest packed panel of the right side (512 KiB), which stays in the second-level cache.
  static constexpr Index max_cols = 512;

  /// `packed` <- op(A) (rows x depth), `a` pointing at its first element.
  static void pack_lhs(Transpose ta, const S* a, Index lda, Index rows, Index depth, S* packed);
  /// `packed` <- op(B) (depth x cols).
  static void pack_rhs(Transpose tb, const S* b, Index ldb, Index depth, Index cols, S* packed);
  /// C (rows x cols) += lhs * rhs, both packed with this depth.
  static void add_product(const S* lhs, const S* rhs, Index rows, Index depth, Index cols, S* c,
                          Index ldc);
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
  const auto pack = [&]<int order>() {
    using Mapper = const_blas_data_mapper<S, Index, order>;
    gemm_pack_rhs<S, Index, Mapper, gebp_traits<S, S>::nr, order>()(packed, Mapper(b, ldb), depth,
                                                                    cols);
  };
  tb == Transpose::no ? pack.template operator()<Eigen::ColMajor>()
                      : pack.template operator()<Eigen::RowMajor>();
}

template <class S>
void TileKernel<S>::add_product(const S* lhs, const S* rhs, Index rows, Index depth, Index cols,
                                S* c, Index ldc) {
  using namespace Eigen::internal;
  using Traits = gebp_traits<S, S>;
  using Mapper = blas_data_mapper<S, Index, Eigen::ColMajor, Eigen::Unaligned>;
  gebp_kernel<S, S, Index, Mapper, Traits::mr, Traits::nr, false, false>()(Mapper(c, ldc), lhs, rhs,
                                                                           rows, depth, cols, S(1));
}

#ifdef LONGHAND_EXTERN_TEMPLATES
extern template struct TileKernel<float>;
extern template struct TileKernel<double>;
#endif

/// Per-thread room for packed operands, allocated once and outside any parallel region. One object
/// serves one product at a time.
template <class S>
class PackingBuffers {
 public:
  explicit PackingBuffers(int threads = 1) { reserve(threads); }

  /// Makes room for at least `threads` threads; throws std::bad_alloc.
  void reserve(int threads) {
    if (threads <= threads_) return;
    memory_.reset(new (alignment) S[static_cast<std::size_t>(threads * (lhs_size + rhs_size))]);
    threads_ = threads;
  }

  int threads() const { return threads_; }
  S* lhs(int thread) { return memory_.get() + thread * (lhs_size + rhs_size); }
  S* rhs(int thread) { return lhs(thread) + lhs_size; }

 private:
  static constexpr std::align_val_t alignment{64};
  static constexpr Index lhs_size = TileKernel<S>::max_depth * TileKernel<S>::tile_rows;
  static constexpr Index rhs_size = TileKernel<S>::max_depth * TileKernel<S>::max_cols;

  struct Free {
    void operator()(S* p) const { ::operator delete[](p, alignment); }
  };
  std::unique_ptr<S[], Free> memory_;
  int threads_ = 0;
};

constexpr Index ceil_div(Index a, Index b) { return (a + b - 1) / b; }

/// How an output is cut: into tiles by its shape, then into rectangles of tiles, one per thread.
template <class S>
struct TilePlan {
  Index tile_cols, depth;              // of (m, n, k) only
  Index row_tiles, col_tiles;          // the grid of tiles
  Index row_parts = 1, col_parts = 1;  // the grid of rectangles, from the number of threads

  TilePlan(Index m, Index n, Index k, int threads) {
    using Kernel = TileKernel<S>;
    row_tiles = ceil_div(m, Kernel::tile_rows);
    // Narrower tiles until 64 threads would find work, but none too small for the kernel to pay.
    tile_cols = 128;
    while (tile_cols > 8 && row_tiles * ceil_div(n, tile_cols) < 64 && tile_cols * k > 4096)
      tile_cols /= 2;
    col_tiles = ceil_div(n, tile_cols);
    depth = ceil_div(ceil_div(k, std::max<Index>(1, ceil_div(k, Kernel::max_depth))), 8) * 8;

    // A thread costs too much for less than about 30 us of work.
    constexpr double work_per_thread = 2e6;
    const double work = static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
    const Index useful = 1 + static_cast<Index>(std::min(work / work_per_thread, 4096.0));
    const Index parts = std::min<Index>(threads, useful);
    // Least time of the slowest rectangle; packing an element costs about as much as 16 products.
    const auto cost = [&](Index rows, Index cols) {
      const Index height = ceil_div(row_tiles, rows) * Kernel::tile_rows;
      const Index width = ceil_div(col_tiles, cols) * tile_cols;
      return height * width + 16 * (height + width);
    };
    for (Index cols = 1; cols <= std::min(parts, col_tiles); ++cols) {
      const Index rows = std::min(parts / cols, row_tiles);
      if (cost(rows, cols) < cost(row_parts, col_parts)) row_parts = rows, col_parts = cols;
    }
  }
};

/// C (m x n) = op(A) (m x k) * op(B) (k x n), or C += op(A) * op(B) when `accumulate`;
/// column-major, leading dimensions in elements; C overlaps neither A nor B and is not read when
/// assigned to.
///
/// Each element of C lies in one tile. As soon as a tile is finished the thread that computed it
/// calls `on_tile(row, rows, col, cols)`, while the tile is in its cache: the place for a bias or
/// an activation. Tiles depend on (m, n, k) only. At most min(threads, buffers.threads()) threads
/// work. No allocation; equal bits for any number of threads.
template <class S, class OnTile>
void multiply(int threads, PackingBuffers<S>& buffers, Transpose ta, Transpose tb, Index m, Index n,
              Index k, const S* a, Index lda, const S* b, Index ldb, S* c, Index ldc,
              bool accumulate, const OnTile& on_tile) noexcept {
  using Kernel = TileKernel<S>;
  if (m <= 0 || n <= 0) return;
  const TilePlan<S> plan(m, n, k, std::min(threads, buffers.threads()));

  const auto rectangle = [&](Index part, int thread) {
    const Index part_row = part % plan.row_parts, part_col = part / plan.row_parts;
    const Index first_row = plan.row_tiles * part_row / plan.row_parts * Kernel::tile_rows;
    const Index first_col = plan.col_tiles * part_col / plan.col_parts * plan.tile_cols;
    const Index last_row =
        std::min(m, plan.row_tiles * (part_row + 1) / plan.row_parts * Kernel::tile_rows);
    const Index last_col =
        std::min(n, plan.col_tiles * (part_col + 1) / plan.col_parts * plan.tile_cols);
    S* const lhs = buffers.lhs(thread);
    S* const rhs = buffers.rhs(thread);

    for (Index panel = first_col; panel < last_col; panel += Kernel::max_cols) {
      const Index panel_end = std::min(panel + Kernel::max_cols, last_col);
      Index p = 0;
      do {
        const Index depth = std::min(plan.depth, k - p);
        if (depth > 0)
          Kernel::pack_rhs(tb, tb == Transpose::no ? b + p + panel * ldb : b + panel + p * ldb, ldb,
                           depth, panel_end - panel, rhs);
        for (Index i = first_row; i < last_row; i += Kernel::tile_rows) {
          const Index rows = std::min(Kernel::tile_rows, last_row - i);
          if (depth > 0)
            Kernel::pack_lhs(ta, ta == Transpose::no ? a + i + p * lda : a + p + i * lda, lda, rows,
                             depth, lhs);
          for (Index j = panel; j < panel_end; j += plan.tile_cols) {
            const Index cols = std::min(plan.tile_cols, panel_end - j);
            S* const tile = c + i + j * ldc;
            if (p == 0 && !accumulate)
              for (Index col = 0; col < cols; ++col) std::fill_n(tile + col * ldc, rows, S(0));
            if (depth > 0)
              Kernel::add_product(lhs, rhs + (j - panel) * depth, rows, depth, cols, tile, ldc);
            if (p + depth >= k) on_tile(i, rows, j, cols);
          }
        }
        p += plan.depth;
      } while (p < k);
    }
  };

  const Index parts = plan.row_parts * plan.col_parts;
#ifdef _OPENMP
  if (parts > 1) {
#pragma omp parallel for num_threads(static_cast <int>(parts)) schedule(static, 1)
    for (Index part = 0; part < parts; ++part) rectangle(part, omp_get_thread_num());
    return;
  }
#endif
  for (Index part = 0; part < parts; ++part) rectangle(part, 0);
}

}  // namespace longhand::detail
