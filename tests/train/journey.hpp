// SPDX-License-Identifier: MIT
// Trainings from the first step to samples and scores, as numbers that two backends can compare.
#pragma once

#include <cmath>
#include <vector>

#include "backend/laplace.hpp"
#include "longhand/models/aae.hpp"
#include "longhand/models/vae.hpp"
#include "longhand/train/trainer.hpp"

namespace longhand::test {

inline Data<float> grey(Index rows, Index dim, Index classes, bool masked) {
  using Matrix = Eigen::MatrixXf;
  Matrix input(dim, rows), mask(dim, rows), weights(1, rows);
  for (Index j = 0; j < rows; ++j) {
    weights(0, j) = 0.5f + static_cast<float>(j % 3);
    for (Index i = 0; i < dim; ++i) {
      input(i, j) = static_cast<float>((3 * i + 5 * j) % 11) / 11.0f;
      mask(i, j) = (i + j) % 4 == 0 ? 0.0f : 1.0f;
    }
  }
  Data<float> data;
  data.input = Samples<float>(std::move(input));
  if (classes > 0) {
    std::vector<Index> labels;
    for (Index j = 0; j < rows; ++j) labels.push_back(j % classes);
    data.condition = one_hot<float>(labels, classes);
  }
  if (!masked) return data;
  data.mask = Samples<float>(std::move(mask));
  data.sample_weights = Samples<float>(std::move(weights));
  return data;
}

/// What training, evaluating and sampling give, as numbers.
template <class B>
std::vector<double> journey(const B& backend, const VaeSpec& config, TrainOptions options,
                            const Data<float>& data) {
  std::vector<double> numbers;
  Vae<B> vae(config, backend);
  const TrainResult result = Trainer<Vae<B>>(vae, options).fit(data);
  for (const EpochReport& r : result.history)
    for (const double v : {r.loss(), r.log_likelihood_term(), r.kl(), r.players.front().grad_norm})
      numbers.push_back(v);
  const Evaluation e = evaluate(vae, data);
  for (const double v : {e.log_likelihood_term(), e.kl()}) numbers.push_back(v);
  for (const double v : e.kl_per_unit) numbers.push_back(v);
  const auto add = [&](const Samples<float>& samples) {
    const Eigen::MatrixXf m = samples.in_columns();
    for (Index k = 0; k < m.size(); ++k) numbers.push_back(static_cast<double>(m.data()[k]));
  };
  const Samples<float> x = data.input.numbers();
  add(vae.encode(x, data.condition));
  add(vae.reconstruct(x, data.condition));
  if (vae.has_logvar()) add(vae.encode_logvar(x, data.condition));
  if (vae.has_elbo()) {
    add(vae.sample(data.count(), {.seed = 7, .draw = true, .condition = data.condition}));
    const Scores scores =
        vae.score(x, {.draws = 2, .seed = 3, .condition = data.condition, .mask = data.mask});
    for (Index j = 0; j < data.count(); ++j) numbers.push_back(scores.elbo()(j));
  }
  return numbers;
}

/// The largest difference of two journeys, relative to numbers of size 1 and more.
inline double farthest(const std::vector<double>& got, const std::vector<double>& want) {
  if (got.size() != want.size()) return HUGE_VAL;
  double worst = 0;
  for (std::size_t k = 0; k < got.size(); ++k) {
    const double error = std::fabs(got[k] - want[k]) / (1 + std::fabs(want[k]));
    if (!(error <= worst)) worst = std::isnan(error) ? HUGE_VAL : error;
  }
  return worst;
}

/// Training and samples with a likelihood that is not longhand's.
template <class B>
std::vector<double> laplace_journey(const B& backend) {
  using Model = Vae<B, PerElement<Laplace>>;
  Model vae({.input_dim = 9, .hidden = {12}, .latent_dim = 3}, PerElement<Laplace>(), backend);
  const TrainResult result =
      Trainer<Model>(vae, {.epochs = 3, .batch = 8}).fit(grey(60, 9, 0, true));
  std::vector<double> numbers;
  for (const EpochReport& r : result.history) numbers.push_back(r.loss());
  for (const bool draw : {false, true}) {
    const Eigen::MatrixXf x = vae.sample(5, {.seed = 7, .draw = draw}).in_columns();
    for (Index k = 0; k < x.size(); ++k) numbers.push_back(static_cast<double>(x.data()[k]));
  }
  return numbers;
}

/// Training, codes, samples and diagnostics of an adversarial autoencoder: a code on a ring, and
/// dropout everywhere with a Gaussian code.
template <class B>
std::vector<double> aae_journey(const B& backend) {
  AaeSpec ring{.autoencoder = {.input_dim = 9, .hidden = {12}, .latent = CodeSpec{2}, .seed = 2},
               .prior = RingPrior{.components = 5},
               .discriminator = {8, 8}};
  AaeSpec dropped{.autoencoder = {.input_dim = 9,
                                  .hidden = mlp({12}, Silu{}, 0.2),
                                  .latent = GaussianLatentSpec{.dim = 3},
                                  .likelihood = LearnedGaussian{}},
                  .prior = NormalPrior{.scale = 2},
                  .discriminator = mlp({8}, LeakyRelu{}, 0.4)};
  std::vector<double> numbers;
  for (const AaeSpec& spec : {ring, dropped}) {
    Aae<B> aae(spec, backend);
    const Data<float> data = grey(60, 9, 0, &spec == &dropped);
    TrainOptions options{.epochs = 2, .batch = 8, .clip_norm = 5, .validation = 0.2};
    options.players["discriminator"].learning_rate = 5e-4;
    for (const EpochReport& r : Trainer<Aae<B>>(aae, options).fit(data).history) {
      for (const NamedValue& term : r.terms) numbers.push_back(term.value);
      for (const NamedValue& value : r.diagnostics) numbers.push_back(value.value);
      for (const PlayerReport& player : r.players) numbers.push_back(player.grad_norm);
    }
    for (const Samples<float>& some : {aae.encode(data.input), aae.sample(5, {.seed = 7})}) {
      const Eigen::MatrixXf m = some.in_columns();
      for (Index k = 0; k < m.size(); ++k) numbers.push_back(static_cast<double>(m.data()[k]));
    }
  }
  return numbers;
}

/// What is trained in a journey.
struct Journey {
  VaeSpec config;
  TrainOptions options;
  Data<float> data;
};

/// Small trainings that together use everything a model, an optimizer and a trainer can do.
inline std::vector<Journey> all_journeys() {
  std::vector<Journey> all;
  all.push_back({{.input_dim = 9, .hidden = {12}, .latent_dim = 3, .seed = 2},
                 {.epochs = 3, .batch = 8, .clip_norm = 5, .validation = 0.2},
                 grey(60, 9, 0, false)});
  for (const Optimizer& optimizer :
       {Optimizer(Adam{}), Optimizer(Sgd{}), Optimizer(Momentum{}), Optimizer(RmsProp{})}) {
    VaeSpec config{.input_dim = 5, .hidden = mlp({7}, Gelu{}), .latent_dim = 2};
    TrainOptions options{.epochs = 2, .batch = 10, .optimizer = optimizer, .l1 = 1e-3, .l2 = 1e-3};
    options.changes = {.binarize = Binarize::dynamic};
    all.push_back({config, options, grey(30, 5, 0, false)});
    config.likelihood = LearnedGaussian{};
    config.transform =
        InputTransform::fit(InputTransform::Kind::standardize, all.back().data.input);
    options.changes = {.binarize = Binarize::none};
    all.push_back({config, options, grey(30, 5, 0, false)});
  }
  all.push_back({{.input_dim = 6,
                  .hidden = mlp({10, 8}, Silu{}, 0.2),
                  .latent_dim = 2,
                  .latent = GaussianLatentSpec{.prior = ConditionalPrior{mlp({4}, Silu{})}},
                  .likelihood = Gaussian{.variance = 0.5, .output = OutputMap::sigmoid},
                  .condition_dim = 3},
                 {.epochs = 2, .batch = 7},
                 grey(25, 6, 3, true)});
  all.push_back(
      {{.input_dim = 6, .hidden = mlp({5}, Tanh{}), .latent_dim = 2, .latent = CodeSpec{}},
       {.epochs = 2, .batch = 10},
       grey(20, 6, 0, false)});
  for (const Estimator estimator : {Estimator::gumbel, Estimator::straight_through}) {
    const CategoricalLatentSpec choices{.variables = 3, .classes = 4, .estimator = estimator};
    TrainOptions options{.epochs = 2, .batch = 10};
    options.schedules["tau"] = Schedule::exponential(1, 0.5, 0);
    all.push_back({{.input_dim = 6, .hidden = mlp({5}, Tanh{}), .latent = choices},
                   options,
                   grey(20, 6, 0, false)});
  }
  return all;
}
/// The same, with all that takes its time: warm-up, schedule, early stopping.
inline std::vector<Journey> long_journeys() {
  std::vector<Journey> all = all_journeys();
  for (Journey& j : all) {
    j.options.epochs = 4;
    j.options.kl_warmup = 5;
    j.options.schedule = {.kind = LearningRateSchedule::Kind::cosine};
    j.options.early_stop = 2;
  }
  return all;
}
template <class B>
std::vector<double> journey(const B& backend, const Journey& j) {
  return journey(backend, j.config, j.options, j.data);
}

}  // namespace longhand::test
