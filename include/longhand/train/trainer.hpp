// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "longhand/core/macros.hpp"
#include "longhand/train/evaluate.hpp"
#include "longhand/train/kept_epoch.hpp"
#include "longhand/train/split.hpp"
#include "longhand/train/state.hpp"
#include "longhand/train/step.hpp"

namespace longhand {

/// Trains any model: order, batches, players, schedules, validation. It calls back and never
/// touches a file. Each fit() is a training of its own: schedules begin anew, moments at zero, the
/// weights where they are. The constructor and fit() are defined below it, so that they can be
/// compiled once (separate.hpp).
template <TrainableModel M>
class Trainer {
 public:
  using B = typename M::Backend;
  using S = typename B::Scalar;

  /// Throws std::invalid_argument naming the option that is wrong.
  explicit Trainer(M& model, TrainOptions options = {});

  /// Trains on `data` (a validation set is split off if options.validation > 0), or with a
  /// validation set of its own. Throws std::invalid_argument if the data does not suit the model,
  /// NonFinite if training diverges.
  TrainResult fit(const Data<S>& data);
  TrainResult fit(const Data<S>& data, const Data<S>& validation);

  /// Takes one step on samples of a stream, at most options.batch of them, and reports it. The
  /// optimizers live on from call to call, apart from those of fit(), and the noise of the n-th
  /// call is that of the n-th step, as if each were an epoch of its own. Validation and early
  /// stopping have no part in it.
  /// Throws std::invalid_argument if the samples do not suit the model, and for a schedule that
  /// would need the length of the stream; NonFinite as fit() does, with the weights as before the
  /// step.
  EpochReport step(const Data<S>& samples);

  /// All that the training under way is made of, for options.on_checkpoint, which is called between
  /// two steps. Throws std::invalid_argument while there is none.
  TrainState<S> state() const {
    require(course_ != nullptr, "no training is under way that could have a state");
    const Course& course = *course_;
    const B& backend = model_.backend();
    const auto values = [&](View<B> from) {
      std::vector<S> to(static_cast<std::size_t>(from.rows));
      backend.download(from, to.data());
      return to;
    };
    TrainState<S> state;
    state.seed = options_.seed;
    state.batch = course.batch;
    state.samples = static_cast<Index>(course.samples.size());
    state.held_out = static_cast<Index>(course.held_out.size());
    state.epoch = course.epoch;
    state.steps = course.first;
    state.taken = course.taken;
    state.weights = values(model_.params().flat());
    state.good = values(course.good.flat());
    state.unseen = values(course.unseen.flat());
    state.unseen_until = course.unseen_until;
    for (const auto& playing : course.step.players())
      state.players.push_back({playing.player.name, playing.optimizer.moments_in_order(
                                                        backend, model_.params().layout().size())});
    state.least_loss = course.kept.least_loss();
    course.kept.visit([&](Index epoch, const Selection& selection, View<B> weights) {
      state.kept.push_back({epoch, selection, values(weights)});
    });
    state.stale = course.stale;
    state.stopped_early = course.result.stop == TrainResult::Stop::early;
    state.report = course.report;
    state.history = course.result.history;
    return state;
  }

  /// Makes the next fit() go on where a training stood. With the same model, data and options it
  /// comes to the very bits that it would have come to uninterrupted, on any number of threads.
  /// More epochs are another training where a schedule depends on their number. fit() throws
  /// std::invalid_argument if the state is that of another model, of other data or of another seed
  /// or batch.
  Trainer& resume(TrainState<S> state) {
    resumed_ = std::move(state);
    return *this;
  }

 private:
  using Rows = std::vector<std::uint32_t>;
  using Clock = std::chrono::steady_clock;

  using Stop = TrainResult::Stop;

  /// The training under way. What of it outlives the process is its TrainState.
  struct Course {
    Course(M& model, const ResidentData<B>& data, const TrainOptions& options, Rows train,
           Rows validation, Index rows_per_step)
        : samples(std::move(train)),
          held_out(std::move(validation)),
          batch(rows_per_step),
          step(model, data, options, samples, batch),
          good(model.params().layout()),
          unseen(model.params().layout()),
          kept(model.params().layout(), model.selection_tolerance()) {}

