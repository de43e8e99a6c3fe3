// SPDX-License-Identifier: MIT
// Everything above the backend on memory that the host cannot read: FakeDevice ends the program
// with a segmentation fault where somebody looks anyway, and refuses addresses of the host.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backend/fake_models.hpp"
#include "longhand/backend/cpu.hpp"
#include "support/models.hpp"
#include "train/journey.hpp"

namespace {

using namespace longhand;
using namespace longhand::test;

static_assert(Records<FakeDevice> && !Records<Cpu<float>>);

using Calls = std::vector<std::string_view>;

/// What a device did, except being looked at.
Calls asked_of(const FakeDevice& backend) {
  Calls calls = backend.work().calls;
  std::erase(calls, "download");
  return calls;
}

/// The calls of each step: what lies from the first to the second copy_at of a pair.
std::vector<Calls> steps_of(const Calls& calls) {
  std::vector<Calls> steps;
  bool inside = false;
  for (const std::string_view call : calls) {
    if (call == "copy_at" && !inside) steps.emplace_back();
    if (call == "copy_at" || inside) steps.back().push_back(call);
    if (call == "copy_at") inside = !inside;
  }
  return steps;
}

/// What NonFinite says, and the weights before and after.
struct Failure {
  Index step = -1;
  std::string tensor, said;
  std::vector<Index> samples;
  bool restored = false;
};
template <class B>
Failure failure_of(const TrainOptions& options, const Data<float>& data) {
  Vae<B> vae({.input_dim = 4, .hidden = {5}, .latent_dim = 2, .likelihood = Gaussian{}});
  const auto weights = [&] {
    std::vector<float> numbers(static_cast<std::size_t>(vae.params().flat().size()));
    vae.backend().download(vae.params().flat(), numbers.data());
    return numbers;
  };
  std::vector<float> good = weights();
  TrainOptions watched = options;
  watched.on_epoch = [&](const EpochReport&) { good = weights(); };
  try {
    Trainer<Vae<B>>(vae, watched).fit(data);
  } catch (const NonFinite& error) {
    return {error.step, error.tensor, error.what(), error.samples, weights() == good};
  }
  return {};
}

}  // namespace

// The journeys of the device's kernels and of the CPU differ by rounding, which a few steps of
// training make grow, but not past 1e-3 of a number of size 1.
TEST_CASE("device memory: training, validation, evaluation, sampling, scores, of every kind") {
  for (const Journey& j : all_journeys()) {
    const Index before = FakeMemory::live();
    const std::vector<double> got = journey(FakeDevice(), j);
    CHECK(journey(FakeDevice(FakeOrder::backwards), j) == got);
    CHECK(FakeMemory::live() == before);
    const double worst = farthest(got, journey(Cpu<float>(1), j));
    CAPTURE(worst);
    CHECK_FALSE(!(worst <= 1e-3));
  }
}

TEST_CASE("device memory: bytes stay bytes, and give the numbers' bits") {
  constexpr Index rows = 40, dim = 9;
  std::vector<std::uint8_t> bytes(rows * dim);
  std::vector<float> numbers;
  for (std::size_t k = 0; k < bytes.size(); ++k) {
    bytes[k] = static_cast<std::uint8_t>(53 * k);
    numbers.push_back(static_cast<float>(bytes[k]) / 255.0f);
  }
  const VaeSpec config{.input_dim = dim, .hidden = {12}, .latent_dim = 3, .seed = 2};
  for (const Binarize binarize : {Binarize::none, Binarize::dynamic}) {
    const auto outcome = [&](const auto& x) {
      Data<float> data;
      data.input = samples_in_memory(x.data(), rows, dim);
      return journey(FakeDevice(), config,
                     {.epochs = 2, .batch = 8, .changes = {.binarize = binarize}}, data);
    };
    CHECK(outcome(bytes) == outcome(numbers));
  }
  Data<float> data;
  data.input = samples_in_memory(bytes.data(), rows, dim);
  const ResidentData<FakeDevice> resident(FakeDevice(), data);
  CHECK(std::get<Bytes<FakeDevice>>(resident.input()).size() == rows * dim);
}

