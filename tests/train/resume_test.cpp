// SPDX-License-Identifier: MIT
// A training that goes on from a state comes to the bits of one that was never interrupted:
// weights, history, best epoch. Every state of a short run is tried, of every model, optimizer and
// option that has something to remember.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "longhand/backend/cpu.hpp"
#include "longhand/models/aae.hpp"
#include "longhand/models/vae.hpp"
#include "longhand/train/trainer.hpp"
#include "support/models.hpp"

namespace {

using namespace longhand;

constexpr Index kRows = 53, kDim = 7;

template <class S>
Samples<S> waves(Index rows, Index dim) {
  typename Samples<S>::Matrix columns(dim, rows);
  for (Index j = 0; j < rows; ++j)
    for (Index i = 0; i < dim; ++i)
      columns(i, j) = S(0.5 + 0.45 * std::sin(0.37 * double(i + 1) * (1 + double(j % 17) / 9)));
  return Samples<S>(std::move(columns));
}
template <class S>
Data<S> waves_data() {
  Data<S> data;
  data.input = waves<S>(kRows, kDim);
  return data;
}

VaeSpec small() {
  return {.input_dim = kDim, .hidden = mlp({6}, Tanh{}, 0.2), .latent_dim = 2, .seed = 3};
}
TrainOptions usual() {
  return {.epochs = 3, .batch = 16, .learning_rate = 1e-2, .validation = 0.2, .seed = 5};
}

/// All that a training says, but how long it took.
using Line = std::tuple<Index, Index, Split, Index, std::vector<double>, std::vector<std::string>>;
std::vector<Line> lines(const std::vector<EpochReport>& history) {
  std::vector<Line> all;
  for (const EpochReport& r : history) {
    std::vector<double> numbers;
    std::vector<std::string> names;
    for (const NamedValues* values : {&r.terms, &r.schedules, &r.grad_norms, &r.diagnostics})
      for (const NamedValue& value : *values) {
        names.push_back(value.name);
        numbers.push_back(value.value);
      }
    for (const PlayerReport& player : r.players) {
      names.push_back(player.name);
      numbers.insert(numbers.end(), {player.loss, player.grad_norm, player.learning_rate});
    }
    all.emplace_back(r.epoch, r.step, r.split, r.samples, std::move(numbers), std::move(names));
  }
  return all;
}

/// What a training has come to.
template <class M>
struct End {
  using S = typename M::Backend::Scalar;
  std::vector<S> weights;
  TrainResult result;

  bool operator==(const End& other) const {
    return weights == other.weights && lines(result.history) == lines(other.result.history) &&
           result.steps == other.result.steps && result.best_epoch == other.result.best_epoch &&
           result.stop == other.result.stop && result.remarks == other.result.remarks;
  }
};

template <class M, class Spec, class S>
End<M> train(const Spec& spec, const Data<S>& data, TrainOptions options, int threads,
             const TrainState<S>* from, std::vector<TrainState<S>>* states) {
  M model(spec, typename M::Backend(threads));
  std::optional<Trainer<M>> trainer;
  if (states != nullptr) {
    options.on_checkpoint = [&] { states->push_back(trainer->state()); };
    options.checkpoint.steps = 1;
  }
  trainer.emplace(model, std::move(options));
  if (from != nullptr) trainer->resume(*from);
  End<M> end;
  end.result = trainer->fit(data);
  const auto theta = model.params().flat();
  end.weights.assign(theta.data, theta.data + theta.rows);
  return end;
}

/// What a state keeps beside weights and history, which only a failure or a later epoch would show.
template <class S>
void check_same(const TrainState<S>& a, const TrainState<S>& b) {
  CHECK(a.weights == b.weights);
  CHECK(a.good == b.good);
  CHECK(a.unseen == b.unseen);
  CHECK(a.unseen_until == b.unseen_until);
  CHECK(a.least_loss == b.least_loss);
  CHECK(a.stale == b.stale);
  REQUIRE(a.kept.size() == b.kept.size());
  for (std::size_t k = 0; k < a.kept.size(); ++k) {
    CHECK(a.kept[k].epoch == b.kept[k].epoch);
    CHECK(a.kept[k].weights == b.kept[k].weights);
  }
}

/// Goes on from every state of a training; each comes to the same end.
template <class M, class Spec, class S>
void check_resume(const Spec& spec, const Data<S>& data, const TrainOptions& options,
                  int threads = 1, int threads_after = 1) {
  std::vector<TrainState<S>> states;
  const auto whole = train<M, Spec, S>(spec, data, options, threads, nullptr, nullptr);
  CHECK(train<M, Spec, S>(spec, data, options, threads, nullptr, &states) == whole);
  CHECK(static_cast<Index>(states.size()) == whole.result.steps);
  for (std::size_t i = 0; i < states.size(); ++i) {
    const TrainState<S>& state = states[i];
    CAPTURE(state.epoch);
    CAPTURE(state.taken);
    std::vector<TrainState<S>> rest;
    CHECK(train<M, Spec, S>(spec, data, options, threads_after, &state, &rest) == whole);
    REQUIRE_FALSE(rest.empty());
    check_same(rest.front(), states[std::min(i + 1, states.size() - 1)]);
    check_same(rest.back(), states.back());
  }
}
template <class S = float>
void check_vae(const VaeSpec& spec, const TrainOptions& options) {
  check_resume<Vae<Cpu<S>>, VaeSpec, S>(spec, waves_data<S>(), options);
}

}  // namespace