    Rows samples, held_out;
    Index batch;
    TrainingStep<M> step;
    Index epoch = 1;     ///< the one under way
    Index first = 0;     ///< steps before it
    Index taken = 0;     ///< steps in it
    EpochReport report;  ///< of these: sums, not yet means
    // Weights are good once a finite loss was seen with them: those of an epoch's end by the first
    // step of the next one, or by validation.
    Params<B> good, unseen;
    Index unseen_until = 0;  ///< the step that sees the weights in `unseen`
    KeptEpoch<B> kept;
    Index stale = 0;  ///< epochs since the best one
    TrainResult result;
    Clock::time_point saved = Clock::now(), kept_state = Clock::now();
    Index state_step = 0;  ///< steps at the last checkpoint

    Index steps() const { return first + taken; }
    Index all_steps(Index epochs) { return step.logbook().pages() * epochs; }
  };

  TrainResult run(const Data<S>& data, const Data<S>* separate) {
    check_data(model_, data);
    if (separate != nullptr) check_data(model_, *separate);
    auto [samples, held_out] =
        split_rows(data.count(), separate ? 0 : options_.validation, options_.seed);
    if (separate != nullptr) held_out = all(separate->count());

    const Index batch = std::min(options_.batch, static_cast<Index>(samples.size()));
    const ResidentData<B> resident(model_.backend(), data);
    std::optional<ResidentData<B>> other;
    if (separate != nullptr) {
      other.emplace(model_.backend(), *separate);
      checked(options_.changes, *other);
    }
    const ResidentData<B>& validation = other ? *other : resident;
    Course course(model_, resident, options_, std::move(samples), std::move(held_out), batch);
    const struct UnderWay {
      Course*& course;
      ~UnderWay() { course = nullptr; }
    } under_way{course_ = &course};
    begin(course);
    look_at_sizes(data, course.result);

    const B& backend = model_.backend();
    const View<B> theta = model_.params().flat();
    TrainResult& result = course.result;
    try {
      while (course.epoch <= options_.epochs && result.stop == Stop::finished) {
        together(backend, [&](const B& with_threads) { train_epoch(with_threads, course); });
        if (result.stop == Stop::cancelled) break;
        end_epoch(course, resident, validation);
        const bool goes_on = course.epoch <= options_.epochs && result.stop == Stop::finished;
        if (goes_on && checkpoint_due(course)) checkpoint(course);
      }
      result.best_epoch = course.kept.epoch();
      if (result.stop == Stop::cancelled && result.best_epoch == 0)
        require_finite_loss(resident, course.samples, result.steps, Split::train);
      if (options_.on_checkpoint) options_.on_checkpoint();
      if (result.best_epoch > 0) course.kept.restore(backend, theta);
    } catch (const NonFinite& error) {
      backend.copy(error.step > course.unseen_until ? course.unseen.flat() : course.good.flat(),
                   theta);
      throw;
    }
    for (const EpochReport& r : result.history)
      if (r.split == Split::validation && r.epoch == result.best_epoch)
        for (std::string& remark : model_.remarks(r)) result.remarks.push_back(std::move(remark));
    for (std::size_t i = 0; i < schedules_.size(); ++i)
      if (!schedules_[i].complete(result.steps))
        result.unfinished.push_back({names_[i], schedules_[i].at(result.steps)});
    return std::move(result);
  }

  /// Plans the schedules, and starts with the weights as they are or where a state says.
  void begin(Course& course) {
    const Index steps = course.all_steps(options_.epochs);
    rate_ = options_.schedule;
    if (rate_.total == 0) rate_.total = steps;
    schedules_.clear();
    for (const Schedule& schedule : wanted_) schedules_.push_back(schedule.planned(steps));
    const View<B> theta = model_.params().flat();
    model_.backend().copy(theta, course.good.flat());
    model_.backend().copy(theta, course.unseen.flat());
    begin_epoch(course);
    if (const std::optional<TrainState<S>> state = std::exchange(resumed_, std::nullopt))
      go_on(course, *state);
  }

  void begin_epoch(Course& course) const {
    course.report = empty_report(course.step, course.epoch, course.first,
                                 static_cast<Index>(course.samples.size()));
  }
  EpochReport empty_report(const TrainingStep<M>& step, Index epoch, Index number,
                           Index samples) const {
    EpochReport report;
    report.epoch = epoch;
    report.step = number;
    report.samples = samples;
    for (const Term& term : terms_) report.terms.push_back({term.name, 0});
    for (const auto& playing : step.players()) report.players.push_back({playing.player.name});
    for (const std::string& name : names_) report.schedules.push_back({name, 0});
    for (const auto& tensor : step.tensors()) report.grad_norms.push_back({tensor.name, 0});
    return report;
  }