TEST_CASE("device memory: batches that change on the way, from bytes, recorded and not") {
  constexpr Index rows = 40, height = 3, width = 4, dim = height * width;
  std::vector<std::uint8_t> bytes(rows * dim);
  for (std::size_t k = 0; k < bytes.size(); ++k) bytes[k] = static_cast<std::uint8_t>(53 * k);
  Data<float> data;
  data.input = samples_in_memory(bytes.data(), rows, dim);
  VaeSpec config{.input_dim = dim, .hidden = {12}, .latent_dim = 3, .seed = 2};
  config.transform = {InputTransform::Kind::unit, {0.}, {1.25}};
  TrainOptions options{.epochs = 2, .batch = 8, .validation = 0.2};
  options.changes.dequantize = true;
  options.changes.augment = {
      .picture = {height, width}, .shift = 1, .rotate = 20, .flip = true, .noise = 0.1};
  options.changes.corrupt = {.gaussian = 0.1, .mask = 0.1, .salt = 0.1};
  for (const Binarize binarize : {Binarize::none, Binarize::threshold}) {
    options.changes.binarize = binarize;
    options.steps_per_launch = 2;
    const std::vector<double> got = journey(FakeDevice(), config, options, data);
    options.steps_per_launch = 0;
    CHECK(journey(FakeDevice(FakeOrder::backwards), config, options, data) == got);
    // A pixel beside a threshold may fall on the other side where roundings differ.
    if (binarize != Binarize::none) continue;
    const double worst = farthest(got, journey(Cpu<float>(1), config, options, data));
    CAPTURE(worst);
    CHECK_FALSE(!(worst <= 1e-4));
  }
}

// Codes without a KL to hold them drift apart faster than those of a Vae.
TEST_CASE("device memory: an adversarial autoencoder, its prior, phases and diagnostics") {
  const Index before = FakeMemory::live();
  const std::vector<double> got = aae_journey(FakeDevice());
  CHECK(aae_journey(FakeDevice(FakeOrder::backwards)) == got);
  CHECK(FakeMemory::live() == before);
  const double worst = farthest(got, aae_journey(Cpu<float>(1)));
  CAPTURE(worst);
  CHECK_FALSE(!(worst <= 1e-3));
}

TEST_CASE("device memory: a likelihood that is not longhand's") {
  const double worst = farthest(laplace_journey(FakeDevice()), laplace_journey(Cpu<float>(1)));
  CAPTURE(worst);
  CHECK_FALSE(!(worst <= 1e-3));
}

TEST_CASE("device memory: a step of the classic model is the list of docs/backends.md") {
  const FakeDevice backend;
  Vae<FakeDevice> vae({.input_dim = 784, .hidden = {400}, .latent_dim = 20}, backend);
  Trainer<Vae<FakeDevice>>(vae, {.epochs = 1, .batch = 2}).fit(grey(6, 784, 0, false));
  const std::vector<Calls> steps = steps_of(backend.work().calls);
  REQUIRE(steps.size() == 3);
  CHECK(steps[1] == steps[0]);
  CHECK(steps[2] == steps[0]);
  CHECK(std::count(steps[0].begin(), steps[0].end(), "multiply") == 11);
  CHECK(steps[0].size() == 11 + 21);
}

TEST_CASE("device memory: epilogues save a kernel per linear layer and per bias gradient") {
  const FakeDevice backend({.epilogues = true});
  Vae<FakeDevice> vae({.input_dim = 784, .hidden = {400}, .latent_dim = 20}, backend);
  Trainer<Vae<FakeDevice>>(vae, {.epochs = 1, .batch = 2}).fit(grey(6, 784, 0, false));
  const std::vector<Calls> steps = steps_of(backend.work().calls);
  const auto count = [&](const char* name) {
    return std::count(steps[1].begin(), steps[1].end(), name);
  };
  CHECK(count("multiply and add a bias") == 2);  // the head, the output
  CHECK(count("multiply and sum") == 4);
  CHECK(count("multiply") == 5);
  CHECK(steps[1].size() == 11 + 15);
  for (const Journey& j : all_journeys())
    CHECK(journey(backend, j) == journey(FakeDevice(), j));  // the fake sums in the same order
}

