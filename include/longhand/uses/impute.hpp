// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <vector>

#include "longhand/train/evaluate.hpp"

/// Missing values of rows, told from the values that are there (docs/guides/impute.md).
namespace longhand {

struct ImputeOptions {
  /// How often what is missing is told, each time from a row that has what was told before: the
  /// encoder then sees rows as it was trained with.
  int passes = 1;
  /// Draws of z per sample, weighed by importance [IMP-4]; 0 = one pass through encoder and
  /// decoder.
  int draws = 0;
  std::uint64_t seed = 0;  ///< of the draws
  Index batch = 512;       ///< samples at a time; it changes no result
};

/// What impute() finds, in the user's units.
template <class S>
struct Imputed {
  using Matrix = typename Samples<S>::Matrix;
  Matrix values;  ///< D x N: what was observed as it was, what was missing as it is expected
  /// D x N: the standard deviation of what was missing under the model [IMP-5], 0 for what was
  /// observed; empty without draws.
  Matrix deviation;
  /// Per sample, how many draws of equal weight would be worth as much [IMP-6]; empty without
  /// draws.
  std::vector<double> effective_draws;
};

/// What the draws of one sample say of each feature, weighed by e^b, added one draw after the other
/// without overflow: mean and deviation. The variance is measured from running means, so that
/// numbers far from 0 lose no digits.
class WeightedMoments {
 public:
  explicit WeightedMoments(Index features)
      : mean_(Eigen::ArrayXd::Zero(features)), within_(mean_), between_(mean_) {}

  /// One draw: its log weight b, the mean of every feature given the code, and a draw of it.
  template <class Mean, class Draw>
  void add(double b, const Mean& mean, const Draw& draw) {
    if (b == -std::numeric_limits<double>::infinity()) return;  // weighs nothing
    double w = 1;
    if (b > largest_) {  // what was added before is measured by the new largest weight [IMP-3]
      const double shrink = std::exp(largest_ - b);
      within_ *= shrink, between_ *= shrink, sum_ *= shrink, sum_of_squares_ *= shrink * shrink;
      largest_ = b;
    } else {
      w = std::exp(b - largest_);  // [IMP-3]
    }
    sum_ += w;
    sum_of_squares_ += w * w;
    const Eigen::ArrayXd before = mean.array() - mean_;
    mean_ += w / sum_ * before;
    between_ += w * before * (mean.array() - mean_);
    within_ += w * (draw.array() - mean.array()).square();
  }

  /// NaN where no draw weighed anything.
  Eigen::ArrayXd mean() const { return sum_ > 0 ? mean_ : mean_ / sum_; }            // [IMP-4]
  Eigen::ArrayXd deviation() const { return ((within_ + between_) / sum_).sqrt(); }  // [IMP-5]
  double effective_draws() const { return sum_ * sum_ / sum_of_squares_; }           // [IMP-6]

