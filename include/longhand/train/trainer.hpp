// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "longhand/train/evaluate.hpp"
#include "longhand/train/kept_epoch.hpp"
#include "longhand/train/step.hpp"

namespace longhand {

/// Trains any model: order, batches, players, schedules, validation. It calls back and never
/// touches a file. Each fit() is a training of its own: schedules begin anew, moments at zero, the
/// weights where they are.
template <TrainableModel M>
class Trainer {
 public:
  using B = typename M::Backend;
  using S = typename B::Scalar;

  /// Throws std::invalid_argument naming the option that is wrong.
  explicit Trainer(M& model, TrainOptions options = {})
      : model_(model),
        options_(checked(std::move(options))),
        terms_(model.terms()),
        wanted_(schedules_of(model, options_)) {
    for (const Term& term : terms_) step_terms_.push_back({term.name, 0});
  }

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
    auto [train_samples, held_out] = split(data.count(), separate ? 0 : options_.validation);
    const Rows samples = std::move(train_samples);
    if (separate != nullptr) held_out = all(separate->count());

    const Index batch = std::min(options_.batch, static_cast<Index>(samples.size()));
    const B& backend = model_.backend();
    const ResidentData<B> resident(backend, data);
    std::optional<ResidentData<B>> other;
    if (separate != nullptr) other.emplace(backend, *separate);
    const ResidentData<B>& validation = other ? *other : resident;
    TrainingStep<M> step(model_, resident, options_, samples, batch);
    const Index steps = step.logbook().pages() * options_.epochs;
    rate_ = options_.schedule;
    if (rate_.total == 0) rate_.total = steps;
    schedules_.clear();
    for (const Schedule& schedule : wanted_) schedules_.push_back(schedule.planned(steps));
    const View<B> theta = model_.params().flat();
    // Weights are good once a finite loss was seen with them: those of an epoch's end by the first
    // step of the next one, or by validation.
    Params<B> good(model_.params().layout()), unseen(model_.params().layout());
    Index unseen_until = 0;  // the step that sees the weights in `unseen`
    KeptEpoch<B> kept(model_.params().layout(), model_.selection_tolerance());
    const Buffer<B> squares(1);
    backend.copy(theta, good.flat());
    backend.copy(theta, unseen.flat());
    TrainResult result;
    Index stale = 0;
    auto saved = Clock::now();
    // unseen holds theta at the end of an epoch.
    const auto save = [&] {
      if (!options_.on_save ||
          std::chrono::duration<double>(Clock::now() - saved).count() < options_.save_every)
        return;
      kept.epoch() > 0 ? kept.restore(backend, theta) : backend.copy(good.flat(), theta);
      options_.on_save();
      backend.copy(unseen.flat(), theta);
      saved = Clock::now();
    };
    try {
      for (Index epoch = 1; epoch <= options_.epochs; ++epoch) {
        EpochReport train;
        together(backend, [&](const B& with_threads) {
          train = train_epoch(with_threads, step, static_cast<Index>(samples.size()), epoch, steps,
                              result);
        });
        if (result.stop == TrainResult::Stop::cancelled) break;
        require_finite(squares.column(), result.steps);
        std::swap(good, unseen);
        backend.copy(theta, unseen.flat());
        unseen_until = result.steps;
        if (held_out.empty() && epoch == options_.epochs)
          require_finite_loss(resident, samples, result.steps, Split::train);
        report(train, result);
        if (held_out.empty()) {
          save();
          continue;
        }
        const EpochReport held = validate(validation, held_out, train, step);
        backend.copy(theta, good.flat());
        report(held, result);
        if (weights_have_arrived(result.steps)) {
          if (kept.enter(backend, epoch, model_.selection(held), theta)) {
            stale = 0;
          } else if (options_.early_stop > 0 && ++stale >= options_.early_stop) {
            result.stop = TrainResult::Stop::early;
            break;
          }
        }
        save();
      }
      result.best_epoch = kept.epoch();
      if (result.best_epoch > 0)
        kept.restore(backend, theta);
      else if (result.stop == TrainResult::Stop::cancelled)
        require_finite_loss(resident, samples, result.steps, Split::train);
    } catch (const NonFinite& error) {
      backend.copy(error.step > unseen_until ? unseen.flat() : good.flat(), theta);
      throw;
    }
    for (const EpochReport& r : result.history)
      if (r.split == Split::validation && r.epoch == result.best_epoch)
        result.remarks = model_.remarks(r);
    for (std::size_t i = 0; i < schedules_.size(); ++i)
      if (!schedules_[i].complete(result.steps))
        result.unfinished.push_back({names_[i], schedules_[i].at(result.steps)});
    return result;
  }