TEST_CASE(
    "device memory: nothing is sent or read between the first and the last step of an epoch") {
  const auto transfers = [](Index batch, Index steps_per_launch, bool every_step) {
    const FakeDevice backend;
    Vae<FakeDevice> vae({.input_dim = 9, .hidden = {12}, .latent_dim = 3}, backend);
    std::vector<std::size_t> begins;  // of the epochs, and the end
    TrainOptions options{.epochs = 4, .batch = batch, .steps_per_launch = steps_per_launch};
    options.on_epoch = [&](const EpochReport&) { begins.push_back(backend.work().calls.size()); };
    if (every_step) options.on_step = [](const StepReport&) {};
    Trainer<Vae<FakeDevice>>(vae, options).fit(grey(60, 9, 0, false));
    const Calls& calls = backend.work().calls;
    std::vector<Index> seen;
    for (std::size_t e = 0; e + 1 < begins.size(); ++e) {
      const Calls epoch(calls.begin() + static_cast<Index>(begins[e]),
                        calls.begin() + static_cast<Index>(begins[e + 1]));
      const auto first = std::find(epoch.begin(), epoch.end(), "copy_at");
      const auto last = std::find(epoch.rbegin(), epoch.rend(), "copy_at").base();
      REQUIRE(first < last);
      seen.push_back(std::count(first, last, "upload") + std::count(first, last, "download"));
    }
    return seen;
  };
  const auto none = std::vector<Index>(3, 0);
  for (const Index steps_per_launch : {0, 1, 3, 16}) {
    CHECK(transfers(8, steps_per_launch, false) == none);   // seven batches and a smaller one
    CHECK(transfers(20, steps_per_launch, false) == none);  // three, none smaller
  }
  // Who wants to hear of every step waits once per launch.
  CHECK(transfers(20, 1, true) == std::vector<Index>(3, 2));
  CHECK(transfers(10, 2, true) == std::vector<Index>(3, 2));
  CHECK(transfers(10, 16, true) == none);
}

TEST_CASE("device memory: who looks at every step trains to the same bits") {
  std::vector<Journey> all = all_journeys();
  for (Journey& j : all) {
    const std::vector<double> once_an_epoch = journey(FakeDevice(), j);
    j.options.on_step = [](const StepReport&) {};
    CHECK(journey(FakeDevice(), j) == once_an_epoch);
  }
}

TEST_CASE("device memory: a training goes on from its state to the same bits") {
  using M = Vae<FakeDevice>;
  const Data<float> data = grey(43, 9, 0, true);
  const auto trained = [&](Index steps_per_launch, const TrainState<float>* from,
                           std::vector<TrainState<float>>* states) {
    M vae({.input_dim = 9, .hidden = mlp({12}, Relu{}, 0.2), .latent_dim = 3}, FakeDevice());
    std::optional<Trainer<M>> trainer;
    TrainOptions options{.epochs = 3,
                         .batch = 5,
                         .validation = 0.2,
                         .grad_norms = true,
                         .steps_per_launch = steps_per_launch};
    if (states != nullptr) {
      options.checkpoint.steps = 4;
      options.on_checkpoint = [&] { states->push_back(trainer->state()); };
    }
    trainer.emplace(vae, options);
    if (from != nullptr) trainer->resume(*from);
    std::vector<double> numbers;
    for (const EpochReport& r : trainer->fit(data).history)
      for (const double v : {r.loss(), r.kl(), r.players.front().grad_norm}) numbers.push_back(v);
    std::vector<float> weights(static_cast<std::size_t>(vae.params().flat().rows));
    vae.backend().download(vae.params().flat(), weights.data());
    numbers.insert(numbers.end(), weights.begin(), weights.end());
    return numbers;
  };
  for (const Index steps_per_launch : {Index{0}, Index{1}, Index{3}, Index{16}}) {
    std::vector<TrainState<float>> states;
    const std::vector<double> whole = trained(steps_per_launch, nullptr, nullptr);
    CHECK(trained(steps_per_launch, nullptr, &states) == whole);
    CHECK(states.size() >= 3);
    for (const TrainState<float>& state : states)
      CHECK(trained(steps_per_launch, &state, nullptr) == whole);
  }
}