  /// Takes the steps of an epoch that are left, and makes means of what they found.
  void train_epoch(const B& backend, Course& course) {
    const auto start = Clock::now();
    const double before = course.report.seconds;
    TrainingStep<M>& step = course.step;
    Logbook<B>& logbook = step.logbook();
    logbook.shuffle(backend, order_of(course.epoch, static_cast<Index>(course.samples.size())));
    plan(step, course.epoch, course.first);
    logbook.start(backend);
    if (course.taken > 0) logbook.go_to(backend, course.taken);

    const Index steps = course.all_steps(options_.epochs);
    Index reported = course.taken;  // pages
    const auto time_passes = [&] { course.report.seconds = before + seconds_since(start); };
    while (course.taken < logbook.pages() && course.result.stop != Stop::cancelled) {
      const Index end = std::min(course.taken + steps_at_once(), logbook.pages());
      step.take(backend, course.taken, end);
      course.taken = end;
      const bool due = course.taken < logbook.pages() && checkpoint_due(course);
      if (kReadingIsFree || options_.on_step || due) {
        add(backend, step, reported, course.taken, steps, course.report);
        reported = course.taken;
      }
      if (due) {
        time_passes();
        checkpoint(course);
      }
      if (options_.cancel != nullptr && options_.cancel->load())
        course.result.stop = Stop::cancelled;
    }
    add(backend, step, reported, course.taken, steps, course.report);
    course.result.steps = course.steps();
    time_passes();
  }

  /// Judges the weights that an epoch has come to, reports it, and goes to the next one.
  void end_epoch(Course& course, const ResidentData<B>& data, const ResidentData<B>& validation) {
    const B& backend = model_.backend();
    const View<B> theta = model_.params().flat();
    TrainResult& result = course.result;
    require_finite(result.steps);
    std::swap(course.good, course.unseen);
    backend.copy(theta, course.unseen.flat());
    course.unseen_until = result.steps;
    if (course.held_out.empty() && course.epoch == options_.epochs)
      require_finite_loss(data, course.samples, result.steps, Split::train);
    const EpochReport train = means(course.report, course.step.logbook().pages());
    report(train, result);
    if (!course.held_out.empty()) {
      const EpochReport held = validate(validation, course.held_out, train, course.step);
      backend.copy(theta, course.good.flat());
      report(held, result);
      if (weights_have_arrived(result.steps)) {
        if (course.kept.enter(backend, course.epoch, model_.selection(held), theta))
          course.stale = 0;
        else if (options_.early_stop > 0 && ++course.stale >= options_.early_stop)
          result.stop = Stop::early;
      }
    }
    save(course);
    ++course.epoch;
    course.first += std::exchange(course.taken, 0);
    begin_epoch(course);
  }

  /// The means of sums over so many steps.
  static EpochReport means(EpochReport report, Index steps) {
    const double samples = static_cast<double>(report.samples);
    const double pages = static_cast<double>(steps);
    for (NamedValue& term : report.terms) term.value /= samples;
    for (PlayerReport& player : report.players) {
      player.loss /= samples;
      player.grad_norm /= pages;
    }
    for (NamedValue& tensor : report.grad_norms) tensor.value /= pages;
    return report;
  }

  // ---- steps on a stream ------------------------------------------------------------------------

  /// What step() keeps. The data are those of the last call.
  struct Feed {
    Feed(M& model, const Data<S>& first, const TrainOptions& options, const Rows& rows)
        : data(model.backend(), first), step(model, data, options, rows, options.batch) {}

    ResidentData<B> data;
    TrainingStep<M> step;
    Index taken = 0;
  };

  void begin_stream(const Data<S>& first) {
    using Kind = LearningRateSchedule::Kind;
    require(options_.schedule.kind != Kind::cosine || options_.schedule.total > 0,
            "a stream has no end: the cosine of the learning rate needs its total");
    for (std::size_t i = 0; i < wanted_.size(); ++i)
      require(wanted_[i].kind != Schedule::Kind::exponential || wanted_[i].rate > 0,
              "a stream has no end: the schedule '", names_[i], "' needs its rate");
    feed_ = std::make_unique<Feed>(model_, first, options_, all(options_.batch));
  }

