// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>

#include "longhand/backend/register_kernel.hpp"
#include "longhand/backend/team.hpp"
#include "longhand/core/view.hpp"

/// The matrix product of the CPU backend: how the work is cut, and what is copied for it
/// (docs/architecture.md, "Products").
///
/// Why not `C.noalias() = A * B`: Eigen shares k among its blocks by the number of threads, so the
/// bits of a result change with it, and every product allocates, partly inside the parallel region
/// where a failure cannot be reported. Here K alone is cut, into even chunks of at most so many
/// steps, and each element of C is the sum of one chain of multiply-adds per chunk. So its bits
/// depend on K, and neither on the threads nor on where a part begins nor on how many columns the
/// matrices have: the rest of the work may be cut as balance demands.
///
/// An operand is read where it lies if it lies well: A if its columns run down memory as those of C
/// do, B if K runs down its columns. Otherwise it is copied first, a panel of A or a part of B at a
/// time.
namespace longhand::detail {

/// Per-thread room for copied operands. Products make it grow, before they start threads, until
/// there is some for each; after that nothing allocates. One object serves one product at a time.
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

  /// Where `thread` copies its left and right side to, at multiples of 64 bytes.
  S* lhs(int thread) { return memory_.get() + thread * size; }
  S* rhs(int thread) { return lhs(thread) + lhs_size; }

 private:
  using Kernel = RegisterKernel<S>;
  static constexpr std::align_val_t alignment{64};
  // A packet that reaches into the next step may reach behind the last one.
  static constexpr Index lhs_size = Kernel::max_depth * Kernel::panel_rows + 64;
  static constexpr Index size = lhs_size + Kernel::rhs_size;

  struct Free {
    void operator()(S* p) const { ::operator delete[](p, alignment); }
  };
  std::unique_ptr<S[], Free> memory_;
  int threads_ = 0;
};

constexpr Index ceil_div(Index a, Index b) { return (a + b - 1) / b; }

/// The numbers [first, end) of run `index` of `runs`: [0, n) cut at multiples of `unit`, evenly.
struct Run {
  Index first, end;

  Run(Index n, Index unit, Index index, Index runs) {
    const Index units = ceil_div(n, unit);
    first = units * index / runs * unit;
    end = std::min(n, units * (index + 1) / runs * unit);
  }
  Index length() const { return end - first; }
};

/// Parts of C: so many down and so many across.
struct ProductParts {
  Index down = 1, across = 1;
  Index count() const { return down * across; }

  /// As many as there are threads, so that the largest is as small as can be. Parts side by side
  /// transpose the same rows of A, an element in the time of some 16 multiplications. Where A needs
  /// no copy there are twice as many parts: a thread that another program holds up then leaves its
  /// second one to the others.
  template <class S>
  static ProductParts of(Index m, Index n, bool transposes_a, Index threads) {
    using Kernel = RegisterKernel<S>;
    const Index most = threads > 1 && !transposes_a ? 2 * threads : threads;
    const auto cost = [&](Index d, Index x) {
      const Run rows(m, Kernel::lanes, d - 1, d), cols(n, Kernel::width, x - 1, x);
      return rows.length() * (cols.length() + (transposes_a ? 16 : 0));
    };
    ProductParts best;
    for (Index d = 1; d <= most; ++d)
      if (const Index x = most / d; cost(d, x) < cost(best.down, best.across)) best = {d, x};
    return best;
  }
};