TEST_CASE("resume: the usual training, in float and double") {
  check_vae<float>(small(), usual());
  check_vae<double>(small(), usual());
}

TEST_CASE("resume: the state is the same on any number of threads") {
  for (const int before : {1, 2, 3, 8})
    for (const int after : {1, 2, 3, 8})
      check_resume<Vae<Cpu<float>>, VaeSpec, float>(small(), waves_data<float>(), usual(), before,
                                                    after);
}

TEST_CASE("resume: every optimizer has its moments and step again") {
  Adam decayed;
  decayed.weight_decay = 0.1;
  for (const Optimizer& optimizer :
       std::vector<Optimizer>{Adam{}, decayed, Sgd{}, Momentum{}, RmsProp{}}) {
    CAPTURE(optimizer.index());
    TrainOptions options = usual();
    options.optimizer = optimizer;
    check_vae(small(), options);
  }
}

TEST_CASE("resume: schedules stand where they stood") {
  TrainOptions options = usual();
  options.kl_warmup = 7;
  options.schedule.kind = LearningRateSchedule::Kind::cosine;
  check_vae(small(), options);
  options.schedule = {.kind = LearningRateSchedule::Kind::step, .every = 4};
  options.clip_norm = 0.5;
  options.l1 = 1e-3;
  options.grad_norms = true;
  check_vae(small(), options);
}

TEST_CASE("resume: early stopping counts on") {
  TrainOptions options = usual();
  options.epochs = 12;
  options.learning_rate = 0.2;  // overshoots
  options.early_stop = 2;
  std::vector<TrainState<float>> states;
  const auto whole = train<Vae<Cpu<float>>>(small(), waves_data<float>(), options, 1,
                                            static_cast<TrainState<float>*>(nullptr), &states);
  REQUIRE(whole.result.stop == TrainResult::Stop::early);
  CHECK(states.back().stopped_early);
  check_vae(small(), options);
}

TEST_CASE("resume: noise, binarisation, masks, weights and conditions have no state") {
  TrainOptions options = usual();
  options.changes = {.binarize = Binarize::dynamic};
  check_vae(small(), options);
  options.changes = {.binarize = Binarize::fixed};
  options.validation = 0;
  check_vae(small(), options);

  Data<float> data = waves_data<float>();
  Eigen::MatrixXf mask = Eigen::MatrixXf::Ones(kDim, kRows);
  for (Index j = 0; j < kRows; ++j) mask(j % kDim, j) = 0;
  data.mask = Samples<float>(std::move(mask));
  VaeSpec conditional = small();
  conditional.condition_dim = 3;
  Eigen::MatrixXf condition = Eigen::MatrixXf::Zero(3, kRows);
  for (Index j = 0; j < kRows; ++j) condition(j % 3, j) = 1;
  data.condition = Samples<float>(std::move(condition));
  check_resume<Vae<Cpu<float>>, VaeSpec, float>(conditional, data, usual());
}

TEST_CASE("resume: every model") {
  VaeSpec autoencoder = small();
  autoencoder.latent = CodeSpec{2};
  check_vae(autoencoder, usual());

  VaeSpec discrete = small();
  discrete.latent = CategoricalLatentSpec{.variables = 3, .classes = 4};
  TrainOptions options = usual();
  options.schedules["tau"] = Schedule::exponential(1, 0.5, 0.1);
  check_vae(discrete, options);

  VaeSpec code = small();
  code.latent = CodeSpec{2};
  code.likelihood = Gaussian{.variance = 0.1};
  const AaeSpec adversarial{.autoencoder = code, .discriminator = {5}};
  options = usual();
  options.players["discriminator"] = {.optimizer = Momentum{}, .learning_rate = 1e-2};
  check_resume<Aae<Cpu<float>>, AaeSpec, float>(adversarial, waves_data<float>(), options);
}