  EpochReport train_epoch(const B& backend, TrainingStep<M>& step, Index samples, Index epoch,
                          Index steps, TrainResult& result) {
    const auto start = Clock::now();
    Logbook<B>& logbook = step.logbook();
    logbook.shuffle(backend, order_of(epoch, samples));
    plan(step, epoch, result.steps);
    logbook.start(backend);

    EpochReport report;
    report.epoch = epoch;
    report.step = result.steps;
    report.samples = samples;
    for (const Term& term : terms_) report.terms.push_back({term.name, 0});
    for (const auto& playing : step.players()) report.players.push_back({playing.player.name});
    for (const std::string& name : names_) report.schedules.push_back({name, 0});
    for (const auto& tensor : step.tensors()) report.grad_norms.push_back({tensor.name, 0});
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

    const double total = static_cast<double>(report.samples);
    const double pages = static_cast<double>(logbook.pages());
    for (NamedValue& term : report.terms) term.value /= total;
    for (PlayerReport& player : report.players) {
      player.loss /= total;
      player.grad_norm /= pages;
    }
    for (NamedValue& tensor : report.grad_norms) tensor.value /= pages;
    report.seconds = std::chrono::duration<double>(Clock::now() - start).count();
    return report;
  }

  Permutation order_of(Index epoch, Index samples) const {
    return Permutation({.seed = options_.seed,
                        .step = static_cast<std::uint32_t>(epoch - 1),
                        .stream = Stream::order,
                        .draw = 0},
                       samples);
  }

  // ---- schedules and weights
  // ---------------------------------------------------------------------

  /// Writes what the steps of an epoch need, the first of which is step `first` of the training.
  void plan(TrainingStep<M>& step, Index epoch, Index first) const {
    Logbook<B>& logbook = step.logbook();
    for (Index page = 0; page < logbook.pages(); ++page) {
      const PlannedStep<S> planned = logbook.plan(page);
      const Index number = first + page;
      planned.counters = {static_cast<std::uint32_t>(number),
                          static_cast<std::uint32_t>(epoch - 1)};
      planned.inverse_samples() = S(1 / static_cast<double>(logbook.samples(page)));
      for (std::size_t i = 0; i < schedules_.size(); ++i)
        planned.schedule(static_cast<Index>(i)) = S(schedules_[i].at(number));
      Index weight = 0, p = 0;
      for (const auto& playing : step.players()) {
        for (const WeightedTerm& term : playing.player.loss)
          planned.weight(weight++) = S(weight_at(term, number));
        const auto [c1, c2] = playing.optimizer.corrections(number + 1);
        S* const own = planned.player(p++);
        own[0] = S(learning_rate_at(playing, number));
        own[1] = S(c1);
        own[2] = S(c2);
      }
    }
  }
  double weight_at(const WeightedTerm& term, Index step) const {
    return term.schedule < 0 ? term.weight : term.weight * schedule_of(term).at(step);
  }
  /// What the weight becomes in the end: otherwise early epochs would win by a small weight.
  double weight_at_the_end(const WeightedTerm& term) const {
    return term.schedule < 0 ? term.weight : term.weight * schedule_of(term).to;
  }
  const Schedule& schedule_of(const WeightedTerm& term) const {
    return schedules_[static_cast<std::size_t>(term.schedule)];
  }
  double learning_rate_at(const typename TrainingStep<M>::Playing& playing, Index step) const {
    return playing.learning_rate * rate_.factor(step);
  }
  bool weights_have_arrived(Index steps) const {
    for (const Player& player : model_.players())
      for (const WeightedTerm& term : player.loss)
        if (term.schedule >= 0 && !schedule_of(term).complete(steps)) return false;
    return true;
  }

