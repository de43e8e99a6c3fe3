// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "longhand/core/check.hpp"
#include "longhand/core/extent.hpp"
#include "longhand/core/macros.hpp"
#include "longhand/core/names.hpp"

namespace longhand {

template <class S>
class AnySamples;  // core/samples.hpp, which needs Eigen: files are read without it
template <class S>
class Samples;

/// From the user's units to the model's and back (docs/derivations/input_transform.md). Part of the
/// model and of its file: encoding in a new process must not silently differ.
struct InputTransform {
  enum class Kind { none, unit, symmetric, standardize };
  Kind kind = Kind::none;
  /// One entry per feature, or one for all.
  std::vector<double> shift;
  std::vector<double> scale;
  /// What a byte of a file is divided by to become a number in the user's units: 255, or 1 for
  /// bytes that are 0 and 1. (Bytes in memory always stand for b / 255, see core/byte.hpp.)
  double byte_unit = 255;

  bool identity() const { return kind == Kind::none; }

  /// Fits a transform to data (D x N; NaN entries are left out):
  ///   unit: the data's range to [0, 1];  symmetric: to [-1, 1];  standardize: per feature,
  ///   mean 0 and standard deviation 1 (constant features keep scale 1).
  /// Throws std::invalid_argument naming the feature whose numbers are too large or too near to one
  /// another for S.
  template <class S>
  static InputTransform fit(Kind kind, const MatrixView<const S, HostMemory>& x) {
    return fit_numbers<S>(kind, x);
  }
  template <class S>
  static InputTransform fit(Kind kind, const AnySamples<S>& x) {
    return x.visit([&](const auto& view) { return fit_numbers<S>(kind, view); });
  }

  /// What is to be taken off every feature, in double, before its numbers become S: the mean of a
  /// standardised feature that lies so far from 0 that S would hold less than 12 bits of how much
  /// the feature varies (seconds since 1970 in float), 0 for the others. Empty if all are 0. It
  /// follows from the transform alone, so that every later file is read as the first one was.
  template <class S>
  std::vector<double> offsets() const {
    if (kind != Kind::standardize) return {};
    const double far = std::ldexp(1.0, std::numeric_limits<S>::digits - 12);
    std::vector<double> all(shift.size(), 0.0);
    bool any = false;
    for (std::size_t i = 0; i < shift.size(); ++i) {
      if (!(std::abs(shift[i]) > far * scale[scale.size() == 1 ? 0 : i])) continue;
      all[i] = shift[i];
      any = true;
    }
    return any ? all : std::vector<double>();
  }
  /// The same transform for numbers from which these offsets were taken.
  InputTransform after(const std::vector<double>& offsets) const {
    InputTransform result = *this;
    for (std::size_t i = 0; i < offsets.size(); ++i) result.shift[i] -= offsets[i];
    return result;
  }

  /// Throws std::invalid_argument where S cannot hold a shift or a scale.
  template <class S>
  void require_fits() const {
    for (std::size_t i = 0; i < shift.size(); ++i)
      require(std::isfinite(static_cast<S>(shift[i])), "column ", i,
              ": the numbers are too large, ", "the input transform would subtract ", shift[i]);
    for (std::size_t i = 0; i < scale.size(); ++i) {
      require(std::isfinite(static_cast<S>(scale[i])), "column ", i,
              ": the numbers are too large, ", "the input transform would divide by ", scale[i]);
      require(static_cast<S>(scale[i]) > 0, "column ", i, ": the numbers are too near to one ",
              "another, the input transform would divide by ", scale[i]);
    }
  }

 private:
  template <class S, class X>
  static InputTransform fit_numbers(Kind kind, const MatrixView<const X, HostMemory>& x) {
    if (kind == Kind::none) return {};
    InputTransform fitted =
        kind == Kind::standardize ? standard<S>(x) : from_range(kind, extent_of<S>(x));
    fitted.after(fitted.offsets<S>()).template require_fits<S>();
    return fitted;
  }

