// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>

#include "longhand/core/params.hpp"
#include "longhand/core/philox.hpp"

namespace longhand {

enum class Phase { train, eval };

/// The numbers that change from step to step. They live in backend memory and are read by the
/// sweeps, so that a step recorded once (a CUDA graph) never holds a host value.
template <class T>
struct StepScalars {
  // Known before the step.
  T inverse_samples = T(1);  ///< 1/N of [ELBO-1]
  T beta = T(1);             ///< weight of the KL, after warm-up [ELBO-5]
  T learning_rate = T(0);    ///< after the schedule
  T correction1 = T(1);      ///< 1/(1 - b1^t) of [OPT-5]
  T correction2 = T(1);      ///< 1/(1 - b2^t) of [OPT-5]
  std::uint32_t step = 0;    ///< of the training, from 0: keys the noise
  std::uint32_t epoch = 0;   ///< from 0: keys dynamic binarisation
  // Found by the step.
  T clip = T(1);   ///< factor of [OPT-10]
  T sound = T(1);  ///< s of [OPT-14]; 0: the update leaves everything as it is
};

/// The first argument of every part of a model: where to compute, with which parameters, where
/// gradients go, where scratch comes from, which noise.
template <class B>
struct Pass {
  const B& backend;
  const Params<B>& theta;
  Grads<B>* grads = nullptr;  ///< null = frozen: no parameter gradient is computed
  Workspace<B>& workspace;
  NoiseKey key{};
  SampleIds<B> sample_ids{};  ///< absent = 0, 1, 2, … by column
  Phase phase = Phase::eval;
  const StepScalars<typename B::Scalar>* scalars = nullptr;  ///< backend memory
  /// Parameter gradients may be computed aside: nobody reads them before join(on).
  bool gradients_aside = false;

  Pass with(const B& other) const {
    return {.backend = other,
            .theta = theta,
            .grads = grads,
            .workspace = workspace,
            .key = key,
            .sample_ids = sample_ids,
            .phase = phase,
            .scalars = scalars,
            .gradients_aside = gradients_aside};
  }
  View<B> matrix(Index rows, Index cols) const { return workspace.matrix(rows, cols); }
};

/// One minibatch, a sample per column. Empty = absent; the target defaults to the input. Denoising
/// (input is not the target), conditions, missing values, row weights and row-keyed noise all come
/// through here.
template <class B>
struct Batch {
  ConstView<B> input;           ///< D x N
  ConstView<B> target;          ///< D x N, default: input
  ConstView<B> condition;       ///< C x N
  ConstView<B> mask;            ///< D x N, 1 = observed, 0 = missing (its target may be anything)
  ConstView<B> sample_weights;  ///< 1 x N, default: 1

  ConstView<B> target_or_input() const { return target.present() ? target : input; }
};

}  // namespace longhand
