// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <functional>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "longhand/core/permutation.hpp"
#include "longhand/optim/optimizer.hpp"
#include "longhand/optim/schedule.hpp"
#include "longhand/train/evaluate.hpp"

namespace longhand {

enum class Split { train, validation };

/// One line of a training's history: means over the rows of an epoch, in nats.
struct EpochReport {
  Index epoch = 0;  ///< from 1
  Index step = 0;   ///< steps taken so far
  Split split = Split::train;
  double loss = 0;  ///< the objective: -(log_likelihood_term - kl_weight * kl)
  double log_likelihood_term = 0;
  double kl = 0;
  double kl_weight = 0;  ///< at the epoch's last step
  double grad_norm = 0;  ///< mean over steps, before clipping (0 for validation)
  double learning_rate = 0;
  Index rows = 0;
  double seconds = 0;

  double elbo() const { return log_likelihood_term - kl; }
};

/// One step, for progress bars.
struct StepReport {
  Index epoch = 0;
  Index step = 0;  ///< steps taken so far, of `steps`
  Index steps = 0;
  double log_likelihood_term = 0;  ///< mean over the batch, in nats
  double kl = 0;
};

struct TrainOptions {
  Index epochs = 10;
  Index batch = 128;  ///< the last, smaller batch of an epoch is kept
  Optimizer optimizer = Adam{};
  double learning_rate = 1e-3;
  LearningRateSchedule schedule = {};
  double beta = 1;        ///< weight of the KL
  Index kl_warmup = 0;    ///< steps until the weight reaches beta
  double clip_norm = 0;   ///< most the gradient's global norm may be; 0 = no clipping
  double l1 = 0;          ///< penalty l1 |theta| [OPT-9], on top of the optimizer's own
  double l2 = 0;          ///< penalty l2 theta^2 / 2 [OPT-8], likewise
  double validation = 0;  ///< fraction of rows held out, in [0, 1)
  Index early_stop = 0;   ///< epochs without a better validation loss after the warm-up; 0 = never
  Binarize binarize = Binarize::none;
  std::uint64_t seed = 0;  ///< of order, noise, dropout, split
  std::function<void(const EpochReport&)> on_epoch = {};
  /// Called inside the parallel region of the CPU's threads: a region of its own has one thread.
  std::function<void(const StepReport&)> on_step = {};
  const std::atomic<bool>* cancel = nullptr;  ///< set it from anywhere to stop after the step
};

struct TrainResult {
  enum class Stop { finished, early, cancelled };
  Stop stop = Stop::finished;
  std::vector<EpochReport> history;
  Index steps = 0;
  Index best_epoch = 0;         ///< whose weights the model has; 0 = the last (no validation)
  bool warmup_complete = true;  ///< false: the KL never reached its full weight
};

/// Loss or gradient stopped being finite. The model has the weights of the last good epoch.
class NonFinite : public std::runtime_error {
 public:
  NonFinite(Index at_step, std::string in_tensor, std::vector<Index> of_rows)
      : std::runtime_error(message(at_step, in_tensor, of_rows)),
        step(at_step),
        tensor(std::move(in_tensor)),
        rows(std::move(of_rows)) {}
  Index step;               ///< from 0
  std::string tensor;       ///< first parameter or gradient that is not finite; empty if none is
  std::vector<Index> rows;  ///< rows of the data set whose loss is not finite

 private:
  static std::string message(Index at_step, const std::string& in_tensor,
                             const std::vector<Index>& of_rows) {
    std::ostringstream text;
    text << "training stopped at step " << at_step << ": ";
    text << (in_tensor.empty() ? "the loss" : in_tensor) << " is not finite";
    if (!of_rows.empty()) {
      text << "; the loss is not finite for " << of_rows.size()
           << " row(s) of the batch, first row " << of_rows.front();
    }
    return text.str();
  }
};

/// Trains a model: order, batches, objective, optimizer, schedules, validation. Calls back, never
/// touches a file.
template <class Model>
class Trainer {
 public:
  using B = typename Model::Backend;
  using S = typename B::Scalar;

  /// Throws std::invalid_argument naming the option that is wrong.
  explicit Trainer(Model& model, TrainOptions options = {})
      : model_(model), options_(checked(std::move(options))) {}

  /// Trains on `data` (a validation set is split off if options.validation > 0), or with a
  /// validation set of its own. Throws std::invalid_argument if the data does not suit the model,
  /// NonFinite if training diverges.
  TrainResult fit(const Data<S>& data) { return run(data, nullptr); }
  TrainResult fit(const Data<S>& data, const Data<S>& validation) { return run(data, &validation); }

 private:
  using Rows = std::vector<std::uint32_t>;
  using Clock = std::chrono::steady_clock;

