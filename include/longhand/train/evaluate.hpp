// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <optional>
#include <vector>

#include "longhand/models/model.hpp"
#include "longhand/train/batch.hpp"
#include "longhand/train/report.hpp"

namespace longhand {

struct EvaluateOptions {
  Index batch = 512;
  int draws = 1;       ///< draws of z per sample, averaged (this is not importance sampling)
  int importance = 0;  ///< draws of the importance-weighted bound; 0 = it is not computed
  std::uint64_t seed = 0;
  /// As in a training's validation: samples are not augmented, and every draw is always the same.
  BatchChanges changes = {};
};

/// Means over samples, in nats, without any weight: the bound, and not the training objective.
struct Evaluation : TermMeans {
  Index samples = 0;
  std::vector<double> kl_per_unit;  ///< mean over samples, per latent unit
  /// log mean exp over the draws of log p(x, z) - log q(z given x), a tighter bound of log p(x)
  /// than the ELBO, where it was asked for.
  std::optional<double> importance_bound = {};
  NamedValues diagnostics;  ///< what the model says of all codes together (of one draw per sample)
  std::vector<Index> not_finite;  ///< numbers of samples with a term that is not finite
  /// Latent units whose posterior mean varies over the samples, with a variance above 0.01.
  int active_units = 0;
};

/// log of the mean of e^b, the numbers b one after the other, without overflow.
class LogMeanExp {
 public:
  void add(double b) {
    if (b > largest_) {
      sum_ = sum_ * std::exp(largest_ - b) + 1;
      largest_ = b;
    } else if (b > -std::numeric_limits<double>::infinity()) {
      sum_ += std::exp(b - largest_);
    } else if (std::isnan(b)) {
      sum_ = b;
    }
    ++count_;
  }
  double value() const {
    return largest_ + std::log(sum_ / static_cast<double>(count_));  // [IMP-1]
  }