TEST_CASE("resume: one batch an epoch, a batch that divides the rows, a single epoch") {
  TrainOptions options = usual();
  options.batch = 200;
  check_vae(small(), options);
  options.batch = 21;
  check_vae(small(), options);
  options.epochs = 1;
  check_vae(small(), options);
}

TEST_CASE("resume: a training that is over goes on with more epochs") {
  using M = Vae<Cpu<float>>;
  const Data<float> data = waves_data<float>();
  std::vector<TrainState<float>> states;
  TrainOptions options = usual();
  train<M>(small(), data, options, 1, static_cast<TrainState<float>*>(nullptr), &states);
  options.epochs = 5;
  const auto more = train<M>(small(), data, options, 1, &states.back(),
                             static_cast<std::vector<TrainState<float>>*>(nullptr));
  const auto whole = train<M>(small(), data, options, 1, static_cast<TrainState<float>*>(nullptr),
                              static_cast<std::vector<TrainState<float>>*>(nullptr));
  CHECK(more == whole);
}

TEST_CASE("resume: a training that is cancelled leaves a state to go on from") {
  using M = Vae<Cpu<float>>;
  const Data<float> data = waves_data<float>();
  M model(small(), Cpu<float>(1));
  std::atomic<bool> cancel{false};
  std::optional<TrainState<float>> state;
  std::optional<Trainer<M>> trainer;
  TrainOptions options = usual();
  const auto whole = train<M>(small(), data, options, 1, static_cast<TrainState<float>*>(nullptr),
                              static_cast<std::vector<TrainState<float>>*>(nullptr));
  options.cancel = &cancel;
  options.on_step = [&](const StepReport& r) { cancel = r.step == 5; };
  options.on_checkpoint = [&] { state = trainer->state(); };
  trainer.emplace(model, options);
  CHECK(trainer->fit(data).stop == TrainResult::Stop::cancelled);
  REQUIRE(state);
  CHECK(state->steps + state->taken == 5);
  CHECK(train<M>(small(), data, usual(), 1, &*state,
                 static_cast<std::vector<TrainState<float>>*>(nullptr)) == whole);
}

TEST_CASE("resume: a state of another training is refused, each in one sentence") {
  using M = Vae<Cpu<float>>;
  const Data<float> data = waves_data<float>();
  std::vector<TrainState<float>> states;
  train<M>(small(), data, usual(), 1, static_cast<TrainState<float>*>(nullptr), &states);
  const auto refused = [&](const VaeSpec& spec, TrainOptions options, TrainState<float> state,
                           const std::string& sentence) {
    M model(spec);
    const auto theta = model.params().flat();
    const std::vector<float> before(theta.data, theta.data + theta.rows);
    Trainer<M> trainer(model, std::move(options));
    trainer.resume(std::move(state));
    CHECK_THROWS_WITH_AS(trainer.fit(data), sentence.c_str(), std::invalid_argument);
    CHECK(std::equal(before.begin(), before.end(), theta.data));
  };
  TrainOptions options = usual();
  options.seed = 6;
  refused(small(), options, states[2],
          "longhand: the training to go on with has seed 5, this one has 6");
  options = usual();
  options.batch = 8;
  refused(small(), options, states[2],
          "longhand: the training to go on with has batch 16, this one has 8");
  options = usual();
  options.validation = 0.1;
  refused(small(), options, states[2],
          "longhand: the training to go on with has rows to train on: 42, this one has 48");
  options = usual();
  options.optimizer = Sgd{};
  refused(small(), options, states[2],
          "longhand: the training to go on with has moments: 2, this one has 0");
  VaeSpec wide = small();
  wide.hidden = {20};
  TrainState<float> state = states[2];
  const std::size_t size = state.weights.size();
  M model(wide);
  refused(wide, usual(), state,
          "longhand: the training to go on with has " + std::to_string(size) +
              " parameters in memory, the model has " + std::to_string(model.params().flat().rows));
}

TEST_CASE("resume: there is a state only while a training is under way") {
  Vae<Cpu<float>> model(small());
  Trainer trainer(model, usual());
  CHECK_THROWS_AS(trainer.state(), std::invalid_argument);
  trainer.fit(waves_data<float>());
  CHECK_THROWS_AS(trainer.state(), std::invalid_argument);
}