  TrainResult run(const Data<S>& data, const Data<S>* separate) {
    check_data(model_, data);
    if (separate != nullptr) check_data(model_, *separate);
    auto [train_rows, held_out] = split(data.rows(), separate ? 0 : options_.validation);
    const Rows rows = std::move(train_rows);
    if (separate != nullptr) held_out = all(separate->rows());

    const Index batch = std::min(options_.batch, static_cast<Index>(rows.size()));
    const Index per_epoch = (static_cast<Index>(rows.size()) + batch - 1) / batch;
    const Index steps = per_epoch * options_.epochs;
    if (options_.schedule.total == 0) options_.schedule.total = steps;

    const B& on = model_.on();
    const ResidentData<B> here(on, data);
    std::optional<ResidentData<B>> apart;
    if (separate != nullptr) apart.emplace(on, *separate);
    const ResidentData<B>& validation = apart ? *apart : here;
    State state(here, model_, options_, batch);
    Params<B> good(model_.params().layout()), best(model_.params().layout());
    on.copy(model_.params().flat(), good.flat());
    TrainResult result;
    double best_loss = std::numeric_limits<double>::infinity();
    Index best_epoch = 0, stale = 0;
    try {
      for (Index epoch = 1; epoch <= options_.epochs; ++epoch) {
        EpochReport train;
        together(on, [&](const B& ready) {
          train = train_epoch(ready, state, rows, epoch, per_epoch, steps, result);
        });
        if (result.stop == TrainResult::Stop::cancelled) break;
        require_finite(state, result.steps);
        on.copy(model_.params().flat(), good.flat());
        report(train, result);
        if (held_out.empty()) continue;
        const EpochReport held = validate(validation, held_out, train);
        report(held, result);
        if (result.steps < options_.kl_warmup) continue;
        if (held.loss < best_loss) {
          best_loss = held.loss;
          best_epoch = epoch;
          stale = 0;
          on.copy(model_.params().flat(), best.flat());
        } else if (options_.early_stop > 0 && ++stale >= options_.early_stop) {
          result.stop = TrainResult::Stop::early;
          break;
        }
      }
    } catch (const NonFinite&) {
      on.copy(good.flat(), model_.params().flat());
      throw;
    }
    if (best_epoch > 0 && result.stop != TrainResult::Stop::cancelled) {
      on.copy(best.flat(), model_.params().flat());
      result.best_epoch = best_epoch;
    }
    result.warmup_complete = result.steps >= options_.kl_warmup;
    return result;
  }

  /// Everything a step works with; nothing is allocated after the first.
  struct State {
    State(const ResidentData<B>& data, const Model& model, const TrainOptions& options, Index batch)
        : source(data, options.binarize, batch),
          grads(model.params().layout()),
          optimizer(with_penalty(options), model.params().layout()),
          scalars(1),
          rows(static_cast<std::size_t>(batch)),
          host(static_cast<std::size_t>(batch)) {}
    BatchSource<B> source;
    Grads<B> grads;
    OptimizerState<B> optimizer;
    Workspace<B> workspace;
    Buffer<B, StepScalars<S>> scalars;
    Rows rows;
    std::vector<S> host;
  };

  EpochReport train_epoch(const B& on, State& state, const Rows& rows, Index epoch, Index per_epoch,
                          Index steps, TrainResult& result) {
    const auto start = Clock::now();
    const Index n = static_cast<Index>(rows.size()), batch = static_cast<Index>(state.rows.size());
    EpochReport report{.epoch = epoch, .rows = n};
    double nll = 0, kl = 0, objective = 0, norms = 0;
    const Permutation order({.seed = options_.seed,
                             .step = static_cast<std::uint32_t>(epoch - 1),
                             .stream = Stream::order,
                             .sample = 0},
                            n);  // [NOI-4]
    for (Index first = 0; first < n; first += batch) {
      const Index count = std::min(batch, n - first);
      for (Index j = 0; j < count; ++j)
        state.rows[static_cast<std::size_t>(j)] =
            rows[order(static_cast<std::uint32_t>(first + j))];
      const Step step = take_step(on, state, count, result.steps, epoch);
      ++result.steps;
      nll += step.nll;
      kl += step.kl;
      objective += step.nll + step.kl_weight * step.kl;
      norms += step.grad_norm;
      report.kl_weight = step.kl_weight;
      report.learning_rate = step.learning_rate;
      if (options_.on_step)
        options_.on_step({.epoch = epoch,
                          .step = result.steps,
                          .steps = steps,
                          .log_likelihood_term = -step.nll / static_cast<double>(count),
                          .kl = step.kl / static_cast<double>(count)});
      if (options_.cancel != nullptr && options_.cancel->load()) {
        result.stop = TrainResult::Stop::cancelled;
        break;
      }
    }
    const double total = static_cast<double>(n);
    report.step = result.steps;
    report.log_likelihood_term = -nll / total;
    report.kl = kl / total;
    report.loss = objective / total;
    report.grad_norm = norms / static_cast<double>(per_epoch);
    report.seconds = std::chrono::duration<double>(Clock::now() - start).count();
    return report;
  }