  // ---- what outlives the process ----------------------------------------------------------------

  static double seconds_since(Clock::time_point then) {
    return std::chrono::duration<double>(Clock::now() - then).count();
  }

  /// Lets the model be saved with the weights that the training would end with now. course.unseen
  /// holds theta, as at the end of an epoch.
  void save(Course& course) {
    if (!options_.on_save || seconds_since(course.saved) < options_.save_every) return;
    const B& backend = model_.backend();
    const View<B> theta = model_.params().flat();
    if (course.kept.epoch() > 0)
      course.kept.restore(backend, theta);
    else
      backend.copy(course.good.flat(), theta);
    options_.on_save();
    backend.copy(course.unseen.flat(), theta);
    course.saved = Clock::now();
  }

  bool checkpoint_due(const Course& course) const {
    if (!options_.on_checkpoint) return false;
    const CheckpointEvery& every = options_.checkpoint;
    return (every.steps > 0 && course.steps() / every.steps > course.state_step / every.steps) ||
           (every.epochs > 0 && course.taken == 0 && (course.epoch - 1) % every.epochs == 0) ||
           (every.seconds > 0 && seconds_since(course.kept_state) >= every.seconds);
  }
  void checkpoint(Course& course) {
    if (!options_.on_checkpoint) return;
    course.result.steps = course.steps();
    require_finite(course.result.steps);
    options_.on_checkpoint();
    course.state_step = course.steps();
    course.kept_state = Clock::now();
  }

  /// Brings back what state() has read.
  void go_on(Course& course, const TrainState<S>& state) {
    const B& backend = model_.backend();
    const ParamLayout& layout = model_.params().layout();
    require_same(course, state);
    const auto upload = [&](const std::vector<S>& from, View<B> to) {
      backend.upload(from.data(), to);
    };
    upload(state.weights, model_.params().flat());
    upload(state.good, course.good.flat());
    upload(state.unseen, course.unseen.flat());
    course.unseen_until = state.unseen_until;
    for (std::size_t p = 0; p < state.players.size(); ++p)
      course.step.players()[p].optimizer.restore(backend, state.players[p].moments);
    course.kept.clear(state.least_loss);
    Params<B> weights(layout);
    for (const auto& kept : state.kept) {
      upload(kept.weights, weights.flat());
      course.kept.put_back(backend, kept.epoch, kept.selection, weights.flat());
    }
    course.epoch = state.epoch;
    course.first = state.steps;
    course.taken = state.taken;
    course.stale = state.stale;
    begin_epoch(course);
    if (state.taken > 0) course.report = state.report;
    course.result.history = state.history;
    course.result.steps = course.steps();
    course.result.stop = state.stopped_early ? Stop::early : Stop::finished;
    course.state_step = course.steps();
  }

