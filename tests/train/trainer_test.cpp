// SPDX-License-Identifier: MIT
#include "longhand/train/trainer.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <limits>
#include <numbers>
#include <string>
#include <vector>

#include "longhand/backend/cpu.hpp"
#include "longhand/models/vae.hpp"
#include "support/allocation_count.hpp"
#include "support/models.hpp"

namespace {

using namespace longhand;
using B = Cpu<float>;
using Model = Vae<B>;
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

/// Rows on a curve in [0, 1]^D: something to learn.
Samples<float> curve(Index rows, Index dim = 12) {
  Eigen::MatrixXf columns(dim, rows);
  for (Index j = 0; j < rows; ++j)
    for (Index i = 0; i < dim; ++i)
      columns(i, j) = 0.5f + 0.45f * std::sin(0.37f * static_cast<float>(i + 1) *
                                              (1 + static_cast<float>(j % 97) / 40));
  return Samples<float>(std::move(columns));
}
Data<float> curve_data(Index rows, Index dim = 12) {
  Data<float> data;
  data.input = curve(rows, dim);
  return data;
}
VaeSpec small(std::uint64_t seed = 1) {
  return {.input_dim = 12, .hidden = {16}, .latent_dim = 3, .seed = seed};
}
std::vector<float> weights(const Model& model) {
  const View<B> flat = model.params().flat();
  return {flat.data, flat.data + flat.rows};
}
std::vector<float> trained(TrainOptions options, int threads = 1) {
  Model model(small(), B(threads));
  fit(model, curve(250), std::move(options));
  return weights(model);
}

}  // namespace

TEST_CASE("training lowers the loss and reports one line per epoch") {
  Model model(small());
  std::vector<EpochReport> seen;
  const TrainResult result =
      fit(model, curve(300),
          {.epochs = 6, .batch = 64, .learning_rate = 1e-2, .on_epoch = [&](const EpochReport& r) {
             seen.push_back(r);
           }});
  REQUIRE(seen.size() == 6);
  CHECK(result.history.size() == 6);
  CHECK(result.steps == 6 * 5);  // 300 rows in batches of 64: the ragged fifth is kept
  CHECK(seen.back().step == result.steps);
  CHECK(seen.back().loss() < seen.front().loss());
  for (const EpochReport& r : seen) {
    CHECK(r.samples == 300);
    CHECK(r.split == Split::train);
    CHECK(r.loss() == doctest::Approx(r.term("nll") + r.schedules.get("beta") * r.kl()));
    CHECK(r.elbo() == r.log_likelihood_term() - r.kl());
    CHECK(r.players.front().grad_norm > 0);
    CHECK(r.players.front().learning_rate == 1e-2);
  }
  CHECK(result.best_epoch == 0);
}

TEST_CASE("the gradient norm of every tensor of the file, one by one") {
  Model model(small());
  const TrainResult result =
      fit(model, curve(40), {.epochs = 1, .batch = 40, .grad_norms = true});  // one step
  const EpochReport& report = result.history.front();
  std::vector<std::string> names;
  double squares = 0;
  for (const NamedValue& tensor : report.grad_norms) {
    names.push_back(tensor.name);
    CHECK(tensor.value > 0);
    squares += tensor.value * tensor.value;
  }
  CHECK(names == std::vector<std::string>{"encoder.0.weight", "encoder.0.bias", "mu.weight",
                                          "logvar.weight", "mu.bias", "logvar.bias",
                                          "decoder.0.weight", "decoder.0.bias", "decoder.2.weight",
                                          "decoder.2.bias"});
  CHECK(std::sqrt(squares) == doctest::Approx(report.players.front().grad_norm));
  CHECK(report.grad_norms.get("mu.weight") != report.grad_norms.get("logvar.weight"));
}

TEST_CASE("equal seeds give equal bits, another seed other bits, threads change nothing") {
  const TrainOptions options{
      .epochs = 2, .batch = 50, .changes = {.binarize = Binarize::dynamic}, .seed = 7};
  const std::vector<float> first = trained(options);
  CHECK(first == trained(options));
  for (const int threads : {2, 3, 8}) CHECK(first == trained(options, threads));
  TrainOptions other = options;
  other.seed = 8;
  CHECK(first != trained(other));
}

