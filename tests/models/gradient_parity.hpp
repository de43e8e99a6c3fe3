// SPDX-License-Identifier: MIT
// Loss and gradient of whole models on a backend of host memory, against the reference in double.
#pragma once

#include <longhand/backend/reference.hpp>

#include "models/model_support.hpp"
#include "support/matrix.hpp"

namespace longhand::test {

/// Largest difference of a parameter gradient, relative to the largest gradient of its block, and
/// of a row's loss, relative to the loss; same weights, same batch, same noise.
template <class B>
double gradient_difference(const B& on, const VaeConfig& config, Index rows, bool masked) {
  using Exact = Reference<double>;
  Case<B> got(config, rows, masked, on);
  Case<Exact> want(config, rows, masked);
  const auto widen = [](const auto& from, auto& to) {
    std::copy(from.begin(), from.end(), to.begin());
  };
  widen(got.input, want.input), widen(got.condition, want.condition);
  widen(got.mask, want.mask), widen(got.weights, want.weights);
  const View<B> theta = got.model.params().flat();
  std::copy_n(theta.data, theta.size(), want.model.params().flat().data);
  want.scalars.beta = static_cast<double>(got.scalars.beta);
  want.scalars.inverse_rows = static_cast<double>(got.scalars.inverse_rows);

  double worst = 0;
  const auto see = [&](double a, double b, double size) {
    const double difference = std::fabs(a - b) / size;
    if (!(difference <= worst)) worst = std::isnan(difference) ? HUGE_VAL : difference;
  };
  const std::vector<double> loss = got.objective(), exact_loss = want.objective();
  for (std::size_t j = 0; j < loss.size(); ++j)
    see(loss[j], exact_loss[j], 1 + std::fabs(exact_loss[j]));

  Grads<B> g(got.model.params().layout());
  Grads<Exact> e(want.model.params().layout());
  got.model.loss_and_gradient(got.pass(&g), got.batch());
  want.model.loss_and_gradient(want.pass(&e), want.batch());
  for (std::size_t b = 0; b < g.values().layout().blocks().size(); ++b) {
    const std::vector<double> mine = flat(g[static_cast<BlockId>(b)]);
    const std::vector<double> exact = flat(e[static_cast<BlockId>(b)]);
    double size = 0;
    for (const double v : exact) size = std::max(size, std::fabs(v));
    for (std::size_t k = 0; k < exact.size(); ++k) see(mine[k], exact[k], size);
  }
  return worst;
}

/// Models that between them have every part: activations, likelihoods, latents, priors.
inline std::vector<std::pair<VaeConfig, bool>> models_of_all_parts() {
  const Activation activations[] = {Relu{}, LeakyRelu{}, Tanh{}, Sigmoid{}, Softplus{},
                                    Elu{},  Silu{},      Gelu{}, Identity{}};
  const AnyLikelihood likelihoods[] = {Bernoulli{}, Gaussian{0.3, OutputMap::sigmoid},
                                       LearnedGaussian{}};
  std::vector<std::pair<VaeConfig, bool>> all;
  for (const Activation& activation : activations)
    for (const AnyLikelihood& likelihood : likelihoods) {
      VaeConfig config{.input_dim = 11,
                       .hidden = {17, 9},
                       .activation = activation,
                       .latent_dim = 3,
                       .likelihood = likelihood,
                       .seed = 4};
      all.emplace_back(config, all.size() % 2 == 0);
    }
  all[0].first.latent = LatentKind::deterministic;
  for (VaeConfig* config : {&all[4].first, &all[5].first}) {
    config->condition_dim = 4;
    config->dropout = 0.3;
  }
  all[5].first.prior = PriorKind::conditional;
  all[5].first.prior_hidden = {6};
  return all;
}

}  // namespace longhand::test