  /// Throws unless this training can be the one of the state.
  void require_same(const Course& course, const TrainState<S>& state) const {
    const auto same = [](const char* what, auto ours, auto theirs) {
      require(ours == theirs, "the training to go on with has ", what, " ", theirs,
              ", this one has ", ours);
    };
    same("seed", options_.seed, state.seed);
    same("batch", course.batch, state.batch);
    same("rows to train on:", static_cast<Index>(course.samples.size()), state.samples);
    same("rows held out:", static_cast<Index>(course.held_out.size()), state.held_out);
    const auto size = static_cast<std::size_t>(model_.params().layout().size());
    const auto fits = [&](const std::vector<S>& values) {
      require(values.size() == size, "the training to go on with has ", values.size(),
              " parameters in memory, the model has ", size);
    };
    for (const auto* values : {&state.weights, &state.good, &state.unseen}) fits(*values);
    for (const auto& kept : state.kept) fits(kept.weights);
    same("players:", course.step.players().size(), state.players.size());
    for (std::size_t p = 0; p < state.players.size(); ++p) {
      const auto& playing = course.step.players()[p];
      same("the player", playing.player.name, state.players[p].name);
      same("moments:", playing.optimizer.moments(), state.players[p].moments.size());
      for (const auto& moment : state.players[p].moments) fits(moment);
    }
    if (state.taken > 0) {
      require(state.report.terms.size() == terms_.size() &&
                  state.report.players.size() == state.players.size() &&
                  state.report.grad_norms.size() == course.step.tensors().size(),
              "the training to go on with reports other numbers");
    }
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
        evaluate(model_, data, samples, {.seed = options_.seed, .changes = options_.changes});
    if (!e.not_finite.empty()) throw NonFinite(train.step - 1, {}, e.not_finite, Split::validation);
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

  /// Units of very different size are the user's to know of, where the likelihood takes any number.
  void look_at_sizes(const Data<S>& data, TrainResult& result) const {
    if constexpr (requires { model_.input().identity(); }) {
      if (!model_.input().identity() || std::isfinite(model_.domain().first)) return;
      std::string remark = remark_on_sizes(data.input);
      if (!remark.empty()) result.remarks.push_back(std::move(remark));
    }
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
  void require_finite(Index steps) const {
    const B& backend = model_.backend();
    const View<B> theta = model_.params().flat();
    const Buffer<B> sum_of_squares(1);
    const View<B> squares = sum_of_squares.column();
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
        evaluate(model_, data, some, {.seed = options_.seed, .changes = options_.changes});
    if (!e.not_finite.empty()) throw NonFinite(steps - 1, {}, e.not_finite, split);
  }

  // ---- samples ----------------------------------------------------------------------------------

  static Rows all(Index n) {
    Rows samples(static_cast<std::size_t>(n));
    std::iota(samples.begin(), samples.end(), 0u);
    return samples;
  }

  M& model_;
  TrainOptions options_;
  std::vector<Term> terms_;
  std::vector<std::string> names_;        ///< of the schedules
  std::vector<Schedule> wanted_;          ///< one per name, as the options give them
  std::vector<Schedule> schedules_;       ///< the same, planned for the training under way
  LearningRateSchedule rate_;             ///< likewise
  NamedValues step_terms_;                ///< of the step that is reported
  Course* course_ = nullptr;              ///< while fit() is under way
  std::optional<TrainState<S>> resumed_;  ///< where the next fit() goes on
  std::unique_ptr<Feed> feed_;            ///< of step()
};

template <TrainableModel M>
Trainer<M>::Trainer(M& model, TrainOptions options)
    : model_(model),
      options_(checked(std::move(options))),
      terms_(model.terms()),
      wanted_(schedules_of(model, options_)) {
  for (const Term& term : terms_) step_terms_.push_back({term.name, 0});
}

template <TrainableModel M>
LONGHAND_ONCE TrainResult Trainer<M>::fit(const Data<S>& data) {
  return run(data, nullptr);
}

template <TrainableModel M>
LONGHAND_ONCE TrainResult Trainer<M>::fit(const Data<S>& data, const Data<S>& validation) {
  return run(data, &validation);
}

template <TrainableModel M>
LONGHAND_ONCE EpochReport Trainer<M>::step(const Data<S>& samples) {
  check_data(model_, samples);
  require(samples.count() <= options_.batch, "a step of ", samples.count(),
          " samples, expected at most ", options_.batch, " (TrainOptions::batch)");
  if (!feed_) begin_stream(samples);
  Feed& feed = *feed_;
  const B& backend = model_.backend();
  ResidentData<B> data(backend, samples);
  checked(options_.changes, data);  // these samples may be numbers where the first were bytes
  feed.data = std::move(data);
  rate_ = options_.schedule;  // fit() may have planned them for its end
  schedules_ = wanted_;
  Logbook<B>& logbook = feed.step.logbook();
  logbook.shorten(samples.count());
  plan(feed.step, feed.taken + 1, feed.taken);  // what is drawn anew per epoch is so per call
  logbook.start(backend);
  EpochReport report = empty_report(feed.step, 1, feed.taken, samples.count());
  feed.step.once(backend, samples.count());
  add(backend, feed.step, 0, 1, feed.taken + 1, report);
  ++feed.taken;
  return means(report, 1);
}

/// Trains on samples alone: the shortest way.
template <TrainableModel M>
TrainResult fit(M& model, AnySamples<typename M::Backend::Scalar> samples,
                TrainOptions options = {}) {
  Data<typename M::Backend::Scalar> data;
  data.input = std::move(samples);
  return Trainer<M>(model, std::move(options)).fit(data);
}

}  // namespace longhand
