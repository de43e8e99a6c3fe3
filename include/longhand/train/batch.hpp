// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "longhand/core/backend.hpp"
#include "longhand/core/pass.hpp"
#include "longhand/core/samples.hpp"
#include "longhand/math/bernoulli.hpp"
#include "longhand/models/input_transform.hpp"

namespace longhand {

/// A data set: rows of numbers in the user's units and what comes with them. Only `input` must be
/// there.
template <class S>
struct Data {
  Samples<S> input;        ///< D per row
  Samples<S> target;       ///< D per row, default: the input
  Samples<S> condition;    ///< C per row
  Samples<S> mask;         ///< D per row, 1 = observed, 0 = missing
  Samples<S> row_weights;  ///< 1 per row

  Index rows() const { return input.count(); }
};

/// Grey pixels in [0, 1] as they are, drawn once as 0 or 1, or drawn afresh in every epoch.
enum class Binarize { none, fixed, dynamic };

/// The class of each row as a column of zeros and one 1. Throws std::invalid_argument for a label
/// outside [0, classes), naming its row.
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

/// A data set where the backend can reach it: borrowed on the host, copied to a device once.
/// `data` must outlive it.
template <class B>
class ResidentData {
 public:
  using S = typename B::Scalar;

  ResidentData(const B& on, const Data<S>& data)
      : input_(on, data.input),
        target_(on, data.target),
        condition_(on, data.condition),
        mask_(on, data.mask),
        row_weights_(on, data.row_weights) {}

  ConstView<B> input() const { return input_.view; }
  ConstView<B> target() const { return target_.view; }
  ConstView<B> condition() const { return condition_.view; }
  ConstView<B> mask() const { return mask_.view; }
  ConstView<B> row_weights() const { return row_weights_.view; }

 private:
  struct Part {
    Buffer<B> buffer;
    ConstView<B> view;

    Part(const B& on, const Samples<S>& samples) {
      if (!samples.present()) return;
      if constexpr (std::is_same_v<typename B::Memory, HostMemory>) {
        view = samples.view();
      } else {
        buffer = Buffer<B>(samples.dim() * samples.count());
        const View<B> all{buffer.data(), samples.dim(), samples.count(), samples.dim()};
        on.upload(samples.view().data, all);
        view = all;
      }
    }
  };
  Part input_, target_, condition_, mask_, row_weights_;
};

/// Brings rows of a data set, by number, into a batch in backend memory: gather, input transform,
/// binarisation.
template <class B>
class BatchSource {
 public:
  /// `data` must outlive the source.
  BatchSource(const ResidentData<B>& data, Binarize binarize, Index largest_batch)
      : data_(data), binarize_(binarize), ids_(largest_batch) {}

  /// Makes `rows` the rows of the pass and of the batch returned. `epoch` enters dynamic
  /// binarisation alone; evaluation draws its pixels from a stream of its own.
  template <class Model>
  Batch<B> gather(const Model& model, Pass<B>& pass, const std::uint32_t* rows, Index count,
                  std::uint32_t epoch) {
    const MatrixView<std::uint32_t, typename B::Memory> ids{ids_.data(), 1, count, 1};
    pass.on.upload(rows, ids);
    pass.row_id = ids;
    Batch<B> batch;
    batch.input = prepared(model, pass, data_.input(), epoch);
    if (data_.target().present()) batch.target = prepared(model, pass, data_.target(), epoch);
    batch.condition = take(pass, data_.condition());
    batch.mask = take(pass, data_.mask());
    batch.row_weights = take(pass, data_.row_weights());
    return batch;
  }

 private:
  View<B> take(const Pass<B>& pass, ConstView<B> from) const {
    if (!from.present()) return {};
    const View<B> to = pass.matrix(from.rows, pass.row_id.cols);
    pass.on.gather(from, pass.row_id, to);
    return to;
  }

  template <class Model>
  View<B> prepared(const Model& model, const Pass<B>& pass, ConstView<B> from,
                   std::uint32_t epoch) const {
    const View<B> x = take(pass, from);
    model.to_model_units(x);
    if (binarize_ == Binarize::none) return x;
    NoiseKey key = pass.key;
    key.stream = Stream::binarize;
    key.step = binarize_ == Binarize::dynamic ? epoch : 0;
    key.sample = pass.phase == Phase::eval ? 1 : 0;
    const View<B> u = pass.matrix(x.rows, x.cols);
    pass.on.fill_uniform(key, pass.row_id, u);
    pass.on.for_each(DrawPixel{}, in<B>(x, u), out<B>(x));
    return x;
  }

  const ResidentData<B>& data_;
  Binarize binarize_;
  Buffer<B, std::uint32_t> ids_;
};

/// Checks a data set against a model: shapes, NaN outside the mask, the likelihood's domain.
/// Throws std::invalid_argument with one sentence naming the first row and column that is wrong.
template <class Model>
void check_data(const Model& model, const Data<typename Model::Scalar>& data) {
  const auto& config = model.config();
  require(data.rows() > 0, "the data has no rows");
  const auto shape = [&](const char* name, const auto& samples, Index dim) {
    if (!samples.present()) return;
    require(samples.dim() == dim && samples.count() == data.rows(), name, " is ", samples.count(),
            " rows of ", samples.dim(), " numbers, expected ", data.rows(), " of ", dim);
  };
  shape("the data", data.input, config.input_dim);
  shape("the target", data.target, config.input_dim);
  shape("the mask", data.mask, config.input_dim);
  shape("the row weights", data.row_weights, 1);
  shape("the condition", data.condition, config.condition_dim);
  require(data.condition.present() == (config.condition_dim > 0), "the model has ",
          config.condition_dim, " condition numbers per row, the data ",
          data.condition.present() ? data.condition.dim() : 0);

  const double inf = std::numeric_limits<double>::infinity();
  std::pair<double, double> domain{-inf, inf};
  if constexpr (requires { model.likelihood().domain(); }) domain = model.likelihood().domain();
  const InputTransform& t = config.transform;
  const auto at = [](const std::vector<double>& v, Index i, double otherwise) {
    return v.empty() ? otherwise : v[v.size() == 1 ? 0 : static_cast<std::size_t>(i)];
  };
  const auto values = [&](const char* name, const auto& samples, double low, double high) {
    if (!samples.present()) return;
    const auto x = samples.view();
    for (Index j = 0; j < x.cols; ++j)
      for (Index i = 0; i < x.rows; ++i) {
        const double y = (static_cast<double>(x(i, j)) - at(t.shift, i, 0)) / at(t.scale, i, 1);
        if (y >= low && y <= high && std::isfinite(y)) continue;
        if (data.mask.present() && !(data.mask.view()(i, j) > 0) && std::isfinite(y)) continue;
        require(std::isfinite(y), name, ": row ", j, ", column ", i, " is ", x(i, j),
                ", expected a finite number");
        require(false, name, ": row ", j, ", column ", i, " is ", y,
                t.identity() ? "" : " after the input transform", ", outside [", low, ", ", high,
                "], the domain of the likelihood");
      }
  };
  if (data.target.present()) values("the data", data.input, -inf, inf);
  values(data.target.present() ? "the target" : "the data",
         data.target.present() ? data.target : data.input, domain.first, domain.second);
}

}  // namespace longhand
