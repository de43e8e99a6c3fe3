// SPDX-License-Identifier: MIT
#pragma once

#include "longhand/core/eigen.hpp"
#include "longhand/core/view.hpp"

namespace longhand::detail {

/// detail::multiply (backend/product.hpp) by Eigen's own product, for comparison and as its judge:
/// -Dgemm=eigen, or LONGHAND_EIGEN_PRODUCTS in the whole program. It allocates, its bits depend on
/// all sizes, and it sets Eigen's own number of threads, which is global, to 1.
template <class S, class OnTile>
void multiply_by_eigen(Transpose ta, Transpose tb, Index m, Index n, Index k, const S* a, Index lda,
                       const S* b, Index ldb, S* c, Index ldc, bool accumulate,
                       const OnTile& on_tile) {
  if (m <= 0 || n <= 0) return;
  using Matrix = Eigen::Matrix<S, Eigen::Dynamic, Eigen::Dynamic>;
  using Stride = Eigen::OuterStride<>;
  using In = Eigen::Map<const Matrix, Eigen::Unaligned, Stride>;
  const bool turn_a = ta == Transpose::yes, turn_b = tb == Transpose::yes;
  const In left(a, turn_a ? k : m, turn_a ? m : k, Stride(lda));
  const In right(b, turn_b ? n : k, turn_b ? k : n, Stride(ldb));
  Eigen::Map<Matrix, Eigen::Unaligned, Stride> out(c, m, n, Stride(ldc));
  Eigen::setNbThreads(1);
  if (!accumulate) out.setZero();
  if (turn_a && turn_b)
    out.noalias() += left.transpose() * right.transpose();
  else if (turn_a)
    out.noalias() += left.transpose() * right;
  else if (turn_b)
    out.noalias() += left * right.transpose();
  else
    out.noalias() += left * right;
  on_tile(Index(0), m, Index(0), n);
}

}  // namespace longhand::detail
