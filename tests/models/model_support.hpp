// SPDX-License-Identifier: MIT
#pragma once
// A model with one batch, for tests: values of all inputs are random but fixed.

#include <random>
#include <span>
#include <string>
#include <vector>

#include "longhand/backend/reference.hpp"
#include "longhand/models/vae.hpp"

namespace longhand::test {

/// Everything one call of loss_and_gradient needs, in flat numbers.
template <class B>
struct Case {
  using S = typename B::Scalar;

  Case(VaeConfig config, Index batch_size, B on = B())
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
    scalars.beta = S(0.7);
    scalars.inverse_samples = S(1 / static_cast<double>(n));
  }

  Batch<B> batch() {
    const auto view = [&](std::vector<S>& v) {
      const Index rows = static_cast<Index>(v.size()) / n;
      return v.empty() ? ConstView<B>{} : ConstView<B>{v.data(), rows, n, rows};
    };
    return {.input = view(input),
            .target = {},
            .condition = view(condition),
            .mask = {},
            .sample_weights = {}};
  }
  Pass<B> pass(Grads<B>* into) {
    workspace.reset();
    return {.backend = model.backend(),
            .theta = model.params(),
            .grads = into,
            .workspace = workspace,
            .key = {.seed = 5, .step = 3, .stream = Stream::latent, .draw = 0},
            .sample_ids = {},
            .phase = Phase::train,
            .scalars = &scalars};
  }

  Vae<B> model;
  Index n;
  std::vector<S> input, condition;
  StepScalars<S> scalars;
  Workspace<B> workspace;
};

}  // namespace longhand::test
