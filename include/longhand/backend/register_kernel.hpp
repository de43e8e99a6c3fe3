// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>

#include "longhand/core/eigen.hpp"
#include "longhand/core/macros.hpp"
#include "longhand/core/view.hpp"
#include "longhand/math/pack.hpp"

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push  // vector types as arguments of Eigen's templates
#pragma GCC diagnostic ignored "-Wignored-attributes"
#endif

namespace longhand::detail {

/// The part of a matrix product that knows registers: a few packets of A's rows times a few columns
/// of B, all sums in registers. Every step of K loads each packet of A once and each number of B
/// once, and adds their products.
///
/// (Eigen 3.4's own kernel is not used because g++ 12 compiles it for AVX-512 so that every
/// multiply-add loads its packet of A again: 16 loads for 12 of them, three quarters of the speed.)
///
/// Every element of C is one chain of multiply-adds over the steps of a call, so its bits depend
/// neither on the rows nor on the columns that are computed with it. No public member is inline, so
/// that programs that define LONGHAND_SEPARATE compile them once (separate/products.ipp).
template <class S>
struct RegisterKernel {
  using Packet = typename Eigen::internal::packet_traits<S>::type;
  static constexpr Index lanes = Eigen::internal::unpacket_traits<Packet>::size;
  static constexpr bool fused =
#if defined(__SSE2__) && !defined(EIGEN_VECTORIZE_FMA)
      false;  // a product needs a register of its own before it is added
#else
      true;
#endif
  /// The block of registers: 24 sums of 32 registers, 12 of 16 (8 without a fused multiply-add);
  /// the others hold A's packets and B's number.
  static constexpr int height = fused ? 3 : 2;
  static constexpr int width = EIGEN_ARCH_DEFAULT_NUMBER_OF_REGISTERS >= 32 ? 8 : 4;
  static constexpr Index panel_rows = height * lanes;
  /// Longest chunk of K: a copied panel of A (96 KiB with AVX-512) stays near the first-level
  /// cache.
  static constexpr Index max_depth = 2048 / sizeof(S);
  /// Room for a copy of a part of B, which stays in the second-level cache.
  static constexpr Index rhs_size = (512 << 10) / sizeof(S);

  /// Rows of A as they are copied: whole packets, or half of one.
  static constexpr Index padded(Index rows) {
    return rows <= half_lanes ? half_lanes : (rows + lanes - 1) / lanes * lanes;
  }

  /// `panel` <- op(A) (up to panel_rows x depth), step of K by step, padded(rows) numbers each.
  static void pack_lhs(Transpose ta, const S* a, Index lda, Index rows, Index depth, S* panel);
  /// `packed` <- the transpose of B (cols x depth), `width` columns after the other, step by step.
  static void pack_rhs(const S* b, Index ldb, Index depth, Index cols, S* packed);

  /// Where B's numbers are: (p, j) at b + p * step + j * column, and `next` on for every `width`
  /// columns.
  struct Rhs {
    const S* at;
    Index step, column, next;
  };
  /// C (up to panel_rows x cols) = A B, or C += A B. Step p of A is at a + p * a_step: where A lies
  /// in whole packets, or as pack_lhs() has copied it.
  static void multiply(Index rows, Index cols, Index depth, const S* a, Index a_step, Rhs b, S* c,
                       Index ldc, bool assign);
  /// c (rows) = op(A) (rows x depth) * x (depth) or c += op(A) * x, nothing copied: a batch of one.
  static void multiply_vector(Transpose ta, const S* a, Index lda, Index rows, Index depth,
                              const S* x, S* c, bool assign);

 private:
  using Half = typename Eigen::internal::unpacket_traits<Packet>::half;
  /// Products of few rows take half a packet, which an AVX-512 unit that is 32 bytes wide computes
  /// in half the time. Smaller packets gain nothing.
  static constexpr Index half_lanes =
      sizeof(Packet) == 64 ? Eigen::internal::unpacket_traits<Half>::size : 0;

  /// P packets of type V by N columns of C. Unrolled, so that `sum` lives in registers. `last` is
  /// how many rows the last packet has.
  template <class V, int P, int N>
  LONGHAND_INLINE static void block(Index depth, const S* a, Index a_step, const S* b, Index step,
                                    Index column, S* c, Index ldc, Index last, bool assign) {
    using namespace Eigen::internal;
    constexpr Index L = unpacket_traits<V>::size;
    V sum[std::size_t(P)][std::size_t(N)];
#pragma GCC unroll 8
    for (int j = 0; j < N; ++j)
#pragma GCC unroll 4
      for (int i = 0; i < P; ++i) sum[i][j] = pset1<V>(S(0));
    const auto add_step = [&]() __attribute__((always_inline)) {
      V x[std::size_t(P)];
#pragma GCC unroll 4
      for (int i = 0; i < P; ++i) x[i] = ploadu<V>(a + i * L);
#pragma GCC unroll 8
      for (int j = 0; j < N; ++j) {
        const V y = pset1<V>(b[j * column]);
#pragma GCC unroll 4
        for (int i = 0; i < P; ++i) sum[i][j] = pmadd(x[i], y, sum[i][j]);
      }
      a += a_step, b += step;
    };
    // C may be in no cache, and its columns are too far apart for the processor to guess: its lines
    // are asked for while the sums grow, one a step where there are steps enough.
    const bool long_chain = depth >= 64;
    Index p = 0;
    for (int j = 0; j < N; ++j)
      for (int i = 0; i < P; ++i) {
        __builtin_prefetch(c + i * L + j * ldc, 1);
        if (long_chain) add_step(), ++p;
      }
    for (; p < depth; ++p) add_step();
#pragma GCC unroll 8
    for (int j = 0; j < N; ++j)
#pragma GCC unroll 4
      for (int i = 0; i < P; ++i) {
        S* const to = c + i * L + j * ldc;
        if (i < P - 1 || last == L)
          pstoreu(to, assign ? sum[i][j] : padd(ploadu<V>(to), sum[i][j]));
        else
          store_part(to, assign ? sum[i][j] : padd(load_part<V>(to, last), sum[i][j]), last);
      }
  }

