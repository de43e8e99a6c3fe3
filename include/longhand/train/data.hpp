// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "longhand/core/backend.hpp"
#include "longhand/core/extent.hpp"
#include "longhand/core/pass.hpp"
#include "longhand/core/samples.hpp"
#include "longhand/models/input_transform.hpp"

namespace longhand {

/// A data set: samples as numbers in the user's units, or as bytes that stand for them, and what
/// comes with them. Only `input` must be there.
template <class S>
struct Data {
  AnySamples<S> input;        ///< D per sample
  AnySamples<S> target;       ///< D per sample, default: the input
  Samples<S> condition;       ///< C per sample, in the user's units
  Samples<S> mask;            ///< D per sample, 1 = observed, 0 = missing
  Samples<S> sample_weights;  ///< 1 per sample

  Index count() const { return input.count(); }
};

/// The class of each sample as a column of zeros and one 1. Throws std::invalid_argument for a
/// label outside [0, classes), naming the sample (its "row", in the user's word).
template <class S, class Label>
Samples<S> one_hot(const std::vector<Label>& labels, Index classes) {
  using Matrix = typename Samples<S>::Matrix;
  Matrix columns = Matrix::Zero(classes, static_cast<Index>(labels.size()));
  for (std::size_t j = 0; j < labels.size(); ++j) {
    const Index label = static_cast<Index>(labels[j]);
    require(label >= 0 && label < classes, "label of row ", j, " is ", label, ", expected 0 to ",
            classes - 1);
    columns(label, static_cast<Index>(j)) = S(1);
  }
  return Samples<S>(std::move(columns));
}

/// A data set where the backend can reach it: borrowed on the host, copied to a device once, bytes
/// as bytes. `data` must outlive it.
template <class B>
class ResidentData {
 public:
  using S = typename B::Scalar;

  /// A sample per column, as numbers or as bytes.
  using Columns = std::variant<ConstView<B>, Bytes<B>>;

  ResidentData(const B& backend, const Data<S>& data)
      : input_(backend, data.input),
        target_(backend, data.target),
        condition_(backend, data.condition),
        mask_(backend, data.mask),
        sample_weights_(backend, data.sample_weights) {}

  Columns input() const { return input_.columns; }
  Columns target() const { return target_.columns; }
  ConstView<B> condition() const { return condition_.numbers(); }
  ConstView<B> mask() const { return mask_.numbers(); }
  ConstView<B> sample_weights() const { return sample_weights_.numbers(); }

 private:
  struct Part {
    Buffer<B> number_buffer;
    Buffer<B, std::uint8_t> byte_buffer;
    Columns columns;

    Part(const B& backend, const AnySamples<S>& samples) {
      samples.visit([&](const auto& view) { hold(backend, view); });
    }
    Part(const B& backend, const Samples<S>& samples) { hold(backend, samples.view()); }
    ConstView<B> numbers() const { return std::get<ConstView<B>>(columns); }

   private:
    void hold(const B& backend, const MatrixView<const S, HostMemory>& x) {
      hold(backend, x, number_buffer);
    }
    void hold(const B& backend, const MatrixView<const std::uint8_t, HostMemory>& x) {
      hold(backend, x, byte_buffer);
    }
    template <class X>
    void hold(const B& backend, const MatrixView<const X, HostMemory>& x, Buffer<B, X>& buffer) {
      if constexpr (std::is_same_v<typename B::Memory, HostMemory>) {
        columns = x;
      } else if (x.present()) {
        buffer = Buffer<B, X>(x.size());
        const MatrixView<X, typename B::Memory> all{buffer.data(), x.rows, x.cols, x.rows};
        backend.upload(x.data, all);
        columns = MatrixView<const X, typename B::Memory>(all);
      }
    }
  };
  Part input_, target_, condition_, mask_, sample_weights_;
};

/// Checks a data set against a model: shapes, NaN outside the mask, the likelihood's domain.
/// Throws std::invalid_argument with one sentence naming the first sample and feature that is wrong
/// (its "row" and "column", in the user's words). Where the input is no target, because the data
/// have another one or `input_is_target` says so, it may leave the domain.
template <class M>
void check_data(const M& model, const Data<typename M::Backend::Scalar>& data,
                bool input_is_target = true) {
  using S = typename M::Backend::Scalar;
  const Index D = model.input_dim(), C = model.condition_dim();
  require(data.count() > 0, "the data has no rows");
  const auto shape = [&](const char* name, const auto& samples, Index dim) {
    if (!samples.present()) return;
    require(samples.dim() == dim && samples.count() == data.count(), name, " is ", samples.count(),
            " rows of ", samples.dim(), " numbers, expected ", data.count(), " of ", dim);
  };
  shape("the data", data.input, D);
  shape("the target", data.target, D);
  shape("the mask", data.mask, D);
  shape("the sample weights", data.sample_weights, 1);
  shape("the condition", data.condition, C);
  require(data.condition.present() == (C > 0), "the model has ", C,
          " condition numbers per row, the data ",
          data.condition.present() ? data.condition.dim() : 0);

  if (data.condition.present() && !extent_of<S>(data.condition.view()).finite)
    for (Index j = 0; j < data.count(); ++j)
      for (Index i = 0; i < C; ++i)
        require(std::isfinite(data.condition.view()(i, j)), "the condition: row ", j, ", column ",
                i, " is ", data.condition.view()(i, j), ", expected a finite number");

  const double inf = std::numeric_limits<double>::infinity();
  const std::pair<double, double> domain = model.domain();
  const InputTransform& t = model.input().transform();
  const auto in_model_units = [&](double x, Index i) {
    const auto at = [i](const std::vector<double>& v, double otherwise) {
      return v.empty() ? otherwise : v[v.size() == 1 ? 0 : static_cast<std::size_t>(i)];
    };
    return (x - at(t.shift, 0)) / at(t.scale, 1);
  };
  const auto check = [&](const char* name, const auto& x, double low, double high) {
    const auto good = [&](double y) { return y >= low && y <= high && std::isfinite(y); };
    // The transform is monotone: where both ends of the data are in the domain, so is all between.
    const Extent extent = extent_of<S>(x);
    bool all_good = extent.finite;
    for (Index i = 0; i < x.rows && all_good; ++i)
      all_good = good(in_model_units(extent.low, i)) && good(in_model_units(extent.high, i));
    if (all_good) return;
    for (Index j = 0; j < x.cols; ++j)
      for (Index i = 0; i < x.rows; ++i) {
        const S number = as_number<S>(x(i, j));
        const double y = in_model_units(static_cast<double>(number), i);
        if (good(y)) continue;
        if (data.mask.present() && !(data.mask.view()(i, j) > 0) && std::isfinite(y)) continue;
        require(std::isfinite(y), name, ": row ", j, ", column ", i, " is ", number,
                ", expected a finite number");
        require(false, name, ": row ", j, ", column ", i, " is ", y,
                t.identity() ? "" : " after the input transform", ", outside [", low, ", ", high,
                "], the domain of the likelihood");
      }
  };
  const bool denoising = data.target.present() || !input_is_target;
  if (denoising) data.input.visit([&](const auto& x) { check("the data", x, -inf, inf); });
  if (denoising && !data.target.present()) return;
  (denoising ? data.target : data.input).visit([&](const auto& x) {
    check(denoising ? "the target" : "the data", x, domain.first, domain.second);
  });
}

}  // namespace longhand
