// SPDX-License-Identifier: MIT
// The gradient of whole models in float against differences of their own loss: the same backend
// computes both, so nothing else has to be trusted.
#pragma once

#include <cmath>
#include <longhand/gradcheck/detail/richardson.hpp>
#include <random>
#include <vector>

#include "models/gradient_parity.hpp"

namespace longhand::test {

/// A block's gradient against the loss's: 1 if they agree.
struct Slope {
  double ratio;  ///< what the loss changes by, of what the gradient says
  double error;  ///< of the ratio, by truncation and rounding
  bool agree() const { return std::fabs(ratio - 1) <= error && error <= 0.06; }
};

/// The slopes of all blocks of parameters, each along its own gradient with every entry weighed
/// anew, so that every entry counts. `spoiled` times the gradient is taken for it.
template <class B>
std::vector<Slope> slopes(const B& backend, const VaeSpec& config, Index rows, bool masked,
                          double spoiled = 1) {
  using S = typename B::Scalar;
  Case<B> one(config, rows, backend);
  Matrix<S> mask(config.input_dim, rows), weights(1, rows);
  fill_mask_and_weights(mask, weights);
  if (!masked) weights.fill(1);
  const auto batch = [&] {
    Batch<B> b = one.batch();
    if (masked) b.mask = mask.view(), b.sample_weights = weights.view();
    return b;
  };
  Grads<B> grads(one.model.params().layout());
  one.loss_and_gradient(grads, batch());
  grads.zero_unwritten(backend);

  const double beta = static_cast<double>(one.scalars.schedules[0]);
  const auto loss = [&] {
    const Matrix<S> terms = one.values(batch());
    double sum = 0;
    for (Index j = 0; j < rows; ++j)
      sum += static_cast<double>(weights(0, j)) *
             (static_cast<double>(terms(0, j)) +
              (terms.rows() > 1 ? beta * static_cast<double>(terms(1, j)) : 0));
    return sum / static_cast<double>(rows);
  };
  const double rounding = gamma_bound<S>(roundings(config, rows));
  const double noise = rounding / 2 * std::fabs(loss());

  std::mt19937_64 random(3);
  std::uniform_real_distribution<double> weight(0.5, 1.5);
  std::vector<Slope> all;
  for (std::size_t b = 0; b < one.model.params().layout().blocks().size(); ++b) {
    const auto block = static_cast<BlockId>(b);
    const View<B> theta = one.model.params()[block];
    std::vector<double> g = flat(grads.values()[block]);
    for (double& v : g) v *= spoiled;
    std::vector<double> direction;
    double length = 0;
    for (const double v : g) direction.push_back(v * weight(random));
    for (const double v : direction) length += v * v;

    const std::vector<double> home = flat(theta);
    const auto at = [&](double t) {  // the loss there, and how far the gradient says it is from 0
      double slope = 0;
      for (Index j = 0; j < theta.cols; ++j)
        for (Index i = 0; i < theta.rows; ++i) {
          const auto k = static_cast<std::size_t>(i + j * theta.rows);
          theta(i, j) = static_cast<S>(home[k] + t * direction[k] / std::sqrt(length));
          slope += g[k] * (static_cast<double>(theta(i, j)) - home[k]);
        }
      return std::pair(loss(), slope);
    };
    detail::RichardsonTable table(4);
    for (double t = 1; !table.full() && !table.settled(1e-4); t /= 2) {
      const auto [right, up] = at(t);
      const auto [left, down] = at(-t);
      table.add((right - left) / (up - down), 2 * noise / std::fabs(up - down));
    }
    at(0);
    // The gradient itself is rounded.
    all.push_back({table.best().value, table.best().error() + 4 * rounding});
  }
  return all;
}

/// Whether every block agrees, and whether it would be noticed if one did not.
template <class B>
void check_slopes(const B& backend) {
  for (const auto& [config, masked] : models_of_all_parts()) {
    // Extrapolation wants smooth functions, and these have kinks, or kinks in their slopes.
    const Activation& used = config.hidden.stages[0].activation;
    if (std::holds_alternative<Relu>(used)) continue;
    if (std::holds_alternative<LeakyRelu>(used)) continue;
    if (std::holds_alternative<Elu>(used)) continue;
    const std::string activation = name_of(used);
    CAPTURE(activation);
    const std::string likelihood = name_of(config.likelihood);
    CAPTURE(likelihood);
    const std::vector<Slope> right = slopes(backend, config, 19, masked),
                             wrong = slopes(backend, config, 19, masked, 1.1);
    for (std::size_t b = 0; b < right.size(); ++b) {
      CAPTURE(b);
      CAPTURE(right[b].ratio);
      CAPTURE(right[b].error);
      CHECK(right[b].agree());
      CHECK_FALSE(wrong[b].agree());
    }
  }
}

}  // namespace longhand::test
