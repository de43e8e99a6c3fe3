// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <concepts>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <variant>

#include "longhand/core/byte.hpp"
#include "longhand/core/check.hpp"
#include "longhand/core/columns.hpp"
#include "longhand/core/eigen.hpp"

namespace longhand {

/// A set of samples at the public edge, whose orientation was said aloud: a transposed square
/// matrix raises no error, so nothing here guesses. Inside, a sample is a column.
///
///   vae.encode(samples_in_rows(X)).in_rows()
template <class S>
class Samples {
 public:
  using Matrix = ColumnMajor<S>;

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
  /// Borrowed: a set of samples that is about to be destroyed does not convert.
  operator MatrixView<const S, HostMemory>() const& { return view_; }
  operator MatrixView<const S, HostMemory>() const&& = delete;

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
  /// f(the view of the samples), which is a MatrixView<const S, HostMemory>, or one of bytes.
  template <class F>
  auto visit(const F& f) const {
    return std::visit([&](const auto& samples) { return f(samples.view()); }, samples_);
  }
  /// The samples as numbers: borrowed where they are numbers, else a copy.
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

/// Samples of either kind, borrowed for a call.
template <class S>
class AnySamplesView {
 public:
  AnySamplesView(const Samples<S>& numbers) : view_(numbers.view()) {}
  AnySamplesView(const Samples<std::uint8_t>& bytes) : view_(bytes.view()) {}
  AnySamplesView(const AnySamples<S>& samples) {
    samples.visit([&](const auto& view) { view_ = view; });
  }

  Index count() const {
    return visit([](const auto& view) { return view.cols; });
  }
  template <class F>
  auto visit(const F& f) const {
    return std::visit(f, view_);
  }

 private:
  std::variant<MatrixView<const S, HostMemory>, MatrixView<const std::uint8_t, HostMemory>> view_;
};

/// A view of `count` samples of `dim` numbers each, one after the other in memory (row-major count
/// x dim, the order of IDX, npy and PyTorch). It borrows: `data` must outlive the result.
template <class S>
Samples<S> samples_in_memory(const S* data, Index count, Index dim) {
  return Samples<S>(MatrixView<const S, HostMemory>{data, dim, count, std::max<Index>(dim, 1)});
}

/// The samples of X, which has one per row, as data frames and numpy have it. A row-major matrix or
/// map without gaps between its rows is borrowed and must outlive the result; everything else is
/// copied.
template <class X>
requires std::derived_from<std::remove_cvref_t<X>, Eigen::MatrixBase<std::remove_cvref_t<X>>>
auto samples_in_rows(X&& x) {
  using Plain = std::remove_cvref_t<X>;
  using S = typename Plain::Scalar;
  constexpr bool in_memory = (Plain::Flags & Eigen::DirectAccessBit) != 0;
  if constexpr (in_memory && Plain::IsRowMajor && !detail::is_leaving<X>) {
    const bool gapless = x.innerStride() == 1 && (x.outerStride() == x.cols() || x.rows() <= 1);
    if (gapless) return samples_in_memory<S>(x.data(), x.rows(), x.cols());
  }
  return Samples<S>(typename Samples<S>::Matrix(x.transpose()));
}

/// The samples of X, which has one per column. Copies.
template <class Derived>
Samples<typename Derived::Scalar> samples_in_columns(const Eigen::MatrixBase<Derived>& X) {
  return Samples<typename Derived::Scalar>(typename Samples<typename Derived::Scalar>::Matrix(X));
}

}  // namespace longhand