// Everything that changes from step to step, written down again: rows, 1/N of the smaller batch,
// the step and epoch that key the noise, learning rate, weight of the KL, bias corrections,
// clipping.
TEST_CASE("training is its steps taken by hand, to the same bits [NOI-4] [ELBO-5] [OPT-13]") {
  constexpr Index rows = 50, dim = 12, batch = 16, per_epoch = 4;
  const TrainOptions options{.epochs = 3,
                             .batch = batch,
                             .learning_rate = 1e-2,
                             .schedule = {.kind = LearningRateSchedule::Kind::cosine},
                             .beta = 2,
                             .kl_warmup = 7,
                             .clip_norm = 1.5,
                             .changes = {.binarize = Binarize::dynamic},
                             .seed = 11};
  Model trained_model(small()), model(small());
  const Samples<float> data = curve(rows, dim);
  Trainer<Model>(trained_model, options).fit(curve_data(rows, dim));

  const B& backend = model.backend();
  Grads<B> grads(model.params().layout());
  const OptimizerState<B> optimizer(Adam{}, {{0, model.params().layout().size()}});
  Workspace<B> workspace;
  for (Index step = 0; step < 3 * per_epoch; ++step) {
    const Index epoch = step / per_epoch, first = step % per_epoch * batch;
    const Index count = std::min(batch, rows - first);
    std::vector<std::uint32_t> ids;
    Eigen::MatrixXf x(dim, count);
    for (Index j = 0; j < count; ++j) {
      const auto row = static_cast<Index>(
          permuted_index(11, static_cast<std::uint32_t>(epoch), first + j, rows));
      ids.push_back(static_cast<std::uint32_t>(row));
      std::vector<float> u(dim);
      uniform_column({.seed = 11,
                      .step = static_cast<std::uint32_t>(epoch),
                      .stream = Stream::binarize,
                      .draw = 0},
                     row, dim, u.data());
      for (Index i = 0; i < dim; ++i)
        DrawPixel{}(data.view()(i, row), u[static_cast<std::size_t>(i)], x(i, j));
    }
    const HostScalars<float> scalars{
        .inverse_samples = 1.0f / static_cast<float>(count),
        .schedules = {static_cast<float>(step < 7 ? 2 * static_cast<double>(step) / 7 : 2)}};
    const double progress = static_cast<double>(step) / (3 * per_epoch);
    const auto learning_rate =
        static_cast<float>(1e-2 * (0.5 * (1 + std::cos(std::numbers::pi * progress))));
    const auto [c1, c2] = optimizer.corrections(step + 1);
    const auto correction1 = static_cast<float>(c1), correction2 = static_cast<float>(c2);
    workspace.reset();
    grads.clear();
    const Pass<B> pass{.backend = backend,
                       .theta = model.params(),
                       .grads = &grads,
                       .workspace = workspace,
                       .key = {.seed = 11,
                               .step = static_cast<std::uint32_t>(step),
                               .stream = Stream::latent,
                               .draw = 0},
                       .sample_ids = {ids.data(), 1, count, 1},
                       .mode = Mode::train,
                       .scalars = scalars.view()};
    Batch<B> one;
    one.input = {x.data(), dim, count, dim};
    model.loss_and_gradient(pass, one, pass.matrix(2, count));
    float squared_norm, factor, finite = 1;
    const View<B> norm{&squared_norm, 1, 1, 1}, clip{&factor, 1, 1, 1};
    backend.reduce(Square{}, in<B>(grads.flat()), grads.flat().rows, norm);
    backend.for_each(ClipFactor{1.5}, in<B>(norm),
                     out<B>(clip));  // the root of packs is not the scalar's
    optimizer.step(backend, model.params(), grads,
                   {&learning_rate, &correction1, &correction2, &factor, &finite});
  }
  CHECK(weights(model) == weights(trained_model));
}

