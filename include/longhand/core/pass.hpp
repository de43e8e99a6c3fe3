// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>

#include "longhand/core/params.hpp"
#include "longhand/core/philox.hpp"
#include "longhand/core/terms.hpp"

namespace longhand {

/// Whether a pass trains (dropout drops) or evaluates.
enum class Mode { train, eval };

/// What every part of a model is given first: the backend that computes, the parameters, where
/// their gradients go, the workspace, and the key of the noise.
template <class B>
struct Pass {
  const B& backend;
  const Params<B>& theta;
  Grads<B>* grads = nullptr;  ///< null = frozen: no parameter gradient is computed
  Workspace<B>& workspace;
  NoiseKey key{};
  SampleIds<B> sample_ids{};  ///< absent = 0, 1, 2, … by column
  Mode mode = Mode::eval;
  StepScalars<typename B::Scalar> scalars{};
  /// Whether parameter gradients may be computed aside, that is, on a second stream of the backend,
  /// beside what is asked of it meanwhile (core/backend.hpp): nobody reads them before
  /// join(backend).
  bool gradients_aside = false;

  /// This pass without gradients of parameters.
  Pass frozen() const {
    Pass pass = *this;
    pass.grads = nullptr;
    return pass;
  }
  View<B> matrix(Index rows, Index cols) const { return workspace.matrix(rows, cols); }
};

/// One minibatch, a sample per column. Empty = absent; the target defaults to the input. Denoising
/// (input is not the target), conditions, missing values, sample weights and noise keyed by samples
/// all come through here.
template <class B>
struct Batch {
  ConstView<B> input = {};           ///< D x N
  ConstView<B> target = {};          ///< D x N, default: input
  ConstView<B> condition = {};       ///< C x N
  ConstView<B> mask = {};            ///< D x N, 1 = observed, 0 = missing (its target may be anything)
  ConstView<B> sample_weights = {};  ///< 1 x N, default: 1

  ConstView<B> target_or_input() const { return target.present() ? target : input; }
};

/// Throws std::invalid_argument naming the matrix of a batch that has not the shape which samples
/// of `features` features give it.
template <class B>
void check_batch(const Batch<B>& batch, Index features) {
  const Index n = batch.input.cols;
  const auto optional = [&](const char* name, ConstView<B> m, Index rows) {
    if (m.present()) require_shape(name, m, rows, n);
  };
  require_shape("batch: input", batch.input, features, n);
  optional("batch: target", batch.target, features);
  optional("batch: mask", batch.mask, features);
  optional("batch: sample_weights", batch.sample_weights, 1);
}

}  // namespace longhand
