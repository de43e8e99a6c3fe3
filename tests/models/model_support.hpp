// SPDX-License-Identifier: MIT
#pragma once
// A model with one batch, for tests: values of all inputs are random but fixed.

#include <random>
#include <span>
#include <string>
#include <vector>

#include "longhand/backend/reference.hpp"
#include "longhand/models/vae.hpp"
#include "support/matrix.hpp"

namespace longhand::test {

/// Everything one call of loss_and_gradient needs, in flat numbers.
template <class B>
struct Case {
  using S = typename B::Scalar;

  Case(VaeSpec config, Index batch_size, B on = B()) : model(std::move(config), on), n(batch_size) {
    const VaeSpec& c = model.spec();
    std::mt19937_64 random(17);
    std::uniform_real_distribution<double> uniform(0.05, 0.95);
    const auto fill = [&](std::vector<S>& v, Index rows, auto draw) {
      v.resize(static_cast<std::size_t>(rows * n));
      for (S& x : v) x = S(draw());
    };
    fill(input, c.input_dim, [&] { return uniform(random); });
    if (c.condition_dim > 0) fill(condition, c.condition_dim, [&] { return uniform(random); });
    scalars.schedules = {S(0.7)};  // beta
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
            .mode = Mode::train,
            .scalars = scalars.view()};
  }
  /// The terms of `batch`, T x n, and the gradient.
  Matrix<S> loss_and_gradient(Grads<B>& grads, const Batch<B>& of) {
    Matrix<S> terms = room_for_terms();
    model.loss_and_gradient(pass(&grads), of, terms.view());
    return terms;
  }
  Matrix<S> loss_and_gradient(Grads<B>& grads) { return loss_and_gradient(grads, batch()); }
  /// The terms alone.
  Matrix<S> values(const Batch<B>& of) {
    Matrix<S> terms = room_for_terms();
    model.values(pass(nullptr), of, terms.view());
    return terms;
  }
  Matrix<S> room_for_terms() const {
    return Matrix<S>(static_cast<Index>(model.terms().size()), n);
  }

  Vae<B> model;
  Index n;
  std::vector<S> input, condition;
  HostScalars<S> scalars;
  Workspace<B> workspace;
};

}  // namespace longhand::test