TEST_CASE("device memory: cancellation stops after the launch, and every step of it is reported") {
  for (const auto& [steps_per_launch, stopped_after] :
       {std::pair<Index, Index>{0, 6}, {1, 6}, {3, 7}, {16, 8}}) {
    std::atomic<bool> cancel{false};
    std::vector<Index> heard_of;
    TrainOptions options{.epochs = 3, .batch = 5, .steps_per_launch = steps_per_launch};
    options.on_step = [&](const StepReport& report) {
      heard_of.push_back(report.step);
      cancel = report.step >= 6;  // in the second epoch of four steps
    };
    options.cancel = &cancel;
    Vae<FakeDevice> vae({.input_dim = 4, .hidden = {5}, .latent_dim = 2});
    const TrainResult r = Trainer<Vae<FakeDevice>>(vae, options).fit(grey(20, 4, 0, false));
    CHECK(r.stop == TrainResult::Stop::cancelled);
    CHECK(r.steps == stopped_after);
    REQUIRE(static_cast<Index>(heard_of.size()) == stopped_after);
    for (std::size_t k = 0; k < heard_of.size(); ++k)
      CHECK(heard_of[k] == static_cast<Index>(k) + 1);
  }
}

TEST_CASE("device memory: a recorded training has the bits of one that is not, in fewer calls") {
  std::vector<Journey> all = long_journeys();
  for (Journey& j : all) {
    for (const bool every_step : {false, true}) {
      if (every_step) j.options.on_step = [](const StepReport&) {};
      j.options.steps_per_launch = 0;
      const FakeDevice eager;
      const std::vector<double> want = journey(eager, j);
      CHECK(eager.work().recorded == 0);
      for (const Index steps : {1, 3, 16}) {
        j.options.steps_per_launch = steps;
        const FakeDevice backend;
        CHECK(journey(backend, j) == want);
        CHECK(asked_of(backend) == asked_of(eager));  // the very same work, looked at more rarely
        CHECK(backend.work().recorded > 0);
        CHECK(backend.work().played > backend.work().recorded);
      }
    }
  }
}

TEST_CASE("device memory: parameter gradients may come as late as the norm, to the same bits") {
  const FakeDevice late({.late = true});
  std::vector<Journey> all = all_journeys();
  for (Journey& j : long_journeys()) all.push_back(std::move(j));
  for (Journey& j : all)
    for (const Index steps : {0, 3}) {
      j.options.steps_per_launch = steps;
      CHECK(journey(late, j) == journey(FakeDevice(), j));
    }
}

TEST_CASE("device memory: steps are recorded once and played many at a time") {
  const FakeDevice backend;
  Vae<FakeDevice> vae({.input_dim = 9, .hidden = {12}, .latent_dim = 3}, backend);
  std::vector<std::pair<int, int>> after;  // every epoch: recordings made, played
  Trainer<Vae<FakeDevice>>(vae, {.epochs = 4,
                                 .batch = 5,
                                 .steps_per_launch = 8,
                                 .on_epoch =
                                     [&](const EpochReport&) {
                                       after.emplace_back(backend.work().recorded,
                                                          backend.work().played);
                                     }})
      .fit(grey(104, 9, 0, false));  // 20 full batches and one of 4 rows
  // The first full step and the first small one are done as they are, then 7 are played one by one,
  // 8 at once, and the 4 left one by one. From then on 2 times 8, 4, and the small one.
  REQUIRE(after.size() == 4);
  CHECK(after[0] == std::pair(2, 7 + 1 + 4));
  CHECK(after[1] == std::pair(3, 12 + 2 + 4 + 1));
  CHECK(after[2] == std::pair(3, 19 + 7));
  CHECK(after[3] == std::pair(3, 26 + 7));
}

