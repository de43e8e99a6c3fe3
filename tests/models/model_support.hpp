// SPDX-License-Identifier: MIT
#pragma once
// A model with one batch, for tests: values of all inputs are random but fixed.

#include <random>
#include <span>
#include <string>
#include <vector>

#include "longhand/backend/reference.hpp"
#include "longhand/gradcheck/check_gradient.hpp"
#include "longhand/models/vae.hpp"

namespace longhand::test {

/// Everything one call of loss_and_gradient needs, with flat numbers that a checker can move.
template <class B>
struct Case {
  using S = typename B::Scalar;

  Case(VaeConfig config, Index batch_size, bool masked = false, B on = B())
      : model(std::move(config), on), n(batch_size) {
    const VaeConfig& c = model.config();
    std::mt19937_64 random(17);
    std::uniform_real_distribution<double> uniform(0.05, 0.95);
    const auto fill = [&](std::vector<S>& v, Index rows, auto draw) {
      v.resize(static_cast<std::size_t>(rows * n));
      for (S& x : v) x = S(draw());
    };
    fill(input, c.input_dim, [&] { return uniform(random); });
    if (c.condition_dim > 0) fill(condition, c.condition_dim, [&] { return uniform(random); });
    if (masked) {
      fill(mask, c.input_dim, [&] { return uniform(random) < 0.7 ? 1.0 : 0.0; });
      fill(weights, 1, [&] { return 0.5 + uniform(random); });
    }
    scalars.beta = S(0.7);
    scalars.inverse_rows = S(1 / static_cast<double>(n));
  }

  Batch<B> batch() {
    const auto view = [&](std::vector<S>& v) {
      const Index rows = static_cast<Index>(v.size()) / n;
      return v.empty() ? ConstView<B>{} : ConstView<B>{v.data(), rows, n, rows};
    };
    return {.input = view(input),
            .target = {},
            .condition = view(condition),
            .mask = view(mask),
            .row_weights = view(weights)};
  }
  Pass<B> pass(Grads<B>* into) {
    workspace.reset();
    return {.on = model.on(),
            .theta = model.params(),
            .grads = into,
            .workspace = workspace,
            .key = {.seed = 5, .step = 3, .stream = Stream::latent, .sample = 0},
            .row_id = {},
            .phase = Phase::train,
            .scalars = &scalars};
  }
  double weight(Index j) const {
    return (weights.empty() ? 1.0 : static_cast<double>(weights[static_cast<std::size_t>(j)])) /
           static_cast<double>(n);
  }
  /// The terms of [ELBO-1], one per row: their sum is the objective.
  std::vector<double> objective() {
    const Pass<B> p = pass(nullptr);
    const LossTerms<B> terms = model.loss(p, batch());
    std::vector<double> rows;
    for (Index j = 0; j < n; ++j)
      rows.push_back(weight(j) *
                     (static_cast<double>(terms.nll(0, j)) +
                      static_cast<double>(scalars.beta) * static_cast<double>(terms.kl(0, j))));
    return rows;
  }

  Vae<B> model;
  Index n;
  std::vector<S> input, condition, mask, weights;
  StepScalars<S> scalars;
  Workspace<B> workspace;
};

/// All parameters of a double model as tensors for the checker, one per block.
template <class B>
std::vector<NamedTensor> tensors_of(const Params<B>& params) {
  std::vector<NamedTensor> tensors;
  const auto& blocks = params.layout().blocks();
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    const View<B> block = params[static_cast<BlockId>(b)];
    tensors.push_back({blocks[b].parts.front().name,
                       {block.data, static_cast<std::size_t>(block.size())},
                       static_cast<std::size_t>(block.rows)});
  }
  return tensors;
}

}  // namespace longhand::test