#if !defined(LONGHAND_EIGEN_PRODUCTS) && !defined(LONGHAND_ONEDNN)  // which allocate
TEST_CASE("nothing is allocated after the first step") {
  for (const bool everything : {false, true}) {
    CAPTURE(everything);
    VaeSpec config{.input_dim = 60, .hidden = {70, 50}, .latent_dim = 8};
    Data<float> data = curve_data(700, 60);
    if (everything) {
      config.hidden = mlp({70, 50}, Gelu{}, 0.2);
      config.condition_dim = 2;
      config.latent_dim = 8;
      config.latent = GaussianLatentSpec{.prior = ConditionalPrior{}};
      config.transform = InputTransform{InputTransform::Kind::unit, {0.1}, {1.5}};
      data.condition = Samples<float>(Eigen::MatrixXf::Random(2, 700));
      data.mask = Samples<float>(Eigen::MatrixXf::Ones(60, 700));
      data.sample_weights = Samples<float>(Eigen::MatrixXf::Ones(1, 700));
      config.likelihood = LearnedGaussian{};
    }
    Model model(config, B(2));
    std::vector<std::int64_t> after;
    after.reserve(64);
    Trainer<Model>(
        model,
        {.epochs = 1,
         .batch = 64,
         .clip_norm = 5,
         .l1 = 1e-6,
         .l2 = 1e-6,
         .changes = {.binarize = everything ? Binarize::none : Binarize::dynamic},
         .on_step = [&](const StepReport&) { after.push_back(longhand::test::allocations()); }})
        .fit(data);
    REQUIRE(after.size() == 11);  // the last batch is smaller
    CHECK(after.back() == after.front());
  }
}
#endif

TEST_CASE("every optimizer and schedule trains") {
  LearningRateSchedule step{.kind = LearningRateSchedule::Kind::step, .every = 3, .gamma = 0.5};
  const struct {
    Optimizer optimizer;
    double lr;
    LearningRateSchedule schedule;
  } all[] = {{Adam{}, 1e-2, {}},
             {Adam{.penalty = {}, .weight_decay = 0.01},
              1e-2,
              {.kind = LearningRateSchedule::Kind::cosine}},
             {Sgd{}, 1e-1, {}},
             {Momentum{}, 2e-2, step},
             {RmsProp{}, 2e-3, {}}};
  for (const auto& one : all) {
    CAPTURE(name_of(one.optimizer));
    Model model(small());
    const TrainResult r = fit(model, curve(200),
                              {.epochs = 4,
                               .batch = 32,
                               .optimizer = one.optimizer,
                               .learning_rate = one.lr,
                               .schedule = one.schedule});
    CHECK(r.history.back().loss() < r.history.front().loss());
    if (one.schedule.kind != LearningRateSchedule::Kind::constant)
      CHECK(r.history.back().players.front().learning_rate < one.lr);
  }
}

TEST_CASE("the KL warm-up is counted in steps, and an unfinished one is reported [ELBO-5]") {
  Model model(small());
  const TrainResult done =
      fit(model, curve(128), {.epochs = 4, .batch = 32, .beta = 2, .kl_warmup = 8});
  CHECK(done.unfinished.empty());
  CHECK(done.history[0].schedules.get("beta") ==
        doctest::Approx(2 * 3.0 / 8));  // at step 3, counted from 0
  CHECK(done.history[3].schedules.get("beta") == 2);
  const TrainResult cut = fit(model, curve(128), {.epochs = 1, .batch = 32, .kl_warmup = 100});
  REQUIRE(cut.unfinished.size() == 1);
  CHECK(cut.unfinished.get("beta") == doctest::Approx(4.0 / 100));
}

TEST_CASE("validation: rows are split off, the best weights come back") {
  Model model(small());
  std::vector<float> best;
  double best_loss = std::numeric_limits<double>::infinity();
  Index best_epoch = 0;
  const TrainResult r = fit(model, curve(200),
                            {.epochs = 12,
                             .batch = 32,
                             .learning_rate = 0.1,
                             .validation = 0.25,
                             .on_epoch = [&](const EpochReport& e) {
                               if (e.split != Split::validation) {
                                 CHECK(e.samples == 150);
                                 return;
                               }
                               CHECK(e.samples == 50);
                               if (!(e.loss() < best_loss)) return;
                               best_loss = e.loss();
                               best_epoch = e.epoch;
                               best = weights(model);
                             }});
  CHECK(r.history.size() == 24);
  CHECK(r.best_epoch == best_epoch);
  CHECK(weights(model) == best);
}

