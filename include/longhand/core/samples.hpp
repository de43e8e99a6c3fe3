// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstdint>
#include <utility>
#include <variant>

#include "longhand/core/byte.hpp"
#include "longhand/core/check.hpp"
#include "longhand/core/eigen.hpp"

namespace longhand {

/// A set of samples at the public edge, whose orientation was said aloud: a transposed square
/// matrix raises no error, so nothing here guesses. Inside, a sample is a column.
///
///   vae.encode(samples_in_rows(X)).in_rows()
template <class S>
class Samples {
 public:
  using Matrix = Eigen::Matrix<S, Eigen::Dynamic, Eigen::Dynamic>;

  Samples() = default;
  explicit Samples(Matrix columns) : owned_(std::move(columns)) { look_at_own(); }
  /// Borrows contiguous columns, which must outlive this object.
  explicit Samples(MatrixView<const S, HostMemory> columns) : view_(columns) {
    require(columns.contiguous(), "samples have a leading dimension of ", columns.ld, ", expected ",
            columns.rows);
  }
  Samples(Samples&& other) noexcept : owned_(std::move(other.owned_)), view_(other.view_) {}
  Samples& operator=(Samples&& other) noexcept {
    owned_ = std::move(other.owned_);
    view_ = other.view_;
    return *this;
  }

  bool present() const { return view_.present(); }
  Index dim() const { return view_.rows; }
  Index count() const { return view_.cols; }
  MatrixView<const S, HostMemory> view() const { return view_; }

  /// One sample per column (dim x count).
  Matrix in_columns() const { return map(); }
  /// One sample per row (count x dim).
  Matrix in_rows() const { return map().transpose(); }

 private:
  auto map() const {
    return Eigen::Map<const Matrix, 0, Eigen::OuterStride<>>(
        view_.data, view_.rows, view_.cols, Eigen::OuterStride<>(std::max<Index>(view_.ld, 1)));
  }
  void look_at_own() { view_ = {owned_.data(), owned_.rows(), owned_.cols(), owned_.rows()}; }

  Matrix owned_;
  MatrixView<const S, HostMemory> view_;
};

/// A part of a data set: numbers, or bytes, a byte b standing for b / 255. Pixels kept as the bytes
/// they come as take a quarter of the memory, and lose nothing.
template <class S>
class AnySamples {
 public:
  AnySamples() = default;
  AnySamples(Samples<S> numbers) : samples_(std::move(numbers)) {}
  AnySamples(Samples<std::uint8_t> bytes) : samples_(std::move(bytes)) {}

  bool present() const {
    return visit([](const auto& view) { return view.present(); });
  }
  Index dim() const {
    return visit([](const auto& view) { return view.rows; });
  }
  Index count() const {
    return visit([](const auto& view) { return view.cols; });
  }
  /// Element i of sample j.
  S operator()(Index i, Index j) const {
    return visit([&](const auto& view) { return as_number<S>(view(i, j)); });
  }
  /// The view of what is held: MatrixView<const S, HostMemory>, or of bytes.
  template <class F>
  auto visit(const F& f) const {
    return std::visit([&](const auto& samples) { return f(samples.view()); }, samples_);
  }
  /// As numbers. Borrows where they are numbers, else copies.
  Samples<S> numbers() const {
    if (const auto* own = std::get_if<Samples<S>>(&samples_)) return Samples<S>(own->view());
    typename Samples<S>::Matrix columns(dim(), count());
    const auto bytes = std::get<Samples<std::uint8_t>>(samples_).view();
    std::transform(bytes.data, bytes.data + bytes.size(), columns.data(),
                   [](std::uint8_t byte) { return as_number<S>(byte); });
    return Samples<S>(std::move(columns));
  }

 private:
  std::variant<Samples<S>, Samples<std::uint8_t>> samples_;
};

/// X has one sample per row, as data frames and numpy have it. Copies.
template <class Derived>
Samples<typename Derived::Scalar> samples_in_rows(const Eigen::MatrixBase<Derived>& X) {
  return Samples<typename Derived::Scalar>(
      typename Samples<typename Derived::Scalar>::Matrix(X.transpose()));
}

/// X has one sample per column. Copies.
template <class Derived>
Samples<typename Derived::Scalar> samples_in_columns(const Eigen::MatrixBase<Derived>& X) {
  return Samples<typename Derived::Scalar>(typename Samples<typename Derived::Scalar>::Matrix(X));
}

/// count samples of dim numbers each, one after the other in memory (row-major count x dim, the
/// order of IDX, npy and PyTorch). Borrows: `data` must outlive the result.
template <class S>
Samples<S> samples_in_memory(const S* data, Index count, Index dim) {
  return Samples<S>(MatrixView<const S, HostMemory>{data, dim, count, std::max<Index>(dim, 1)});
}

}  // namespace longhand
