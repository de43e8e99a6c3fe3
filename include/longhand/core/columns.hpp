// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <type_traits>

#include "longhand/core/check.hpp"
#include "longhand/core/eigen.hpp"

/// Eigen's matrices as views, for the calls that work in the caller's memory: nothing is copied,
/// and the view is valid as long as the matrix. Writable if the matrix is. The function says how
/// the samples lie; where they do not lie contiguously it does not compile (samples_in_rows() and
/// samples_in_columns() copy them).
namespace longhand {

namespace detail {

template <class X>
auto borrowed(X& x, Index dim, Index count) {
  require(x.innerStride() == 1 || dim <= 1, "the numbers of a sample lie ", x.innerStride(),
          " apart in memory, expected one after the other");
  using S = std::remove_pointer_t<decltype(x.data())>;
  return MatrixView<S, HostMemory>{x.data(), dim, count,
                                   std::max<Index>({x.outerStride(), dim, 1})};
}

/// An object that owns its numbers and is about to be destroyed with them.
template <class X>
inline constexpr bool is_leaving =
    !std::is_lvalue_reference_v<X> &&
    std::is_base_of_v<Eigen::PlainObjectBase<std::decay_t<X>>, std::decay_t<X>>;

}  // namespace detail

/// A dim x count view of a column-major matrix with one sample per column, or of a vector, which is
/// one sample.
///
///   vae.encode(columns_of(x), columns_of(z), workspace);
template <class X>
auto columns_of(X&& x) {
  using Plain = std::decay_t<X>;
  static_assert(!detail::is_leaving<X>, "columns_of borrows: give the matrix a name");
  static_assert(!Plain::IsRowMajor, "one sample per column needs a column-major matrix");
  return detail::borrowed(x, x.rows(), x.cols());
}

/// A dim x count view of a row-major matrix with one sample per row, or of a row vector, which is
/// one sample.
template <class X>
auto rows_of(X&& x) {
  using Plain = std::decay_t<X>;
  static_assert(!detail::is_leaving<X>, "rows_of borrows: give the matrix a name");
  static_assert(Plain::IsRowMajor, "one sample per row needs a row-major matrix");
  return detail::borrowed(x, x.cols(), x.rows());
}

}  // namespace longhand