TEST_CASE("early stopping waits for the warm-up, then for its patience") {
  const auto stopped_after = [](Index warmup) {
    Model model(small());
    // A learning rate this large makes the validation loss worse within a few epochs.
    const TrainResult r = fit(model, curve(96),
                              {.epochs = 60,
                               .batch = 32,
                               .learning_rate = 0.3,
                               .kl_warmup = warmup,
                               .clip_norm = 1,
                               .validation = 0.34,
                               .early_stop = 3});
    if (r.stop == TrainResult::Stop::early) {
      CHECK(r.history.back().epoch == r.best_epoch + 3);
      CHECK(r.best_epoch * 2 >= warmup);  // two steps per epoch
    }
    return r.stop == TrainResult::Stop::early ? r.history.back().epoch : Index{1000};
  };
  CHECK(stopped_after(0) < 60);
  CHECK(stopped_after(40) > 20);
}

TEST_CASE("cancellation stops after the step, with the best validated weights or the last") {
  for (const double validation : {0.0, 0.1}) {
    Model model(small());
    std::atomic<bool> cancel{false};
    std::vector<float> first_epoch, last_step;
    const TrainResult r = fit(model, curve(200),
                              {.epochs = 5,
                               .batch = 20,
                               .validation = validation,
                               .on_epoch =
                                   [&](const EpochReport& e) {
                                     if (e.epoch == 1) first_epoch = weights(model);
                                   },
                               .on_step =
                                   [&](const StepReport& s) {
                                     if (s.step != 13) return;
                                     cancel = true;
                                     last_step = weights(model);
                                   },
                               .cancel = &cancel});
    CHECK(r.stop == TrainResult::Stop::cancelled);
    CHECK(r.steps == 13);
    CHECK(r.best_epoch == (validation > 0 ? 1 : 0));
    CHECK(weights(model) == (validation > 0 ? first_epoch : last_step));
  }
}

TEST_CASE("a NaN planted in any parameter block is found, and the last good weights stay") {
  const Model fresh(small());
  for (std::size_t b = 0; b < fresh.params().layout().blocks().size(); ++b) {
    const ParamBlock& block = fresh.params().layout().blocks()[b];
    for (const Index at : {Index{0}, block.size() - 1}) {
      Model model(small());
      model.params()[static_cast<BlockId>(b)].data[at] = kNaN;
      const Index output = at / block.rows();
      std::string name;
      for (const auto& part : block.parts)
        if (output >= part.first && output < part.first + part.outputs) name = part.name;
      CAPTURE(name);
      bool thrown = false;
      try {
        fit(model, curve(64), {.epochs = 2, .batch = 32});
      } catch (const NonFinite& e) {
        thrown = true;
        CHECK(e.step == 0);
        CHECK(e.tensor == name);
        CHECK(std::string(e.what()).find("training stopped at step 0: " + name) == 0);
      }
      CHECK(thrown);
    }
  }
}

TEST_CASE("a diverging training keeps the weights of the last good epoch") {
  Model model(small());
  std::vector<float> after_good;
  bool thrown = false;
  Index planted = 0;
  try {
    fit(model, curve(64),
        {.epochs = 5,
         .batch = 32,
         .on_epoch = [&](const EpochReport&) { after_good = weights(model); },
         .on_step =
             [&](const StepReport& s) {
               if (s.step != 5) return;
               model.params().flat()(0) = kNaN;  // between two steps
               planted = s.step;
             }});
  } catch (const NonFinite& e) {
    thrown = true;
    CHECK(e.step == planted);
    CHECK(!e.samples.empty());
  }
  CHECK(thrown);
  CHECK(weights(model) == after_good);
}

TEST_CASE("a weight ruined by the very last step is not handed out") {
  Model model(small());
  CHECK_THROWS_AS(fit(model, curve(64),
                      {.epochs = 1,
                       .batch = 64,
                       .on_step = [&](const StepReport&) { model.params().flat()(0) = kNaN; }}),
                  NonFinite);
  for (const float w : weights(model)) CHECK(std::isfinite(w));
}

// Weights so large that the loss overflows, although each of them is a number.
TEST_CASE("weights are good only once a finite loss was seen with them") {
  for (const Index epochs : {1, 3}) {
    for (const double validation : {0.0, 0.25}) {
      Model model(small());
      std::vector<float> good = weights(model);
      const auto ruin = [&](const StepReport& s) {
        if (s.step == s.steps) model.params().flat()(0) = 3e38f;
      };
      CHECK_THROWS_AS(fit(model, curve(64),
                          {.epochs = epochs,
                           .batch = 64,
                           .validation = validation,
                           .on_epoch =
                               [&](const EpochReport& r) {
                                 if (r.split == Split::train && r.epoch < epochs)
                                   good = weights(model);
                               },
                           .on_step = ruin}),
                      NonFinite);
      CHECK(weights(model) == good);
    }
  }
}

