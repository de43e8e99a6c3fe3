// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstdint>
#include <span>
#include <variant>

#include "longhand/core/replay.hpp"
#include "longhand/math/sample_seed.hpp"
#include "longhand/models/vae.hpp"
#include "longhand/train/logbook.hpp"
#include "longhand/train/options.hpp"

namespace longhand {

/// A training step with everything it works with; nothing is allocated after the first.
template <class Model>
class TrainingStep {
 public:
  using B = typename Model::Backend;
  using S = typename B::Scalar;

  /// Of a training on these rows of the data in steps of `batch`. Model and data must outlive it.
  TrainingStep(Model& model, const ResidentData<B>& data, const TrainOptions& options,
               std::span<const std::uint32_t> rows, Index batch)
      : model_(model),
        seed_(options.seed),
        clip_factor_{options.clip_norm},
        source_(data, options.binarize),
        logbook_(model.backend(), rows, batch),
        grads_(model.params().layout()),
        optimizer_(with_penalty(options), model.params().layout()),
        full_(std::min(options.steps_per_launch, static_cast<Index>(rows.size()) / batch)),
        last_(std::min<Index>(options.steps_per_launch, 1)) {}

  Logbook<B>& logbook() { return logbook_; }
  OptimizerState<B>& optimizer() { return optimizer_; }
  /// Of the last step.
  const Grads<B>& grads() const { return grads_; }

  /// Takes the steps of pages first .. end - 1, the logbook being turned to the first. A backend
  /// that records plays them.
  void take(const B& backend, Index first, Index end) {
    const Index ragged = logbook_.rows(end - 1) < logbook_.rows(0) ? 1 : 0;
    full_.run(backend, end - first - ragged, [&](const B& here) { once(here, logbook_.rows(0)); });
    last_.run(backend, ragged, [&](const B& here) { once(here, logbook_.rows(end - 1)); });
  }

  /// gather -> forward -> backward -> norm -> optimizer, for the next page of the logbook, which
  /// has `count` rows. Either all it finds is finite, or parameters and moments are left as they
  /// were, by this step and all that follow until the logbook is opened again [OPT-14].
  void once(const B& backend, Index count) {
    workspace_.reset();
    grads_.clear();
    logbook_.begin(backend, count);
    StepScalars<S>* const scalars = logbook_.scalars();
    const Pass<B> pass{.backend = backend,
                       .theta = model_.params(),
                       .grads = &grads_,
                       .workspace = workspace_,
                       .key = {.seed = seed_,
                               .step = 0,
                               .stream = Stream::latent,
                               .draw = 0,
                               .step_at = &scalars->step},
                       .sample_ids = logbook_.rows_of(count),
                       .phase = Phase::train,
                       .scalars = scalars,
                       .gradients_aside = true};
    const Batch<B> batch = source_.gather(model_, pass);
    const LossTerms<B> terms = model_.loss_and_gradient(pass, batch);
    const View<B> squared_norm = pass.matrix(1, 1), trouble = pass.matrix(1, 1);
    const ConstView<B> nll = weighed(pass, terms.nll, batch.sample_weights);
    const ConstView<B> kl = weighed(pass, terms.kl, batch.sample_weights);
    backend.reduce_columns(SampleTrouble{}, in<B>(as_column(nll), as_column(kl)),
                           std::array<View<B>, 0>{}, count, trouble);

    join(backend);
    grads_.zero_unwritten(backend);
    const View<B> clip{&scalars->clip, 1, 1, 1}, sound{&scalars->sound, 1, 1, 1};
    backend.reduce(Square{}, in<B>(grads_.flat()), grads_.flat().rows, squared_norm,
                   then<B>(JudgeStep{clip_factor_}, in<B>(squared_norm, trouble, sound),
                           out<B>(clip, sound)));  // [OPT-10] [OPT-14]
    optimizer_.step(backend, model_.params(), grads_, scalars);
    logbook_.end(backend, nll, kl, squared_norm);
  }

 private:
  static Optimizer with_penalty(const TrainOptions& options) {
    Optimizer optimizer = options.optimizer;
    std::visit(
        [&](auto& o) {
          o.penalty.l1 += options.l1;
          o.penalty.l2 += options.l2;
        },
        optimizer);
    return optimizer;
  }
  static ConstView<B> weighed(const Pass<B>& pass, ConstView<B> values, ConstView<B> weights) {
    if (!weights.present()) return values;
    const View<B> product = pass.matrix(1, values.cols);
    pass.backend.for_each(WeighSample{}, in<B>(values, weights), out<B>(product));
    return product;
  }
  static ConstView<B> as_column(ConstView<B> row) { return {row.data, row.cols, 1, row.cols}; }

  Model& model_;
  std::uint64_t seed_;
  ClipFactor clip_factor_;
  BatchSource<B> source_;
  Logbook<B> logbook_;
  Grads<B> grads_;
  OptimizerState<B> optimizer_;
  Workspace<B> workspace_;
  Replay<B> full_, last_;  ///< of full batches, of the smaller one that ends an epoch
};

}  // namespace longhand
