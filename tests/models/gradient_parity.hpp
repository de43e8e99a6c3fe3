// SPDX-License-Identifier: MIT
// Loss and gradient of whole models on a backend of host memory, against the reference in double.
#pragma once

#include <longhand/backend/reference.hpp>
#include <longhand/gradcheck/rounding_bound.hpp>

#include "models/model_support.hpp"
#include "support/matrix.hpp"

namespace longhand::test {

/// One element in five is missing; rows count for 0.5, 1.5 or 2.5.
template <class S>
void fill_mask_and_weights(Matrix<S>& mask, Matrix<S>& weights) {
  for (Index j = 0; j < mask.cols(); ++j) {
    weights(0, j) = S(0.5) + static_cast<S>(j % 3);
    for (Index i = 0; i < mask.rows(); ++i) mask(i, j) = (i + 2 * j) % 5 == 0 ? S(0) : S(1);
  }
}

/// Largest difference of a parameter gradient, relative to the largest gradient of its block, and
/// of a row's NLL and KL, relative to them; same weights, same batch, same noise.
template <class B>
double gradient_difference(const B& backend, const VaeSpec& config, Index rows, bool masked) {
  using Exact = Reference<double>;
  Case<B> got(config, rows, backend);
  Case<Exact> want(config, rows);
  const auto widen = [](const auto& from, auto& to) {
    std::copy(from.begin(), from.end(), to.begin());
  };
  widen(got.input, want.input), widen(got.condition, want.condition);
  const View<B> theta = got.model.params().flat();
  std::copy_n(theta.data, theta.size(), want.model.params().flat().data);
  want.scalars.schedules = {static_cast<double>(got.scalars.schedules[0])};
  want.scalars.inverse_samples = static_cast<double>(got.scalars.inverse_samples);

  Grads<B> g(got.model.params().layout());
  Grads<Exact> e(want.model.params().layout());
  const auto compute = [&](auto& one, auto& grads) {
    using S = typename std::decay_t<decltype(one)>::S;
    Matrix<S> mask(config.input_dim, rows), weights(1, rows);
    fill_mask_and_weights(mask, weights);
    auto batch = one.batch();
    if (masked) batch.mask = mask.view(), batch.sample_weights = weights.view();
    return one.loss_and_gradient(grads, batch);
  };
  const auto mine = compute(got, g);
  const auto exact = compute(want, e);

  double worst = 0;
  const auto see = [&](const auto& a, const auto& b, double size) {
    const std::vector<double> x = flat(a), y = flat(b);
    for (std::size_t k = 0; k < y.size(); ++k) {
      const double difference = std::fabs(x[k] - y[k]) / (size > 0 ? size : 1 + std::fabs(y[k]));
      if (!(difference <= worst)) worst = std::isnan(difference) ? HUGE_VAL : difference;
    }
  };
  see(mine.view(), exact.view(), 0);
  for (std::size_t b = 0; b < g.values().layout().blocks().size(); ++b) {
    const auto block = static_cast<BlockId>(b);
    double size = 0;
    for (const double v : flat(e[block])) size = std::max(size, std::fabs(v));
    see(g[block], e[block], size);
  }
  return worst;
}

/// Roundings along the longest path of sums through a model and back: every product adds its depth,
/// twice for the two directions, every parameter gradient the rows of the batch. gamma of it, at
/// the size of a block's largest gradient, is what float may differ by.
inline std::size_t roundings(const VaeSpec& config, Index rows) {
  Index depth = 2 * config.input_dim + config.condition_dim + 2 * z_rows(checked(config).latent);
  for (const StageSpec& stage : config.hidden.stages) depth += stage.out();
  for (const StageSpec& stage : config.decoder_net().stages) depth += stage.out();
  return static_cast<std::size_t>(2 * depth + rows);
}

/// Models that between them have every part: activations, likelihoods, latents, priors.
inline std::vector<std::pair<VaeSpec, bool>> models_of_all_parts() {
  const Activation activations[] = {Relu{}, LeakyRelu{}, Tanh{}, Sigmoid{}, Softplus{},
                                    Elu{},  Silu{},      Gelu{}, Identity{}};
  const LikelihoodSpec likelihoods[] = {
      Bernoulli{}, Gaussian{.variance = 0.3, .output = OutputMap::sigmoid}, LearnedGaussian{}};
  std::vector<std::pair<VaeSpec, bool>> all;
  for (const Activation& activation : activations)
    for (const LikelihoodSpec& likelihood : likelihoods) {
      VaeSpec config{.input_dim = 11,
                     .hidden = mlp({17, 9}, activation),
                     .latent_dim = 3,
                     .likelihood = likelihood,
                     .seed = 4};
      all.emplace_back(config, all.size() % 2 == 0);
    }
  all[0].first.latent_dim = 3;
  all[0].first.latent = CodeSpec{};
  for (VaeSpec* config : {&all[4].first, &all[5].first}) {
    config->condition_dim = 4;
    for (StageSpec& stage : config->hidden.stages) stage.dropout = 0.3;
  }
  std::get<GaussianLatentSpec>(all[5].first.latent).prior =
      ConditionalPrior{mlp({6}, all[5].first.hidden.stages[0].activation)};
  return all;
}

}  // namespace longhand::test