TEST_CASE("a held-out row whose loss is not finite is named, and not averaged away") {
  VaeSpec gaussian = small();
  gaussian.likelihood = Gaussian{};
  Model model(gaussian);
  Data<float> held = curve_data(20);
  Eigen::MatrixXf columns = held.input.numbers().in_columns();
  columns(4, 7) = 1e30f;
  held.input = Samples<float>(columns);
  CHECK_THROWS_WITH_AS(
      Trainer<Model>(model, {.epochs = 3, .batch = 32}).fit(curve_data(64), held),
      "training stopped at step 1: the validation loss is not finite for 1 row(s) that are held "
      "out, first row 7",
      NonFinite);
}

TEST_CASE("a trainer that fits twice begins its schedules anew") {
  const TrainOptions options{
      .epochs = 2, .batch = 16, .schedule = {.kind = LearningRateSchedule::Kind::cosine}};
  Model twice(small()), again(small());
  Trainer<Model> trainer(twice, options);
  trainer.fit(curve_data(64));
  const TrainResult second = trainer.fit(curve_data(96));  // another number of steps
  Trainer<Model>(again, options).fit(curve_data(64));
  Trainer<Model>(again, options).fit(curve_data(96));
  CHECK(weights(twice) == weights(again));
  CHECK(second.history[0].players[0].learning_rate > 0);
}

TEST_CASE("rows of weight 0 teach nothing") {
  Data<float> all = curve_data(80);
  Eigen::MatrixXf weight = Eigen::MatrixXf::Ones(1, 80);
  for (Index j = 0; j < 80; j += 2) weight(0, j) = 0;
  all.sample_weights = Samples<float>(weight);
  Data<float> spoiled = curve_data(80);
  Eigen::MatrixXf columns = spoiled.input.numbers().in_columns();
  for (Index j = 0; j < 80; j += 2) columns.col(j).setConstant(0.25f);
  spoiled.input = Samples<float>(columns);
  spoiled.sample_weights = Samples<float>(weight);
  const auto run = [](const Data<float>& data) {
    Model model(small());
    Trainer<Model>(model, {.epochs = 2, .batch = 16}).fit(data);
    return weights(model);
  };
  CHECK(run(all) == run(spoiled));
}

TEST_CASE("missing values teach nothing, whatever the target holds there") {
  Data<float> data = curve_data(60);
  Eigen::MatrixXf mask = Eigen::MatrixXf::Ones(12, 60);
  mask.row(3).setZero();
  const auto run = [&](float in_the_gap) {
    Data<float> d;
    Eigen::MatrixXf target = data.input.numbers().in_columns();
    target.row(3).setConstant(in_the_gap);
    d.input = Samples<float>(data.input.numbers().in_columns());
    d.target = Samples<float>(target);
    d.mask = Samples<float>(mask);
    Model model(small());
    Trainer<Model>(model, {.epochs = 1, .batch = 16}).fit(d);
    return weights(model);
  };
  CHECK(run(0.0f) == run(1.0f));
}

TEST_CASE("options and data that make no sense are refused in one sentence") {
  const float inf = std::numeric_limits<float>::infinity();
  Model model(small());
  const std::vector<float> before = weights(model);
  const auto refused = [&](TrainOptions options, const char* message) {
    CHECK_THROWS_WITH_AS(fit(model, curve(20), std::move(options)), message, std::invalid_argument);
  };
  refused({.epochs = 0}, "longhand: epochs is 0, expected at least 1");
  refused({.batch = 0}, "longhand: batch is 0, expected at least 1");
  refused({.learning_rate = std::nan("")},
          "longhand: learning rate is nan, expected a positive number");
  refused({.beta = -1}, "longhand: beta is -1, expected 0 or more");
  refused({.validation = 1}, "longhand: validation is 1, expected a fraction in [0, 1)");
  refused({.validation = 0.99},
          "longhand: validation holds out 20 of 20 rows, nothing is left to train on");

  const auto bad = [&](Eigen::MatrixXf columns, const char* message) {
    CHECK_THROWS_WITH_AS(fit(model, Samples<float>(std::move(columns))), message,
                         std::invalid_argument);
  };
  Eigen::MatrixXf columns = curve(20).in_columns();
  columns(4, 7) = kNaN;
  bad(columns, "longhand: the data: row 7, column 4 is nan, expected a finite number");
  columns(4, 7) = 1.5f;
  bad(columns,
      "longhand: the data: row 7, column 4 is 1.5, outside [0, 1], the domain of the likelihood");
  columns(4, 7) = inf;
  bad(columns, "longhand: the data: row 7, column 4 is inf, expected a finite number");
  bad(Eigen::MatrixXf::Zero(5, 20),
      "longhand: the data is 20 rows of 5 numbers, expected 20 of 12");
  bad(Eigen::MatrixXf(12, 0), "longhand: the data has no rows");
  CHECK(weights(model) == before);
}

