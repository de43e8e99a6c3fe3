// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "longhand/train/evaluate.hpp"
#include "longhand/train/step.hpp"

namespace longhand {

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
    const B& backend = model_.backend();
    const ResidentData<B> here(backend, data);
    std::optional<ResidentData<B>> apart;
    if (separate != nullptr) apart.emplace(backend, *separate);
    const ResidentData<B>& validation = apart ? *apart : here;
    TrainingStep<Model> step(model_, here, options_, rows, batch);
    const Index steps = step.logbook().pages() * options_.epochs;
    if (options_.schedule.total == 0) options_.schedule.total = steps;
    Params<B> good(model_.params().layout()), best(model_.params().layout());
    const Buffer<B> squares(1);
    backend.copy(model_.params().flat(), good.flat());
    TrainResult result;
    double best_loss = std::numeric_limits<double>::infinity();
    Index best_epoch = 0, stale = 0;
    try {
      for (Index epoch = 1; epoch <= options_.epochs; ++epoch) {
        EpochReport train;
        together(backend, [&](const B& ready) {
          train = train_epoch(ready, step, static_cast<Index>(rows.size()), epoch, steps, result);
        });
        if (result.stop == TrainResult::Stop::cancelled) break;
        require_finite(squares.column(), result.steps);
        backend.copy(model_.params().flat(), good.flat());
        report(train, result);
        if (held_out.empty()) continue;
        const EpochReport held = validate(validation, held_out, train);
        report(held, result);
        if (result.steps < options_.kl_warmup) continue;
        if (held.loss < best_loss) {
          best_loss = held.loss;
          best_epoch = epoch;
          stale = 0;
          backend.copy(model_.params().flat(), best.flat());
        } else if (options_.early_stop > 0 && ++stale >= options_.early_stop) {
          result.stop = TrainResult::Stop::early;
          break;
        }
      }
    } catch (const NonFinite&) {
      backend.copy(good.flat(), model_.params().flat());
      throw;
    }
    if (best_epoch > 0 && result.stop != TrainResult::Stop::cancelled) {
      backend.copy(best.flat(), model_.params().flat());
      result.best_epoch = best_epoch;
    }
    result.warmup_complete = result.steps >= options_.kl_warmup;
    return result;
  }

  EpochReport train_epoch(const B& backend, TrainingStep<Model>& step, Index rows, Index epoch,
                          Index steps, TrainResult& result) const {
    const auto start = Clock::now();
    Logbook<B>& logbook = step.logbook();
    logbook.shuffle(backend, order_of(epoch, rows));
    plan(step, epoch, result.steps);
    logbook.open(backend);

    EpochReport report{.epoch = epoch, .step = result.steps, .rows = rows};
    Index taken = 0, reported = 0;  // pages
    while (taken < logbook.pages() && result.stop != TrainResult::Stop::cancelled) {
      const Index end = std::min(taken + steps_at_once(), logbook.pages());
      step.take(backend, taken, end);
      taken = end;
      if (kReadingIsFree || options_.on_step) {
        add(backend, step, reported, taken, steps, report);
        reported = taken;
      }
      if (options_.cancel != nullptr && options_.cancel->load())
        result.stop = TrainResult::Stop::cancelled;
    }
    add(backend, step, reported, taken, steps, report);
    result.steps += taken;

    const double total = static_cast<double>(report.rows);
    report.log_likelihood_term /= -total;
    report.kl /= total;
    report.loss /= total;
    report.grad_norm /= static_cast<double>(logbook.pages());
    report.seconds = std::chrono::duration<double>(Clock::now() - start).count();
    return report;
  }

  Permutation order_of(Index epoch, Index rows) const {
    return Permutation({.seed = options_.seed,
                        .step = static_cast<std::uint32_t>(epoch - 1),
                        .stream = Stream::order,
                        .draw = 0},
                       rows);
  }

  /// Writes what the steps of an epoch need, the first of which is step `first` of the training.
  void plan(TrainingStep<Model>& step, Index epoch, Index first) const {
    Logbook<B>& logbook = step.logbook();
    for (Index page = 0; page < logbook.pages(); ++page) {
      StepScalars<S>& scalars = logbook.plan(page);
      scalars.inverse_samples = S(1 / static_cast<double>(logbook.rows(page)));
      scalars.beta = S(kl_weight_at(first + page));
      scalars.learning_rate = S(learning_rate_at(first + page));
      scalars.step = static_cast<std::uint32_t>(first + page);
      scalars.epoch = static_cast<std::uint32_t>(epoch - 1);
      step.optimizer().correct(scalars);
    }
  }
  double kl_weight_at(Index step) const {
    return kl_weight(options_.beta, options_.kl_warmup, step);
  }
  double learning_rate_at(Index step) const {
    return options_.learning_rate * options_.schedule.factor(step);
  }

  /// Where nothing has to be waited for, the host reads what every step found before the next one.
  static constexpr bool kReadingIsFree = std::is_same_v<typename B::Memory, HostMemory>;
  Index steps_at_once() const {
    return kReadingIsFree ? 1 : std::max<Index>(1, options_.steps_per_launch);
  }

  /// Adds what the steps of pages first .. end - 1 found to the sums in `report`, whose step is
  /// that of page `first`, and calls back.
  void add(const B& backend, TrainingStep<Model>& step, Index first, Index end, Index steps,
           EpochReport& report) const {
    Logbook<B>& logbook = step.logbook();
    logbook.read(backend, first, end);
    for (Index page = first; page < end; ++page) {
      const double nll = sum(logbook.nll(page)), kl = sum(logbook.kl(page));
      const double norm = logbook.grad_norm(page);
      if (!std::isfinite(nll + kl + norm)) throw diagnosis(backend, step, page, report.step);
      report.kl_weight = kl_weight_at(report.step);
      report.learning_rate = learning_rate_at(report.step);
      report.log_likelihood_term += nll;  // its negative, until the epoch is over
      report.kl += kl;
      report.loss += nll + report.kl_weight * kl;
      report.grad_norm += norm;
      ++report.step;
      const double count = static_cast<double>(logbook.rows(page));
      if (options_.on_step)
        options_.on_step({.epoch = report.epoch,
                          .step = report.step,
                          .steps = steps,
                          .log_likelihood_term = -nll / count,
                          .kl = kl / count});
    }
  }
  static double sum(std::span<const S> numbers) {
    double total = 0;
    for (const S& number : numbers) total += static_cast<double>(number);
    return total;
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

  // ---- when something is not finite ------------------------------------------------------------

  /// Name of the first block with a value that is not finite; empty if there is none.
  std::string first_bad(const Params<B>& params) const {
    const std::vector<ParamBlock>& blocks = params.layout().blocks();
    for (std::size_t b = 0; b < blocks.size(); ++b) {
      const View<B> block = params[static_cast<BlockId>(b)];
      std::vector<S> values(static_cast<std::size_t>(block.size()));
      model_.backend().download(block, values.data());
      for (std::size_t i = 0; i < values.size(); ++i) {
        if (std::isfinite(static_cast<double>(values[i]))) continue;
        const Index output = static_cast<Index>(i) / block.rows;
        for (const ParamBlock::Part& part : blocks[b].parts)
          if (output >= part.first && output < part.first + part.outputs) return part.name;
      }
    }
    return {};
  }

  /// The step of `page` found something that is not finite. No step since has changed anything:
  /// taken again it finds the same, and its gradient is there to be looked at.
  NonFinite diagnosis(const B& backend, TrainingStep<Model>& step, Index page, Index number) const {
    Logbook<B>& logbook = step.logbook();
    logbook.turn_to(backend, page);
    step.once(backend, logbook.rows(page));
    logbook.read(backend, page, page + 1);
    const std::vector<std::uint32_t> numbers = logbook.sample_numbers(backend, page);
    std::vector<Index> rows;
    for (std::size_t j = 0; j < logbook.nll(page).size(); ++j)
      if (!std::isfinite(static_cast<double>(logbook.nll(page)[j])) ||
          !std::isfinite(static_cast<double>(logbook.kl(page)[j])))
        rows.push_back(static_cast<Index>(numbers[j]));
    std::string tensor = first_bad(model_.params());
    if (tensor.empty()) {
      const std::string gradient = first_bad(step.grads().values());
      if (!gradient.empty()) tensor = "the gradient of " + gradient;
    }
    return NonFinite(number, std::move(tensor), std::move(rows));
  }

  /// The last step of an epoch may have written what no later step has read yet.
  void require_finite(View<B> squares, Index steps) const {
    const B& backend = model_.backend();
    const View<B> theta = model_.params().flat();
    backend.reduce(Square{}, in<B>(theta), theta.rows, squares);
    S sum;
    backend.download(squares, &sum);
    if (std::isfinite(static_cast<double>(sum))) return;
    const std::string tensor = first_bad(model_.params());
    if (!tensor.empty()) throw NonFinite(steps - 1, tensor, {});
  }

  // ---- rows -------------------------------------------------------------------------------------

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
    const Permutation order({.seed = options_.seed, .step = 0, .stream = Stream::split, .draw = 0},
                            n);
    for (std::uint32_t i = 0; i < held; ++i) out[order(i)] = true;
    Rows train, validation;
    for (std::size_t i = 0; i < rows.size(); ++i)
      (out[i] ? validation : train).push_back(static_cast<std::uint32_t>(i));
    return {std::move(train), std::move(validation)};
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