/// C (m x n) = op(A) (m x k) * op(B) (k x n), or C += op(A) * op(B) when `accumulate`;
/// column-major, leading dimensions in elements; C overlaps neither A nor B and is not read when
/// assigned to.
///
/// Each element of C lies in one tile. As soon as a tile is finished the thread that computed it
/// calls `on_tile(row, rows, col, cols)`, while the tile is in its cache: the place for a bias or
/// an activation. It must not throw. Equal bits for any `threads`, and for any rows and columns of
/// C computed alone; a product with a single column is another sum, as Eigen's.
template <class S, class OnTile>
void multiply(const Threads& threads, PackingBuffers<S>& buffers, Transpose ta, Transpose tb,
              Index m, Index n, Index k, const S* a, Index lda, const S* b, Index ldb, S* c,
              Index ldc, bool accumulate, const OnTile& on_tile) {
  using Kernel = RegisterKernel<S>;
  constexpr Index most_cols = 128;  // of a tile, which is then still in the cache for its epilogue
  if (m <= 0 || n <= 0) return;
  const bool vector = n == 1 && tb == Transpose::no;
  const bool copies_b = tb == Transpose::yes && m > Kernel::panel_rows;  // read more than once
  // Packets that are whole cache lines are read at full speed where they lie, even when each step
  // is on another page; smaller ones waste half of every other line, again for every `width`
  // columns. Steps that lie a multiple of 1 KiB apart share a few places of the first-level cache.
  const bool lies_well = n <= 64 || (Kernel::lanes * sizeof(S) % 64 == 0 &&
                                     lda * static_cast<Index>(sizeof(S)) % 1024 != 0);
  const Index chunks = std::max<Index>(1, ceil_div(k, Kernel::max_depth));
  const auto a_at = [&](Index i, Index p) {
    return a + (ta == Transpose::no ? i + p * lda : p + i * lda);
  };

  // To read an element of A from memory takes the time of some ten multiplications.
  const Threads team = threads.worth(vector ? 10 * m * k : m * n * k);
  ProductParts parts = ProductParts::of<S>(m, n, ta == Transpose::yes, team.count);
  if (vector) parts = {std::min<Index>(team.count, ceil_div(m, Kernel::lanes)), 1};
  buffers.reserve(parts.count() > 1 ? threads.count : 1);  // any thread of a team may claim a part

  team.run(parts.count(), [&](Index part, int thread) {
    const Run down(m, Kernel::lanes, part % parts.down, parts.down),
        across(n, Kernel::width, part / parts.down, parts.across);
    if (down.length() <= 0 || across.length() <= 0) return;
    if (vector) {
      Kernel::multiply_vector(ta, a_at(down.first, 0), lda, down.length(), k, b, c + down.first,
                              !accumulate);
      return on_tile(down.first, down.length(), Index(0), Index(1));
    }
    const Index panels = ceil_div(down.length(), Kernel::panel_rows);
    for (Index chunk = 0; chunk < chunks; ++chunk) {
      const Run steps(k, 1, chunk, chunks);
      const Index p = steps.first, depth = steps.length();
      // Columns whose copy has room; all of them where nothing is copied.
      const Index room =
          copies_b ? Kernel::rhs_size / std::max<Index>(depth, 1) / Kernel::width * Kernel::width
                   : n;
      for (Index first = across.first; first < across.end; first += room) {
        const Index end = std::min(across.end, first + room);
        if (copies_b)
          Kernel::pack_rhs(b + first + p * ldb, ldb, depth, end - first, buffers.rhs(thread));
        for (Index panel = 0; panel < panels; ++panel) {
          const Run run(down.length(), Kernel::lanes, panel, panels);
          const Index i = down.first + run.first, rows = run.length();
          const bool copies_a = ta == Transpose::yes || rows % Kernel::lanes != 0 || !lies_well;
          if (copies_a) Kernel::pack_lhs(ta, a_at(i, p), lda, rows, depth, buffers.lhs(thread));
          const S* const left = copies_a ? buffers.lhs(thread) : a_at(i, p);
          const Index a_step = copies_a ? Kernel::padded(rows) : lda;
          for (Index j = first; j < end; j += most_cols) {
            const Index cols = std::min(most_cols, end - j);
            const typename Kernel::Rhs right =
                copies_b ? typename Kernel::Rhs{buffers.rhs(thread) + (j - first) * depth,
                                                Kernel::width, 1, Kernel::width * depth}
                : tb == Transpose::no
                    ? typename Kernel::Rhs{b + p + j * ldb, 1, ldb, Kernel::width * ldb}
                    : typename Kernel::Rhs{b + j + p * ldb, ldb, 1, Kernel::width};
            Kernel::multiply(rows, cols, depth, left, a_step, right, c + i + j * ldc, ldc,
                             chunk == 0 && !accumulate);
            if (chunk == chunks - 1) on_tile(i, rows, j, cols);
          }
        }
      }
    }
  });
}

}  // namespace longhand::detail