 private:
  double largest_ = -std::numeric_limits<double>::infinity(), sum_ = 0;
  Index count_ = 0;
};

/// A pass over some samples without gradients, with the noise of one draw.
template <TrainableModel M>
Pass<typename M::Backend> evaluation_pass(const M& model, Workspace<typename M::Backend>& workspace,
                                          SampleIds<typename M::Backend> sample_ids,
                                          std::uint64_t seed, int draw) {
  return {.backend = model.backend(),
          .theta = model.params(),
          .workspace = workspace,
          .key = {.seed = seed,
                  .step = 0,
                  .stream = Stream::evaluate,
                  .draw = static_cast<std::uint16_t>(draw)},
          .sample_ids = sample_ids};
}

/// The importance-weighted bound of a batch's samples, summed over them [CAT-14].
template <TrainableModel M>
double importance_bound(const M& model, const BatchSource<typename M::Backend>& source,
                        Workspace<typename M::Backend>& workspace,
                        SampleIds<typename M::Backend> sample_ids, const EvaluateOptions& options) {
  using B = typename M::Backend;
  const auto count = static_cast<std::size_t>(sample_ids.cols);
  std::vector<LogMeanExp> bounds(count);
  std::vector<typename B::Scalar> host(2 * count);
  for (int s = 0; s < options.importance; ++s) {
    workspace.reset();
    const Pass<B> pass = evaluation_pass(model, workspace, sample_ids, options.seed, s);
    const View<B> rows = pass.matrix(2, sample_ids.cols);
    model.draw_weights(pass, source.gather(model, pass), rows);
    pass.backend.download(rows, host.data());
    for (std::size_t j = 0; j < count; ++j)
      bounds[j].add(-static_cast<double>(host[2 * j]) - static_cast<double>(host[2 * j + 1]));
  }
  double sum = 0;
  for (const LogMeanExp& bound : bounds) sum += bound.value();  // [CAT-14]
  return sum;
}

/// Evaluates on the given samples of a data set. A mean over samples, not over batches: the result
/// does not depend on the batch size beyond rounding.
template <TrainableModel M>
Evaluation evaluate(const M& model, const ResidentData<typename M::Backend>& data,
                    const std::vector<std::uint32_t>& samples, const EvaluateOptions& options) {
  using B = typename M::Backend;
  using S = typename B::Scalar;
  const std::vector<Term> names = model.terms();
  const Index T = static_cast<Index>(names.size()), U = model.units(),
              J = model.wants_codes() ? model.z_rows() : 0;
  const Index n = static_cast<Index>(samples.size());
  const auto units = static_cast<std::size_t>(U);
  Evaluation result;
  result.samples = n;
  result.kl_per_unit.resize(units);
  for (const Term& term : names) result.terms.push_back({term.name, 0});
  require(options.draws > 0 && options.draws < 65536, "draws is ", options.draws,
          ", expected 1 to 65535");
  require(options.importance >= 0 && options.importance < 65536, "importance is ",
          options.importance, ", expected 0 (off) to 65535 draws");
  if (n == 0) return result;
  const Index batch_size = std::min(options.batch, n);
  const BatchSource<B> source(data, options.changes);
  Workspace<B> workspace;
  const Buffer<B, std::uint32_t> ids(batch_size);
  const Buffer<B> per_unit(U);
  std::vector<S> host(static_cast<std::size_t>(batch_size * std::max<Index>({T, U, J, 1})));
  std::vector<double> mean(units), squares(units);  // Welford, over samples
  std::vector<double> sums(static_cast<std::size_t>(T));
  ColumnMajor<double> codes(J, J > 0 ? n : 0);
  double seen = 0, weighted = 0;

  for (Index first = 0; first < n; first += batch_size) {
    const Index count = std::min(batch_size, n - first);
    const MatrixView<std::uint32_t, typename B::Memory> sample_ids{ids.data(), 1, count, 1};
    model.backend().upload(samples.data() + first, sample_ids);
    if (options.importance > 0)
      weighted += importance_bound(model, source, workspace, sample_ids, options);
    for (int k = 0; k < options.draws; ++k) {
      workspace.reset();
      const Pass<B> pass = evaluation_pass(model, workspace, sample_ids, options.seed, k);
      const Batch<B> batch = source.gather(model, pass);
      const View<B> terms = pass.matrix(T, count);
      LatentStatistics<B> statistics;
      if (k == 0 && U > 0) {
        statistics.kl_per_unit = per_unit.column();
        statistics.mean = pass.matrix(U, count);
      }
      if (k == 0 && J > 0) statistics.codes = pass.matrix(J, count);
      model.values(pass, batch, terms, statistics);
      pass.backend.download(terms, host.data());
      for (std::size_t j = 0; j < static_cast<std::size_t>(count); ++j) {
        double all = 0;
        for (std::size_t t = 0; t < sums.size(); ++t)
          all += static_cast<double>(host[j * sums.size() + t]);
        const auto number = static_cast<Index>(samples[static_cast<std::size_t>(first) + j]);
        if (!std::isfinite(all) &&
            (result.not_finite.empty() || result.not_finite.back() != number))
          result.not_finite.push_back(number);
      }
      for (std::size_t t = 0; t < sums.size(); ++t) {
        double sum = 0;
        for (std::size_t j = 0; j < static_cast<std::size_t>(count); ++j)
          sum += static_cast<double>(host[j * sums.size() + t]);
        sums[t] += sum / options.draws;
      }
      if (statistics.codes.present()) {
        pass.backend.download(statistics.codes, host.data());
        codes.middleCols(first, count) =
            Eigen::Map<const ColumnMajor<S>>(host.data(), J, count).template cast<double>();
      }
      if (!statistics.mean.present()) continue;
      pass.backend.download(statistics.mean, host.data());
      for (Index j = 0; j < count; ++j) {
        seen += 1;
        for (std::size_t i = 0; i < units; ++i) {
          const double mu = static_cast<double>(host[static_cast<std::size_t>(j) * units + i]);
          const double delta = mu - mean[i];
          mean[i] += delta / seen;
          squares[i] += delta * (mu - mean[i]);
        }
      }
    }
  }
  const double total = static_cast<double>(n);
  for (std::size_t t = 0; t < sums.size(); ++t) result.terms[t].value = sums[t] / total;
  if (options.importance > 0) result.importance_bound = weighted / total;
  if (J > 0) result.diagnostics = model.diagnosis(codes);
  if (U == 0) return result;
  model.backend().download(per_unit.column(), host.data());
  for (std::size_t i = 0; i < units; ++i) {
    result.kl_per_unit[i] = static_cast<double>(host[i]) / total;
    if (squares[i] / total > 0.01) ++result.active_units;
  }
  return result;
}

template <TrainableModel M>
Evaluation evaluate(const M& model, const Data<typename M::Backend::Scalar>& data,
                    const std::vector<std::uint32_t>& samples, const EvaluateOptions& options) {
  return evaluate(model, ResidentData<typename M::Backend>(model.backend(), data), samples,
                  options);
}

/// Evaluates on all samples of a data set.
template <TrainableModel M>
Evaluation evaluate(const M& model, const Data<typename M::Backend::Scalar>& data,
                    const EvaluateOptions& options = {}) {
  std::vector<std::uint32_t> samples(static_cast<std::size_t>(data.count()));
  std::iota(samples.begin(), samples.end(), 0u);
  return evaluate(model, data, samples, options);
}

}  // namespace longhand
