// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "longhand/models/vae.hpp"
#include "longhand/train/batch.hpp"

namespace longhand {

struct EvaluateOptions {
  Index batch = 512;
  int draws = 1;  ///< draws of z per row, averaged (this is not importance sampling)
  std::uint64_t seed = 0;
  Binarize binarize = Binarize::none;
};

/// Means over rows, in nats. beta = 1 always: this is the bound, not the training objective.
struct Evaluation {
  double log_likelihood_term = 0;  ///< E log p(x given z)
  double kl = 0;
  Index rows = 0;
  std::vector<double> kl_per_dimension;  ///< mean over rows, per latent
  int active_units = 0;  ///< latents whose posterior mean has a variance over rows above 0.01

  double elbo() const { return log_likelihood_term - kl; }
};

/// Evaluates on the given rows of a data set. A mean over rows, not over batches: the result does
/// not depend on the batch size beyond rounding.
template <class Model>
Evaluation evaluate(const Model& model, const ResidentData<typename Model::Backend>& data,
                    const std::vector<std::uint32_t>& rows, const EvaluateOptions& options) {
  using B = typename Model::Backend;
  using S = typename Model::Scalar;
  const Index L = model.config().latent_dim, n = static_cast<Index>(rows.size());
  const auto latents = static_cast<std::size_t>(L);
  Evaluation result{.rows = n, .kl_per_dimension = std::vector<double>(latents)};
  if (n == 0) return result;
  const Index batch_size = std::min(options.batch, n);
  const BatchSource<B> source(data, options.binarize);
  Workspace<B> workspace;
  const Buffer<B, std::uint32_t> ids(batch_size);
  const Buffer<B> per_dimension(L);
  std::vector<S> host(static_cast<std::size_t>(batch_size * std::max<Index>(L, 1)));
  std::vector<double> mean(latents), squares(latents);  // Welford, over rows
  double nll = 0, kl = 0, seen = 0;

  for (Index first = 0; first < n; first += batch_size) {
    const Index count = std::min(batch_size, n - first);
    const MatrixView<std::uint32_t, typename B::Memory> sample_ids{ids.data(), 1, count, 1};
    model.backend().upload(rows.data() + first, sample_ids);
    for (int k = 0; k < options.draws; ++k) {
      workspace.reset();
      const Pass<B> pass{.backend = model.backend(),
                         .theta = model.params(),
                         .workspace = workspace,
                         .key = {.seed = options.seed,
                                 .step = 0,
                                 .stream = Stream::evaluate,
                                 .draw = static_cast<std::uint16_t>(k)},
                         .sample_ids = sample_ids};
      const Batch<B> batch = source.gather(model, pass);
      const LossTerms<B> terms = model.loss(pass, batch);
      const auto total = [&](ConstView<B> values) {
        pass.backend.download(values, host.data());
        double sum = 0;
        for (Index j = 0; j < count; ++j)
          sum += static_cast<double>(host[static_cast<std::size_t>(j)]);
        return sum;
      };
      nll += total(terms.nll) / options.draws;
      if (k > 0) continue;
      kl += total(terms.kl);
      if (model.has_divergence())
        GaussianKl{}.add_per_dimension(pass, terms.q, terms.p, per_dimension.column());
      pass.backend.download(terms.q.mu, host.data());
      for (Index j = 0; j < count; ++j) {
        seen += 1;
        for (std::size_t i = 0; i < latents; ++i) {
          const double mu = static_cast<double>(host[static_cast<std::size_t>(j) * latents + i]);
          const double delta = mu - mean[i];
          mean[i] += delta / seen;
          squares[i] += delta * (mu - mean[i]);
        }
      }
    }
  }
  const double rows_seen = static_cast<double>(n);
  result.log_likelihood_term = -nll / rows_seen;
  result.kl = kl / rows_seen;
  model.backend().download(per_dimension.column(), host.data());
  for (std::size_t i = 0; i < latents; ++i) {
    result.kl_per_dimension[i] = static_cast<double>(host[i]) / rows_seen;
    if (squares[i] / rows_seen > 0.01) ++result.active_units;
  }
  return result;
}

template <class Model>
Evaluation evaluate(const Model& model, const Data<typename Model::Scalar>& data,
                    const std::vector<std::uint32_t>& rows, const EvaluateOptions& options) {
  return evaluate(model, ResidentData<typename Model::Backend>(model.backend(), data), rows,
                  options);
}

/// On all rows.
template <class Model>
Evaluation evaluate(const Model& model, const Data<typename Model::Scalar>& data,
                    const EvaluateOptions& options = {}) {
  std::vector<std::uint32_t> rows(static_cast<std::size_t>(data.rows()));
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<std::uint32_t>(i);
  return evaluate(model, data, rows, options);
}

}  // namespace longhand
