// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "longhand/core/check.hpp"
#include "longhand/core/extent.hpp"
#include "longhand/core/macros.hpp"
#include "longhand/core/names.hpp"
#include "longhand/math/bernoulli.hpp"

namespace longhand {

template <class S>
class AnySamples;  // core/samples.hpp, which needs Eigen: files are read without it

/// From the user's units to the model's and back (docs/derivations/input_transform.md). Part of the
/// model and of its file: encoding in a new process must not silently differ.
struct InputTransform {
  enum class Kind { none, unit, symmetric, standardize };
  Kind kind = Kind::none;
  /// One entry per feature, or one for all.
  std::vector<double> shift;
  std::vector<double> scale;

  bool identity() const { return kind == Kind::none; }

  /// Fits a transform to data (D x N; NaN entries are left out):
  ///   unit: the data's range to [0, 1];  symmetric: to [-1, 1];  standardize: per feature,
  ///   mean 0 and standard deviation 1 (constant features keep scale 1).
  template <class S>
  static InputTransform fit(Kind kind, const MatrixView<const S, HostMemory>& x) {
    return fit_numbers<S>(kind, x);
  }
  template <class S>
  static InputTransform fit(Kind kind, const AnySamples<S>& x) {
    return x.visit([&](const auto& view) { return fit_numbers<S>(kind, view); });
  }

 private:
  template <class S, class X>
  static InputTransform fit_numbers(Kind kind, const MatrixView<const X, HostMemory>& x) {
    if (kind == Kind::none) return {};
    return kind == Kind::standardize ? standard<S>(x) : from_range(kind, extent_of<S>(x));
  }

  static InputTransform from_range(Kind kind, const Extent& extent) {
    require(extent.low <= extent.high, "the data has no value to fit an input transform to");
    const double range = extent.high > extent.low ? extent.high - extent.low : 1;
    if (kind == Kind::unit) return {kind, {extent.low}, {range}};
    return {kind, {extent.low + range / 2}, {range / 2}};
  }

  /// The transform that standardises every feature, from two passes over the data, sample by sample
  /// as it lies in memory.
  template <class S, class X>
  static InputTransform standard(const MatrixView<const X, HostMemory>& x) {
    const auto rows = static_cast<std::size_t>(x.rows);
    std::vector<double> count(rows), mean(rows), squares(rows), deviation(rows, 1);
    const auto for_each_number = [&](const auto& body) {
      for (Index j = 0; j < x.cols; ++j)
        for (Index i = 0; i < x.rows; ++i) {
          const auto v = static_cast<double>(as_number<S>(x(i, j)));
          if (!std::isnan(v)) body(static_cast<std::size_t>(i), v);
        }
    };
    for_each_number([&](std::size_t i, double v) {
      mean[i] += v;
      count[i] += 1;
    });
    for (std::size_t i = 0; i < rows; ++i) mean[i] = count[i] > 0 ? mean[i] / count[i] : 0;
    for_each_number([&](std::size_t i, double v) { squares[i] += (v - mean[i]) * (v - mean[i]); });
    for (std::size_t i = 0; i < rows; ++i) {
      const double d = std::sqrt(squares[i] / count[i]);
      if (d > 0) deviation[i] = d;
    }
    return {Kind::standardize, std::move(mean), std::move(deviation)};
  }
};

constexpr std::array<NamedChoice<InputTransform::Kind>, 4> names_in(InputTransform::Kind) {
  using Kind = InputTransform::Kind;
  return {{{Kind::none, "none"},
           {Kind::unit, "unit"},
           {Kind::symmetric, "symmetric"},
           {Kind::standardize, "standardize"}}};
}

/// One element of the transform and of its inverse.
struct ToModelUnits {
  template <class T>
  LONGHAND_HD void operator()(const T& x, const T& shift, const T& scale, T& y) const {
    y = (x - shift) / scale;  // [INP-1]
  }
};
struct ToUserUnits {
  template <class T>
  LONGHAND_HD void operator()(const T& y, const T& shift, const T& scale, T& x) const {
    x = y * scale + shift;  // [INP-2]
  }
};

/// From a grey pixel in the user's units to a binary one in the model's: both of the above at once.
struct DrawPixelInModelUnits {
  template <class T>
  LONGHAND_HD void operator()(const T& x, const T& shift, const T& scale, const T& u,
                              T& pixel) const {
    T grey;
    ToModelUnits{}(x, shift, scale, grey);
    DrawPixel{}(grey, u, pixel);
  }
};

}  // namespace longhand
