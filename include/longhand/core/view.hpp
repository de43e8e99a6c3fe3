// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace longhand {

using Index = std::ptrdiff_t;

/// How a product reads an operand.
enum class Transpose { no, yes };

/// Where a buffer lives. A view carries it in its type, so that handing host memory to a device
/// primitive does not compile.
struct HostMemory {};
struct DeviceMemory {};

/// A borrowed column-major matrix: element (i, j) is data[i + j * ld]. A sample is a column.
/// Default-constructed it means "absent" (no mask, no condition, no gradient wanted).
template <class T, class Memory>
struct MatrixView {
  T* data = nullptr;
  Index rows = 0;
  Index cols = 0;
  Index ld = 0;

  constexpr bool present() const { return ld > 0; }
  constexpr Index size() const { return rows * cols; }
  constexpr bool contiguous() const { return ld == rows || cols <= 1; }

  constexpr MatrixView middle_rows(Index first, Index count) const {
    return {data + first, count, cols, ld};
  }
  /// Row i as a 1 x cols matrix, its numbers ld apart.
  constexpr MatrixView row(Index i) const { return middle_rows(i, 1); }
  constexpr MatrixView middle_cols(Index first, Index count) const {
    return {data + first * ld, rows, count, ld};
  }

  constexpr T& operator()(Index i, Index j = 0) const requires std::is_same_v<Memory, HostMemory> {
    return data[i + j * ld];
  }

  constexpr operator MatrixView<const T, Memory>() const requires(!std::is_const_v<T>) {
    return {data, rows, cols, ld};
  }
};

template <class B>
using View = MatrixView<typename B::Scalar, typename B::Memory>;
template <class B>
using ConstView = MatrixView<const typename B::Scalar, typename B::Memory>;
/// Data-set sample numbers, one per column of a batch (1 x N).
template <class B>
using SampleIds = MatrixView<const std::uint32_t, typename B::Memory>;
/// A data set of bytes, each of which stands for a number of [0, 1] (core/byte.hpp).
template <class B>
using Bytes = MatrixView<const std::uint8_t, typename B::Memory>;

/// One input of a sweep: a matrix, or something broadcast over it. Reads
/// data[i * row_step + j * col_step], or `value` when data is null.
template <class T, class Memory>
struct Operand {
  const T* data = nullptr;
  Index row_step = 0;
  Index col_step = 0;
  T value{};

  Operand() = default;
  template <class U>
  requires std::is_same_v<std::remove_const_t<U>, T>
  constexpr Operand(const MatrixView<U, Memory>& m) : data(m.data), row_step(1), col_step(m.ld) {}
  constexpr Operand(const T* d, Index rs, Index cs) : data(d), row_step(rs), col_step(cs) {}
  explicit constexpr Operand(T v) : value(v) {}
};

template <class B>
using OperandOf = Operand<typename B::Scalar, typename B::Memory>;

/// A vector stored contiguously, one entry per row, the same for every column (a bias).
template <class T, class Memory>
constexpr auto per_feature(const MatrixView<T, Memory>& vector) {
  return Operand<std::remove_const_t<T>, Memory>(vector.data, 1, 0);
}

/// A 1 x N row, one entry per column, the same for every row (a sample weight).
template <class T, class Memory>
constexpr auto per_sample(const MatrixView<T, Memory>& row) {
  return Operand<std::remove_const_t<T>, Memory>(row.data, 0, row.ld);
}

/// A number that lives in backend memory and may change from step to step.
template <class B>
constexpr OperandOf<B> scalar_at(const typename B::Scalar* p) {
  return OperandOf<B>(p, 0, 0);
}

/// A number fixed by the caller.
template <class B>
constexpr OperandOf<B> constant(double v) {
  return OperandOf<B>(static_cast<typename B::Scalar>(v));
}

/// `optional` if it is there, else the constant `otherwise`.
template <class B>
constexpr OperandOf<B> either(const ConstView<B>& optional, double otherwise) {
  return optional.present() ? OperandOf<B>(optional) : constant<B>(otherwise);
}

/// The inputs and outputs of a sweep, in the order of the formula's arguments.
template <class B, class... A>
constexpr auto in(const A&... operands) {
  return std::array<OperandOf<B>, sizeof...(A)>{OperandOf<B>(operands)...};
}
template <class B, class... A>
constexpr auto out(const A&... views) {
  return std::array<View<B>, sizeof...(A)>{views...};
}

}  // namespace longhand