  /// All columns of a panel of P packets, `width` at a time. A function of its own for each height,
  /// or g++ keeps the places of the columns in vector registers.
  template <class V, int P>
  [[gnu::noinline]] static void panel(Index rows, Index cols, Index depth, const S* a, Index a_step,
                                      Rhs b, S* c, Index ldc, bool assign) {
    const Index last = rows - (P - 1) * Eigen::internal::unpacket_traits<V>::size;
    for (Index j = 0; j < cols; j += width, b.at += b.next) {
      const S* right = b.at;
      S* to = c + j * ldc;
      Index left = std::min<Index>(width, cols - j);
      const auto columns = [&]<int N>() {
        if (left < N) return;
        block<V, P, N>(depth, a, a_step, right, b.step, b.column, to, ldc, last, assign);
        right += N * b.column, to += N * ldc, left -= N;
      };
      columns.template operator()<width>();
      if constexpr (width > 4) columns.template operator()<4>();
      columns.template operator()<2>();
      columns.template operator()<1>();
      columns.template operator()<1>();  // three are left of 4
    }
  }
};

template <class S>
void RegisterKernel<S>::multiply(Index rows, Index cols, Index depth, const S* a, Index a_step,
                                 Rhs b, S* c, Index ldc, bool assign) {
  if constexpr (half_lanes > 0)
    if (rows <= half_lanes) return panel<Half, 1>(rows, cols, depth, a, a_step, b, c, ldc, assign);
  if (rows <= lanes) return panel<Packet, 1>(rows, cols, depth, a, a_step, b, c, ldc, assign);
  if (height == 2 || rows <= 2 * lanes)
    return panel<Packet, 2>(rows, cols, depth, a, a_step, b, c, ldc, assign);
  if constexpr (height > 2) panel<Packet, 3>(rows, cols, depth, a, a_step, b, c, ldc, assign);
}

template <class S>
void RegisterKernel<S>::pack_lhs(Transpose ta, const S* a, Index lda, Index rows, Index depth,
                                 S* panel) {
  using namespace Eigen::internal;
  // A packet of the last rows may reach into the next step, which is written after it.
  const Index step = padded(rows);
  if (ta == Transpose::no) {
    for (Index p = 0; p < depth; ++p, a += lda, panel += step)
      for (Index i = 0; i < rows; i += lanes)
        pstoreu(panel + i,
                rows - i >= lanes ? ploadu<Packet>(a + i) : load_part<Packet>(a + i, rows - i));
    return;
  }
  // Squares of one packet of numbers by one packet of them, turned in registers.
  const auto turn = [&](Index i, Index p, Index across, Index down) __attribute__((always_inline)) {
    PacketBlock<Packet, lanes> square;
#pragma GCC unroll 16
    for (Index q = 0; q < lanes; ++q) {
      const S* const from = a + p + (i + q) * lda;
      square.packet[q] = q >= across     ? pset1<Packet>(S(0))
                         : down == lanes ? ploadu<Packet>(from)
                                         : load_part<Packet>(from, down);
    }
    ptranspose(square);
#pragma GCC unroll 16
    for (Index q = 0; q < lanes; ++q)
      if (q < down) pstoreu(panel + (p + q) * step + i, square.packet[q]);
  };
  for (Index p = 0; p < depth; p += lanes)
    for (Index i = 0; i < rows; i += lanes) {
      const Index across = std::min(lanes, rows - i), down = std::min(lanes, depth - p);
      if (across == lanes && down == lanes) {
        turn(i, p, lanes, lanes);
      } else if (sizeof(Packet) == 64) {
        turn(i, p, across, down);
      } else {  // without masks a part of a packet is read number by number
        for (Index q = 0; q < down; ++q)
          for (Index r = 0; r < std::min(lanes, step - i); ++r)
            panel[(p + q) * step + i + r] = r < across ? a[p + q + (i + r) * lda] : S(0);
      }
    }
}

template <class S>
void RegisterKernel<S>::pack_rhs(const S* b, Index ldb, Index depth, Index cols, S* packed) {
  for (Index j = 0; j < cols; j += width) {
    const Index count = std::min<Index>(width, cols - j);
    for (Index p = 0; p < depth; ++p, packed += width) {
      const S* const from = b + j + p * ldb;
      if (count == width)
        std::copy_n(from, width, packed);
      else
        std::copy_n(from, count, packed);
    }
  }
}

template <class S>
void RegisterKernel<S>::multiply_vector(Transpose ta, const S* a, Index lda, Index rows,
                                        Index depth, const S* x, S* c, bool assign) {
  using namespace Eigen::internal;
  if (assign) Eigen::Map<Eigen::Array<S, Eigen::Dynamic, 1>>(c, rows) = S(0);
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
extern template struct RegisterKernel<float>;
extern template struct RegisterKernel<double>;
#endif

}  // namespace longhand::detail

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