TEST_CASE_TEMPLATE("a data set of bytes trains to the bits of the same numbers", S, float, double) {
  using M = Vae<Cpu<S>>;
  constexpr Index rows = 250, dim = 12;
  std::vector<std::uint8_t> bytes(rows * dim), others(rows * dim);
  std::vector<S> numbers, other_numbers;
  for (std::size_t k = 0; k < bytes.size(); ++k) {
    bytes[k] = static_cast<std::uint8_t>(k < 256 ? k : 7 * k + k / 12 * (k % 31));
    others[k] = static_cast<std::uint8_t>(255 - bytes[k] / 2);
    numbers.push_back(S(bytes[k]) / S(255));
    other_numbers.push_back(S(others[k]) / S(255));
  }
  using Kind = InputTransform::Kind;
  for (const Kind kind : {Kind::none, Kind::unit, Kind::standardize})
    for (const Binarize binarize : {Binarize::none, Binarize::fixed, Binarize::dynamic})
      for (const bool denoising : {false, true}) {
        const auto outcome = [&](const auto& input, const auto& target) {
          Data<S> data;
          data.input = samples_in_memory(input.data(), rows, dim);
          if (denoising) data.target = samples_in_memory(target.data(), rows, dim);
          VaeSpec config{.input_dim = dim, .hidden = {16}, .latent_dim = 3, .seed = 4};
          if (kind == Kind::standardize) config.likelihood = Gaussian{};
          config.transform = InputTransform::fit(kind, data.input);
          M model(config, Cpu<S>(2));
          const TrainResult r =
              Trainer<M>(
                  model,
                  {.epochs = 2, .batch = 32, .validation = 0.2, .changes = {.binarize = binarize}})
                  .fit(data);
          std::vector<double> found{r.history.back().loss(), evaluate(model, data).elbo()};
          const View<Cpu<S>> flat = model.params().flat();
          found.insert(found.end(), flat.data, flat.data + flat.rows);
          return found;
        };
        CHECK(outcome(bytes, others) == outcome(numbers, other_numbers));
      }
}

TEST_CASE("bytes outside the domain are named as the numbers they stand for") {
  std::vector<std::uint8_t> bytes(20 * 12, 100);
  bytes[7 * 12 + 4] = 255;
  VaeSpec config = small();
  config.transform = {InputTransform::Kind::unit, {0}, {0.5}};
  Model model(config);
  CHECK_THROWS_WITH_AS(fit(model, samples_in_memory(bytes.data(), 20, 12)),
                       "longhand: the data: row 7, column 4 is 2 after the input transform, "
                       "outside [0, 1], the domain of the likelihood",
                       std::invalid_argument);
}

TEST_CASE("a batch larger than the data is the whole data") {
  Model model(small());
  CHECK(fit(model, curve(30), {.epochs = 2, .batch = 1000}).steps == 2);
}

TEST_CASE(
    "columns of very different size are remarked on once, unless something standardises them") {
  Eigen::MatrixXf x = Eigen::MatrixXf::Random(12, 100);
  x.row(3).array() = 1013 + 8 * x.row(3).array();
  x.row(5) *= 0.1f;
  const auto remarks = [&](const VaeSpec& spec) {
    Model model(spec);
    return fit(model, samples_in_columns(x), {.epochs = 2, .validation = 0.2}).remarks;
  };
  VaeSpec spec = small();
  spec.likelihood = Gaussian{};
  REQUIRE(remarks(spec).size() == 1);
  CHECK(remarks(spec).front().find("differ in size by a factor of") != std::string::npos);
  spec.transform = standardized(samples_in_columns(x));
  CHECK(spec.transform.shift[3] == doctest::Approx(1013).epsilon(0.01));
  CHECK(remarks(spec).empty());
  // Pixels are of one size, however dark some of them are.
  x = (x.array().abs() / 2000).eval();
  spec.transform = {};
  CHECK(remarks(spec).empty());
}