TEST_CASE("device memory: a backend that does not record does the work as it is") {
  Replay<Cpu<float>> replay(16);
  int done = 0;
  for (const Index times : {0, 1, 20})
    replay.run(Cpu<float>(1), times, [&](const auto&) { ++done; });
  CHECK(done == 21);
}

TEST_CASE("device memory: what cannot be recorded is an exception, and nothing is left of it") {
  const FakeDevice backend;
  const Buffer<FakeDevice> buffer(4);
  std::vector<float> host(4);
  const auto failing = [&](const auto& work) {
    Replay<FakeDevice> replay;
    replay.run(backend, 1, work);  // as it is, it works
    CHECK_THROWS_AS(replay.run(backend, 1, work), std::logic_error);
    CHECK_THROWS_AS(replay.run(backend, 1, work), std::logic_error);  // and is not done instead
    CHECK(backend.work().recorded == 0);
  };
  const Index live = FakeMemory::live();
  failing([&](const FakeDevice& here) { here.download(buffer.column(), host.data()); });
  failing([&](const FakeDevice& here) { here.upload(host.data(), buffer.column()); });
  failing([&](const FakeDevice&) { Buffer<FakeDevice>(5); });
  CHECK(FakeMemory::live() == live);
  const Buffer<FakeDevice> another(3);  // memory can be had again
}

TEST_CASE(
    "device memory: a loss that is not finite is found after the epoch as after the step "
    "[OPT-14]") {
  // One row whose loss is infinite in float: every step but its own is fine.
  Eigen::MatrixXf columns = grey(42, 4, 0, false).input.numbers().in_columns();
  columns(2, 29) = 1e25f;
  Data<float> spoiled;
  spoiled.input = Samples<float>(columns);
  for (const Optimizer& optimizer :
       {Optimizer(Adam{}), Optimizer(Sgd{}), Optimizer(Momentum{}), Optimizer(RmsProp{})})
    for (const bool one_row : {true, false}) {
      TrainOptions options{.epochs = 2, .batch = 5, .optimizer = optimizer, .clip_norm = 3};
      options.learning_rate = one_row ? 1e-3 : 1e30;  // or weights that leave the floats
      const Data<float> sane = grey(42, 4, 0, false);
      const Data<float>& data = one_row ? spoiled : sane;
      const Failure after_epoch = failure_of<FakeDevice>(options, data);
      const Failure on_cpu = failure_of<Cpu<float>>(options, data);
      options.on_step = [](const StepReport&) {};
      options.steps_per_launch = 1;
      const Failure after_step = failure_of<FakeDevice>(options, data);
      CHECK(after_epoch.step >= (one_row ? 0 : 1));
      CHECK(after_epoch.restored);
      CHECK(after_step.restored);
      CHECK(after_epoch.said == after_step.said);
      CHECK(after_epoch.samples == after_step.samples);
      CHECK(after_epoch.said == on_cpu.said);
      CHECK(after_epoch.samples == on_cpu.samples);
      if (one_row) CHECK(after_epoch.samples == std::vector<Index>{29});
    }
}