  /// Sums over the rows of one batch, weighted as in the objective.
  struct Step {
    double nll = 0;
    double kl = 0;
    double kl_weight = 0;
    double grad_norm = 0;
    double learning_rate = 0;
  };

  /// gather -> forward -> backward -> norm -> optimizer. Either the step completes with finite
  /// numbers or the parameters are left as they were.
  Step take_step(const B& on, State& state, Index count, Index step, Index epoch) {
    Step done;
    done.kl_weight = kl_weight(options_.beta, options_.kl_warmup, step);
    done.learning_rate = options_.learning_rate * options_.schedule.factor(step);
    StepScalars<S> scalars{.inverse_rows = S(1 / static_cast<double>(count)),
                           .beta = S(done.kl_weight),
                           .learning_rate = S(done.learning_rate)};
    state.optimizer.correct(scalars);
    on.upload(&scalars,
              MatrixView<StepScalars<S>, typename B::Memory>{state.scalars.data(), 1, 1, 1});

    state.workspace.reset();
    state.grads.clear();
    Pass<B> pass{.on = on,
                 .theta = model_.params(),
                 .grads = &state.grads,
                 .workspace = state.workspace,
                 .key = {.seed = options_.seed,
                         .step = static_cast<std::uint32_t>(step),
                         .stream = Stream::latent,
                         .sample = 0},
                 .phase = Phase::train,
                 .scalars = state.scalars.data()};
    const Batch<B> batch = state.source.gather(model_, pass, state.rows.data(), count,
                                               static_cast<std::uint32_t>(epoch - 1));
    const LossTerms<B> terms = model_.loss_and_gradient(pass, batch);
    state.grads.zero_unwritten(on);

    const View<B> squared_norm = pass.matrix(1, 1);
    on.reduce(Square{}, in<B>(state.grads.flat()), state.grads.flat().rows, squared_norm);
    S host_norm;
    on.download(squared_norm, &host_norm);
    done.grad_norm = std::sqrt(static_cast<double>(host_norm));
    done.nll = weighted_sum(state, pass, terms.nll, batch.row_weights);
    done.kl = weighted_sum(state, pass, terms.kl, batch.row_weights);
    if (!std::isfinite(done.nll + done.kl + done.grad_norm))
      throw diagnosis(state, pass, terms, step);

    const View<B> clip{&state.scalars.data()->clip, 1, 1, 1};
    on.for_each(ClipFactor{options_.clip_norm}, in<B>(squared_norm), out<B>(clip));  // [OPT-10]
    state.optimizer.step(on, model_.params(), state.grads, state.scalars.data());
    return done;
  }

  double weighted_sum(State& state, const Pass<B>& pass, ConstView<B> per_row,
                      ConstView<B> weights) const {
    const std::size_t n = static_cast<std::size_t>(per_row.cols);
    if (weights.present()) {
      const View<B> product = pass.matrix(1, per_row.cols);
      pass.on.for_each(WeighRow{}, in<B>(per_row, weights), out<B>(product));
      per_row = product;
    }
    pass.on.download(per_row, state.host.data());
    double sum = 0;
    for (std::size_t j = 0; j < n; ++j) sum += static_cast<double>(state.host[j]);
    return sum;
  }

  EpochReport validate(const ResidentData<B>& data, const Rows& rows,
                       const EpochReport& train) const {
    const auto start = Clock::now();
    const Evaluation e =
        evaluate(model_, data, rows, {.seed = options_.seed, .binarize = options_.binarize});
    EpochReport report = train;
    report.split = Split::validation;
    report.log_likelihood_term = e.log_likelihood_term;
    report.kl = e.kl;
    // The weight after warm-up: otherwise early epochs would win by their small weight.
    report.kl_weight = options_.beta;
    report.loss = -e.log_likelihood_term + options_.beta * e.kl;
    report.grad_norm = 0;
    report.rows = e.rows;
    report.seconds = std::chrono::duration<double>(Clock::now() - start).count();
    return report;
  }

  void report(const EpochReport& r, TrainResult& result) const {
    result.history.push_back(r);
    if (options_.on_epoch) options_.on_epoch(r);
  }

  // ---- when something is not finite
  // --------------------------------------------------------------