  static InputTransform from_range(Kind kind, const Extent& extent) {
    require(extent.low <= extent.high, "the data has no value to fit an input transform to");
    const double range = extent.high > extent.low ? extent.high - extent.low : 1;
    if (kind == Kind::unit) return {kind, {extent.low}, {range}};
    return {kind, {extent.low + range / 2}, {range / 2}};
  }

  /// The transform that standardises every feature, from two passes over the data, sample by sample
  /// as it lies in memory. Sums are of differences to the feature's first number: the mean of equal
  /// numbers is then that number, to the last bit, and their deviation 0.
  template <class S, class X>
  static InputTransform standard(const MatrixView<const X, HostMemory>& x) {
    const auto rows = static_cast<std::size_t>(x.rows);
    std::vector<double> count(rows), first(rows), mean(rows), squares(rows), largest(rows),
        deviation(rows, 1);
    const auto for_each_number = [&](const auto& body) {
      for (Index j = 0; j < x.cols; ++j)
        for (Index i = 0; i < x.rows; ++i) {
          const auto v = static_cast<double>(as_number<S>(x(i, j)));
          if (std::isfinite(v)) body(static_cast<std::size_t>(i), v);
        }
    };
    for_each_number([&](std::size_t i, double v) {
      if (count[i] == 0) first[i] = v;
      mean[i] += v - first[i];
      count[i] += 1;
    });
    for (std::size_t i = 0; i < rows; ++i) mean[i] = count[i] > 0 ? mean[i] / count[i] : 0;
    for_each_number([&](std::size_t i, double v) {
      const double difference = v - first[i] - mean[i];
      squares[i] += difference * difference;
      largest[i] = std::max(largest[i], std::abs(difference));
    });
    for (std::size_t i = 0; i < rows; ++i) {
      const double d = std::sqrt(squares[i] / count[i]);
      // Differences whose squares are below all numbers are no equal numbers.
      if (d > 0 || largest[i] > 0) deviation[i] = d > 0 ? d : largest[i];
      mean[i] += first[i];
    }
    return {Kind::standardize, std::move(mean), std::move(deviation)};
  }
};

/// The transform that brings every feature of these samples to mean 0 and standard deviation 1:
///
///     Vae vae(Gaussian{…}, {…, .transform = standardized(samples_in_rows(X))});
template <class S>
InputTransform standardized(const Samples<S>& x) {
  return InputTransform::fit<S>(InputTransform::Kind::standardize, x.view());
}

/// What to say of samples that enter a model as they are, in units of very different size: one
/// variance for all features then means that the small ones are not learned. It looks at the root
/// mean square of every feature over the first 4096 samples; empty if the largest is less than 100
/// times the smallest, features that are 0 left out, or at most 2, as that of pixels is.
template <class S>
std::string remark_on_sizes(const AnySamples<S>& x) {
  constexpr Index most_samples = 4096;
  constexpr double most_ratio = 100;
  double least = std::numeric_limits<double>::infinity(), most = 0;
  x.visit([&](const auto& view) {
    std::vector<double> squares(static_cast<std::size_t>(view.rows), 0.0);
    for (Index j = 0; j < std::min(view.cols, most_samples); ++j)
      for (Index i = 0; i < view.rows; ++i) {
        const auto v = static_cast<double>(as_number<S>(view(i, j)));
        if (std::isfinite(v)) squares[static_cast<std::size_t>(i)] += v * v;
      }
    for (const double sum : squares) {
      if (sum > 0) least = std::min(least, sum);
      most = std::max(most, sum);
    }
  });
  const double samples = static_cast<double>(std::min(x.count(), most_samples));
  if (!(most >= most_ratio * most_ratio * least && most > 4 * samples)) return "";
  return "the columns differ in size by a factor of " +
         std::to_string(std::llround(std::sqrt(most / least))) +
         ", and a Gaussian has one variance for all of them: the small ones are hardly learned "
         "without an input transform that standardises (.transform, --standardize)";
}

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

}  // namespace longhand