  /// One schedule per name in the model's list.
  std::vector<Schedule> schedules_of(const M& model, const TrainOptions& options) {
    std::vector<Schedule> all;
    for (const Scheduled& scheduled : model.schedules()) {
      names_.push_back(scheduled.name);
      const auto given = options.schedules.find(scheduled.name);
      if (given != options.schedules.end())
        all.push_back(given->second);
      else if (scheduled.name == "beta" && options.kl_warmup > 0)
        all.push_back(Schedule::linear(0, options.beta, options.kl_warmup));
      else
        all.push_back(
            Schedule::constant(scheduled.name == "beta" ? options.beta : scheduled.usual));
    }
    const bool has_beta = std::ranges::find(names_, "beta") != names_.end();
    require(has_beta || (options.beta == 1 && options.kl_warmup == 0),
            "beta and kl_warmup are for a model with a KL");
    for (const auto& [name, schedule] : options.schedules)
      require(std::ranges::find(names_, name) != names_.end(), "the options name a schedule '",
              name, "' that the model does not have");
    return all;
  }

  // ---- what steps found -------------------------------------------------------------------------

  /// Where nothing has to be waited for, the host reads what every step found before the next one.
  static constexpr bool kReadingIsFree = std::is_same_v<typename B::Memory, HostMemory>;
  Index steps_at_once() const {
    return kReadingIsFree ? 1 : std::max<Index>(1, options_.steps_per_launch);
  }

  /// Adds what the steps of pages first .. end - 1 found to the sums in `report`, whose step is
  /// that of page `first`, and calls back.
  void add(const B& backend, TrainingStep<M>& step, Index first, Index end, Index steps,
           EpochReport& report) {
    Logbook<B>& logbook = step.logbook();
    logbook.read(backend, first, end);
    NamedValues& means = step_terms_;
    for (Index page = first; page < end; ++page) {
      const Index count = logbook.samples(page);
      double check = 0;
      for (std::size_t t = 0; t < terms_.size(); ++t) {
        double sum = 0;
        for (Index j = 0; j < count; ++j)
          sum += static_cast<double>(logbook.term(page, static_cast<Index>(t), j));
        means[t].value = sum;
        check += sum;
      }
      const Index players = logbook.shape().players;
      for (Index p = 0; p < players; ++p) check += logbook.grad_norm(page, p);
      if (!std::isfinite(check)) throw diagnosis(backend, step, page, report.step);
      for (std::size_t t = 0; t < terms_.size(); ++t) report.terms[t].value += means[t].value;
      for (std::size_t p = 0; p < report.players.size(); ++p) {
        const auto& playing = step.players()[p];
        PlayerReport& player = report.players[p];
        for (const WeightedTerm& term : playing.player.loss)
          player.loss +=
              weight_at(term, report.step) * means[static_cast<std::size_t>(term.term)].value;
        player.grad_norm += logbook.grad_norm(page, static_cast<Index>(p));
        player.learning_rate = learning_rate_at(playing, report.step);
      }
      for (std::size_t k = 0; k < report.grad_norms.size(); ++k)
        report.grad_norms[k].value += logbook.grad_norm(page, players + static_cast<Index>(k));
      for (std::size_t i = 0; i < schedules_.size(); ++i)
        report.schedules[i].value = schedules_[i].at(report.step);
      ++report.step;
      if (!options_.on_step) continue;
      for (NamedValue& mean : means) mean.value /= static_cast<double>(count);
      options_.on_step(
          {.epoch = report.epoch, .step = report.step, .steps = steps, .terms = means});
    }
  }