  /// Name of the first block with a value that is not finite; empty if there is none.
  std::string first_bad(const Params<B>& params) const {
    const std::vector<ParamBlock>& blocks = params.layout().blocks();
    for (std::size_t b = 0; b < blocks.size(); ++b) {
      const View<B> block = params[static_cast<BlockId>(b)];
      std::vector<S> values(static_cast<std::size_t>(block.size()));
      model_.on().download(block, values.data());
      for (std::size_t i = 0; i < values.size(); ++i) {
        if (std::isfinite(static_cast<double>(values[i]))) continue;
        const Index output = static_cast<Index>(i) / block.rows;
        for (const ParamBlock::Part& part : blocks[b].parts)
          if (output >= part.first && output < part.first + part.outputs) return part.name;
      }
    }
    return {};
  }

  NonFinite diagnosis(State& state, const Pass<B>& pass, const LossTerms<B>& terms, Index step) {
    std::vector<Index> rows;
    const auto collect = [&](ConstView<B> per_row) {
      pass.on.download(per_row, state.host.data());
      for (std::size_t j = 0; j < static_cast<std::size_t>(per_row.cols); ++j) {
        const Index row = static_cast<Index>(state.rows[j]);
        if (!std::isfinite(static_cast<double>(state.host[j])) &&
            std::find(rows.begin(), rows.end(), row) == rows.end())
          rows.push_back(row);
      }
    };
    collect(terms.nll);
    collect(terms.kl);
    std::string tensor = first_bad(model_.params());
    if (tensor.empty()) {
      const std::string gradient = first_bad(state.grads.values());
      if (!gradient.empty()) tensor = "the gradient of " + gradient;
    }
    return NonFinite(step, std::move(tensor), std::move(rows));
  }

  /// The last step of an epoch may have written what no later step has read yet.
  void require_finite(State&, Index steps) const {
    const std::string tensor = first_bad(model_.params());
    if (!tensor.empty()) throw NonFinite(steps - 1, tensor, {});
  }

  // ---- rows
  // ---------------------------------------------------------------------------------------

  static Rows all(Index n) {
    Rows rows(static_cast<std::size_t>(n));
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<std::uint32_t>(i);
    return rows;
  }

  /// Training and validation rows: a keyed permutation cut in two, each part in file order.
  std::pair<Rows, Rows> split(Index n, double fraction) const {
    Rows rows = all(n);
    const auto held = static_cast<std::size_t>(std::llround(fraction * static_cast<double>(n)));
    if (held == 0) return {std::move(rows), {}};
    require(held < rows.size(), "validation holds out ", held, " of ", n,
            " rows, nothing is left to train on");
    std::vector<bool> out(rows.size(), false);
    const Permutation order(
        {.seed = options_.seed, .step = 0, .stream = Stream::split, .sample = 0}, n);
    for (std::uint32_t i = 0; i < held; ++i) out[order(i)] = true;
    Rows train, validation;
    for (std::size_t i = 0; i < rows.size(); ++i)
      (out[i] ? validation : train).push_back(static_cast<std::uint32_t>(i));
    return {std::move(train), std::move(validation)};
  }

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

  static TrainOptions checked(TrainOptions o) {
    require(o.epochs > 0, "epochs is ", o.epochs, ", expected at least 1");
    require(o.batch > 0, "batch is ", o.batch, ", expected at least 1");
    require(o.learning_rate > 0 && std::isfinite(o.learning_rate), "learning rate is ",
            o.learning_rate, ", expected a positive number");
    require(o.beta >= 0 && std::isfinite(o.beta), "beta is ", o.beta, ", expected 0 or more");
    require(o.kl_warmup >= 0, "kl_warmup is ", o.kl_warmup, ", expected 0 or more steps");
    require(o.clip_norm >= 0 && std::isfinite(o.clip_norm), "clip_norm is ", o.clip_norm,
            ", expected 0 (off) or more");
    require(o.l1 >= 0 && std::isfinite(o.l1), "l1 is ", o.l1, ", expected 0 or more");
    require(o.l2 >= 0 && std::isfinite(o.l2), "l2 is ", o.l2, ", expected 0 or more");
    require(o.validation >= 0 && o.validation < 1, "validation is ", o.validation,
            ", expected a fraction in [0, 1)");
    require(o.early_stop >= 0, "early_stop is ", o.early_stop, ", expected 0 or more epochs");
    require(o.schedule.every > 0, "the learning-rate schedule drops every ", o.schedule.every,
            " steps, expected at least 1");
    return o;
  }

  Model& model_;
  TrainOptions options_;
};

/// Trains on samples alone: the shortest way.
template <class Model>
TrainResult fit(Model& model, AnySamples<typename Model::Scalar> samples,
                TrainOptions options = {}) {
  Data<typename Model::Scalar> data;
  data.input = std::move(samples);
  return Trainer<Model>(model, std::move(options)).fit(data);
}

}  // namespace longhand