TEST_CASE("steps on a stream are the steps of a training, and the optimizer lives on") {
  constexpr Index batch = 25;
  const Eigen::MatrixXf x = curve(100).in_columns();
  TrainOptions options{.epochs = 1, .batch = batch, .learning_rate = 1e-2, .kl_warmup = 3};
  // The order of an epoch, taken by hand: the noise of a sample is named by its number, which in a
  // stream is its place in the step.
  Model whole(small()), streamed(small());
  Trainer trainer(streamed, options);
  double first = 0, last = 0;
  for (Index k = 0; k < 40; ++k) {
    Data<float> data;
    data.input = samples_in_columns(x.middleCols(batch * (k % 4), k == 17 ? 10 : batch));
    const EpochReport report = trainer.step(data);
    CHECK(report.step == k + 1);
    CHECK(report.samples == (k == 17 ? 10 : batch));
    CHECK(report.schedules.get("beta") == doctest::Approx(std::min(1.0, double(k) / 3)));
    CHECK(report.players.front().grad_norm > 0);
    (k == 0 ? first : last) = report.term("nll");
  }
  CHECK(last < first - 0.5);

  // One step of one batch is a training of that one step.
  options.kl_warmup = 0;
  Model one(small()), other(small());
  Data<float> data;
  data.input = samples_in_columns(x.leftCols(1));
  options.batch = 1;
  Trainer(one, options).fit(data);
  Trainer(other, options).step(data);
  CHECK(weights(one) == weights(other));
  CHECK(weights(whole) != weights(other));

  data.input = samples_in_columns(x.leftCols(2));
  CHECK_THROWS_AS(trainer.step(curve_data(26)), std::invalid_argument);
  options.schedule.kind = LearningRateSchedule::Kind::cosine;
  CHECK_THROWS_WITH_AS(Trainer(other, options).step(curve_data(1)),
                       "longhand: a stream has no end: the cosine of the learning rate needs its "
                       "total",
                       std::invalid_argument);
}

TEST_CASE("a stream draws its binary pixels anew in every step") {
  VaeSpec spec = small();
  spec.latent = CodeSpec{3};  // no other noise
  for (const Binarize binarize : {Binarize::fixed, Binarize::dynamic}) {
    Model model(spec);
    // Steps too small to be seen, so that the pixels alone can change the loss.
    Trainer trainer(model,
                    {.batch = 20, .learning_rate = 1e-30, .changes = {.binarize = binarize}});
    const double first = trainer.step(curve_data(20)).term("nll");
    CHECK((trainer.step(curve_data(20)).term("nll") == first) == (binarize == Binarize::fixed));
  }
}

TEST_CASE("a step of a stream that is not finite changes nothing, and the next one is taken") {
  Model model(small());
  Trainer trainer(model, {.batch = 20, .learning_rate = 1e-2});
  trainer.step(curve_data(20));
  const std::vector<float> before = weights(model);
  VaeSpec spec = small();
  Eigen::MatrixXf huge = Eigen::MatrixXf::Constant(12, 20, 1e30f);
  Data<float> bad;
  bad.input = samples_in_columns(huge);
  spec.likelihood = Gaussian{};
  Model gaussian(spec);
  Trainer stream(gaussian, {.batch = 20});
  stream.step(curve_data(20));
  const std::vector<float> good = weights(gaussian);
  CHECK_THROWS_AS(stream.step(bad), NonFinite);
  CHECK(weights(gaussian) == good);
  stream.step(curve_data(20));
  CHECK(weights(gaussian) != good);
  CHECK(weights(model) == before);
}

TEST_CASE("a clone has the weights and goes its own way") {
  Model model(small());
  fit(model, curve(50), {.epochs = 1});
  Model other = model.clone();
  CHECK(weights(other) == weights(model));
  fit(other, curve(50), {.epochs = 1});
  CHECK(weights(other) != weights(model));
}