TEST_CASE_TEMPLATE(
    "device memory: the step that is not finite, and all after it, move nothing [OPT-14]", B,
    FakeDevice, Cpu<float>) {
  Eigen::MatrixXf columns = grey(42, 4, 0, false).input.numbers().in_columns();
  columns(2, 29) = 1e25f;
  Data<float> data;
  data.input = Samples<float>(columns);
  for (const Optimizer& optimizer : {Optimizer(Adam{}), Optimizer(Sgd{}), Optimizer(RmsProp{})}) {
    Vae<B> vae({.input_dim = 4, .hidden = {5}, .latent_dim = 2, .likelihood = Gaussian{}});
    const B& backend = vae.backend();
    const ResidentData<B> resident(backend, data);
    std::vector<std::uint32_t> rows(42);  // in this order: row 29 is on page 4 of 0 .. 5
    std::iota(rows.begin(), rows.end(), 0u);
    TrainingStep<Vae<B>> step(vae, resident,
                              {.batch = 7, .optimizer = optimizer, .steps_per_launch = 2}, rows, 7);
    Logbook<B>& logbook = step.logbook();
    for (Index page = 0; page < 6; ++page) {
      const PlannedStep<float> planned = logbook.plan(page);
      planned.counters = {static_cast<std::uint32_t>(page), 0};
      planned.inverse_samples() = 1.0f / 7;
      planned.schedule(0) = 1;  // beta
      planned.player(0)[0] = 1e-2f;
      planned.player(0)[1] = planned.player(0)[2] = 1;
    }
    const auto weights_after = [&](Index first, Index end) {
      step.take(backend, first, end);
      std::vector<float> numbers(static_cast<std::size_t>(vae.params().flat().size()));
      backend.download(vae.params().flat(), numbers.data());
      return numbers;
    };
    logbook.start(backend);
    const std::vector<float> before = weights_after(0, 3), good = weights_after(3, 4);
    CHECK(good != before);
    CHECK(weights_after(4, 5) == good);
    CHECK(weights_after(5, 6) == good);  // whose own batch is fine
    logbook.read(backend, 0, 6);
    for (Index page = 0; page < 6; ++page)
      CHECK(std::isfinite(logbook.grad_norm(page, 0)) == (page != 4));
    CHECK_FALSE(std::isfinite(logbook.term(4, 1, 1)));
    CHECK(logbook.sample_numbers(backend, 4)[1] == 29);
    logbook.start(backend);
    CHECK(weights_after(0, 1) != good);  // a new epoch starts anew
  }
}

TEST_CASE_TEMPLATE("device memory: a page keys the noise of its step", B, FakeDevice, Cpu<float>) {
  const Data<float> data = grey(4, 6, 0, false);
  for (const Binarize binarize : {Binarize::none, Binarize::fixed, Binarize::dynamic}) {
    Vae<B> vae({.input_dim = 6, .hidden = mlp({5}, Relu{}, 0.3), .latent_dim = 2});
    const ResidentData<B> resident(vae.backend(), data);
    std::vector<std::uint32_t> rows;
    for (std::uint32_t k = 0; k < 28; ++k) rows.push_back(k % 4);  // the same on every page
    TrainingStep<Vae<B>> step(vae, resident,
                              {.steps_per_launch = 2, .changes = {.binarize = binarize}}, rows, 4);
    Logbook<B>& logbook = step.logbook();
    const std::pair<std::uint32_t, std::uint32_t> keys[] = {{0, 0}, {1, 0}, {2, 0}, {1, 0},
                                                            {1, 1}, {1, 2}, {1, 0}};
    for (Index page = 0; page < 7; ++page)  // the learning rate is 0: the same weights too
      logbook.plan(page).counters = {keys[page].first, keys[page].second};
    logbook.start(vae.backend());
    step.take(vae.backend(), 0, 7);
    logbook.read(vae.backend(), 0, 7);
    const auto same = [&](Index a, Index b) {
      for (Index j = 0; j < logbook.samples(a); ++j)
        if (logbook.term(a, 0, j) != logbook.term(b, 0, j)) return false;
      return true;
    };
    CHECK_FALSE(same(0, 1));
    CHECK_FALSE(same(1, 2));
    CHECK(same(1, 3));
    CHECK(same(1, 6));
    CHECK(same(1, 4) == (binarize != Binarize::dynamic));
    CHECK(same(4, 5) == (binarize != Binarize::dynamic));
  }
}

TEST_CASE("device memory: an address of the host is refused") {
  float number = 1;
  const Buffer<FakeDevice> buffer(4);
  CHECK_THROWS_AS(
      FakeDevice().for_each(WeighSample{},
                            in<FakeDevice>(buffer.column(), scalar_at<FakeDevice>(&number)),
                            out<FakeDevice>(buffer.column())),
      std::logic_error);
}