  EpochReport validate(const ResidentData<B>& data, const Rows& samples, const EpochReport& train,
                       const TrainingStep<M>& step) const {
    const auto start = Clock::now();
    const Evaluation e =
        evaluate(model_, data, samples, {.seed = options_.seed, .binarize = options_.binarize});
    if (!e.not_finite.empty())
      throw NonFinite(train.step - 1, {}, e.not_finite, Split::validation);
    EpochReport report = train;
    report.split = Split::validation;
    report.terms = e.terms;
    report.diagnostics = e.diagnostics;
    report.samples = e.samples;
    report.grad_norms.clear();
    for (std::size_t i = 0; i < schedules_.size(); ++i)
      report.schedules[i].value = schedules_[i].to;
    for (std::size_t p = 0; p < report.players.size(); ++p) {
      report.players[p].grad_norm = 0;
      report.players[p].loss = 0;
      for (const WeightedTerm& term : step.players()[p].player.loss)
        report.players[p].loss +=
            weight_at_the_end(term) * e.terms[static_cast<std::size_t>(term.term)].value;
    }
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

  /// The step of `page` found something that is not finite. No phase since has changed anything:
  /// all phases of the step, taken again, leave everything as it is, find the same where it failed,
  /// and their gradients are there to be looked at.
  NonFinite diagnosis(const B& backend, TrainingStep<M>& step, Index page, Index number) const {
    Logbook<B>& logbook = step.logbook();
    logbook.go_to(backend, page);
    step.once(backend, logbook.samples(page));
    logbook.read(backend, page, page + 1);
    const std::vector<std::uint32_t> numbers = logbook.sample_numbers(backend, page);
    std::vector<Index> samples;
    for (std::size_t j = 0; j < numbers.size(); ++j) {
      double sum = 0;
      for (std::size_t t = 0; t < terms_.size(); ++t)
        sum +=
            static_cast<double>(logbook.term(page, static_cast<Index>(t), static_cast<Index>(j)));
      if (!std::isfinite(sum)) samples.push_back(static_cast<Index>(numbers[j]));
    }
    std::string tensor = first_bad(model_.params());
    if (tensor.empty()) {
      const std::string gradient = first_bad(step.grads().values());
      if (!gradient.empty()) tensor = "the gradient of " + gradient;
    }
    return NonFinite(number, std::move(tensor), std::move(samples));
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

  /// Weights may be finite and the loss with them is not: a loss is looked at, of at most so many
  /// samples that it costs little beside an epoch.
  void require_finite_loss(const ResidentData<B>& data, const Rows& samples, Index steps,
                           Split split) const {
    const auto most = std::min<std::size_t>(samples.size(), 8192);
    const Rows some(samples.begin(), samples.begin() + static_cast<std::ptrdiff_t>(most));
    const Evaluation e =
        evaluate(model_, data, some, {.seed = options_.seed, .binarize = options_.binarize});
    if (!e.not_finite.empty()) throw NonFinite(steps - 1, {}, e.not_finite, split);
  }

  // ---- samples ----------------------------------------------------------------------------------

  static Rows all(Index n) {
    Rows samples(static_cast<std::size_t>(n));
    std::iota(samples.begin(), samples.end(), 0u);
    return samples;
  }

  /// Training and validation samples: a keyed permutation cut in two, each part in file order.
  std::pair<Rows, Rows> split(Index n, double fraction) const {
    Rows samples = all(n);
    const auto held = static_cast<std::size_t>(std::llround(fraction * static_cast<double>(n)));
    if (held == 0) return {std::move(samples), {}};
    require(held < samples.size(), "validation holds out ", held, " of ", n,
            " rows, nothing is left to train on");
    std::vector<bool> out(samples.size(), false);
    const Permutation order({.seed = options_.seed, .step = 0, .stream = Stream::split, .draw = 0},
                            n);
    for (std::uint32_t i = 0; i < held; ++i) out[order(i)] = true;
    Rows train, validation;
    for (std::size_t i = 0; i < samples.size(); ++i)
      (out[i] ? validation : train).push_back(static_cast<std::uint32_t>(i));
    return {std::move(train), std::move(validation)};
  }

  M& model_;
  TrainOptions options_;
  std::vector<Term> terms_;
  std::vector<std::string> names_;  ///< of the schedules
  std::vector<Schedule> wanted_;    ///< one per name, as the options give them
  std::vector<Schedule> schedules_;  ///< the same, planned for the training under way
  LearningRateSchedule rate_;        ///< likewise
  NamedValues step_terms_;  ///< of the step that is reported
};

/// Trains on samples alone: the shortest way.
template <TrainableModel M>
TrainResult fit(M& model, AnySamples<typename M::Backend::Scalar> samples,
                TrainOptions options = {}) {
  Data<typename M::Backend::Scalar> data;
  data.input = std::move(samples);
  return Trainer<M>(model, std::move(options)).fit(data);
}

}  // namespace longhand