 private:
  double largest_ = -std::numeric_limits<double>::infinity();
  double sum_ = 0, sum_of_squares_ = 0;
  Eigen::ArrayXd mean_;
  Eigen::ArrayXd within_;   ///< squares of draws about their means
  Eigen::ArrayXd between_;  ///< squares of the means about their mean
};

/// Tells what is missing (mask 0) of each sample from what is there. The input must hold a finite
/// number where something is missing; the encoder sees it, so it should be one that the model's
/// transform takes to 0 (the first pass sees it). Without draws a missing value is the decoder's
/// mean at the encoder's code; with draws it is the mean over codes that are weighed by how well
/// each explains what was observed. Sample j's draws depend on (seed, j) alone. Throws
/// std::invalid_argument for data without a mask, data that do not suit the model, and draws of a
/// model whose latents have no density.
template <TrainableModel M>
Imputed<typename M::Backend::Scalar> impute(const M& model,
                                            const Data<typename M::Backend::Scalar>& data,
                                            const ImputeOptions& options = {}) {
  using B = typename M::Backend;
  using S = typename B::Scalar;
  using Matrix = typename Samples<S>::Matrix;
  require(data.mask.present(), "impute: the data has no mask, nothing is missing");
  require(options.draws >= 0 && options.draws < 65536, "impute: draws is ", options.draws,
          ", expected 0 to 65535");
  require(options.passes > 0, "impute: passes is ", options.passes, ", expected at least 1");
  require(options.batch > 0, "impute: batch is ", options.batch, ", expected at least 1");
  require(options.draws == 0 || model.has_draw_weights(),
          "impute: the model's latents have no density that draws could be weighed by");
  check_data(model, data, false);
  const Index D = data.input.dim(), n = data.count();
  const auto missing = [&](Index i, Index j) { return !(data.mask.view()(i, j) > 0); };
  Imputed<S> result;
  result.values.resize(D, n);
  for (Index j = 0; j < n; ++j)
    for (Index i = 0; i < D; ++i) result.values(i, j) = data.input(i, j);
  Data<S> given;  // with what was told so far: borrowed, as are the others
  given.input = Samples<S>(MatrixView<const S, HostMemory>{result.values.data(), D, n, D});
  given.condition = Samples<S>(data.condition.view());
  given.mask = Samples<S>(data.mask.view());
  for (int pass = options.draws > 0 ? 1 : 0; pass < options.passes; ++pass) {
    const Samples<S> expected = model.reconstruct(given.input, data.condition);
    for (Index j = 0; j < n; ++j)
      for (Index i = 0; i < D; ++i)
        if (missing(i, j)) result.values(i, j) = expected.view()(i, j);
  }
  if (options.draws == 0) return result;

  result.deviation.setZero(D, n);
  result.effective_draws.resize(static_cast<std::size_t>(n));
  const B& backend = model.backend();
  const ResidentData<B> resident(backend, given);
  const BatchSource<B> source(resident, {});
  Workspace<B> workspace;
  const Index most = std::min(options.batch, n);
  const Buffer<B, std::uint32_t> buffer(most);
  std::vector<std::uint32_t> numbers(static_cast<std::size_t>(n));
  std::iota(numbers.begin(), numbers.end(), 0u);
  Matrix weights(2, most), mean(D, most), draw(D, most);
  for (Index first = 0; first < n; first += most) {
    const Index count = std::min(most, n - first);
    workspace.reset();
    const MatrixView<std::uint32_t, typename B::Memory> ids{buffer.data(), 1, count, 1};
    backend.upload(numbers.data() + first, ids);
    const Batch<B> batch =
        source.gather(model, evaluation_pass(model, workspace, ids, options.seed, 0));
    std::vector<WeightedMoments> moments(static_cast<std::size_t>(count), WeightedMoments(D));
    for (int k = 0; k < options.draws; ++k) {
      const typename Workspace<B>::Frame frame(workspace);
      const Pass<B> pass = evaluation_pass(model, workspace, ids, options.seed, k);
      const View<B> rows = pass.matrix(2, count), x = pass.matrix(D, count);
      const View<B> output = model.draw_weights(pass, batch, rows);
      backend.download(rows, weights.data());
      model.likelihood().mean(pass, output, x);
      model.input().to_user(pass, x);
      backend.download(x, mean.data());
      model.likelihood().draw(pass, output, x);
      model.input().to_user(pass, x);
      backend.download(x, draw.data());
      for (Index j = 0; j < count; ++j)
        moments[static_cast<std::size_t>(j)].add(
            -static_cast<double>(weights(0, j)) - static_cast<double>(weights(1, j)),  // [IMP-2]
            mean.col(j).template cast<double>(), draw.col(j).template cast<double>());
    }
    for (Index j = 0; j < count; ++j) {
      const WeightedMoments& found = moments[static_cast<std::size_t>(j)];
      result.effective_draws[static_cast<std::size_t>(first + j)] = found.effective_draws();
      const Eigen::ArrayXd values = found.mean(), deviation = found.deviation();
      for (Index i = 0; i < D; ++i) {
        if (!missing(i, first + j)) continue;
        result.values(i, first + j) = static_cast<S>(values(i));
        result.deviation(i, first + j) = static_cast<S>(deviation(i));
      }
    }
  }
  return result;
}

}  // namespace longhand
