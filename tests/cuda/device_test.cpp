// SPDX-License-Identifier: MIT
// What only a GPU can tell. Everything here also runs on the CPU in tests/backend/cuda_kernels_test
// and tests/train/device_test, over loops in the place of threads.
#include <cuda_runtime_api.h>
#include <doctest/doctest.h>

#include <longhand/backend/cpu.hpp>
#include <longhand/backend/cuda.hpp>
#include <vector>

#include "backend/formula_parity.hpp"
#include "backend/through.hpp"
#include "core/noise_support.hpp"
#include "instantiate/cuda.hpp"
#include "layers/net_parity.hpp"
#include "models/difference.hpp"
#include "support/models.hpp"
#include "train/journey.hpp"

using namespace longhand;
using namespace longhand::test;

namespace {

using Gpu = Cuda<float>;
using Here = Through<Gpu>;
/// The device as it comes, and with what may make it faster, each by itself and together.
const std::vector<Gpu>& devices() {
  static const std::vector<Gpu> all{Gpu(), Gpu({.epilogues = Epilogues::cublas}),
                                    Gpu({.second_stream = true}),
                                    Gpu({.epilogues = Epilogues::cublas, .second_stream = true})};
  return all;
}
static_assert(Backend<Gpu> && Records<Gpu> && Backend<Here>);

/// 2^22 values hashed as tests/core does: 64 steps of 256 rows of 256 elements.
template <class Fill>
std::uint64_t noise_hash_of(const Fill& fill) {
  const Gpu backend;
  const Buffer<Gpu> buffer(256 * 256);
  std::vector<float> host(256 * 256);
  std::uint64_t hash = 0xcbf29ce484222325;
  for (std::uint32_t step = 0; step < 64; ++step) {
    const View<Gpu> y{buffer.data(), 256, 256, 256};
    fill(backend, NoiseKey{.seed = 2024, .step = step}, y);
    backend.download(y, host.data());
    for (const float x : host) hash = (hash ^ float_bits(x)) * 0x100000001b3;
  }
  return hash;
}

/// The device's product as the checker of products calls it.
ProductUnderTest<float> product(Precision precision) {
  return [backend = Gpu(precision)](std::size_t m, std::size_t n, std::size_t k, const float* a,
                                    const float* b, float* c) {
    const auto rows = static_cast<Index>(m), cols = static_cast<Index>(n),
               depth = static_cast<Index>(k);
    const Buffer<Gpu> left(rows * depth), right(depth * cols), result(rows * cols);
    const View<Gpu> A{left.data(), rows, depth, rows}, B{right.data(), depth, cols, depth},
        C{result.data(), rows, cols, rows};
    backend.upload(a, A), backend.upload(b, B);
    Gpu::Scratch scratch;
    backend.multiply(scratch, Transpose::no, A, Transpose::no, B, C, Store::assign, Nothing{});
    backend.download(C, c);
  };
}

}  // namespace

TEST_CASE("cuda: every primitive against the reference, awkward shapes") {
  const Here backend;
  for (const Index rows : kRows)
    for (const Index cols : kCols)
      for (const Index gap : {0, 3}) check_shape(backend, rows, cols, gap);
  for (const Index rows : {31, 32, 127, 128, 255, 256, 257, 600}) check_shape(backend, rows, 5, 1);
  check_shape(backend, 3, 200'000, 1);  // more elements than threads
  check_shape(backend, 600'007, 1, 0);
}

TEST_CASE("cuda: softmax and one-hot of columns, every shape and content [CAT-1] [CAT-2] [CAT-6]") {
  check_columns(Here());
  check_undefined_columns(Here());
  check_cuts_of_columns(Here());
}

TEST_CASE("cuda: products and the sweep that follows, within the rounding bound") {
  for (const Gpu& backend : devices()) check_products(Here(backend));
}

TEST_CASE("cuda: fp32 multiplies in float, tf32 in less") {
  const ProductReport report =
      longhand::check_product(product(Precision::fp32), {{400, 128, 784}, {784, 400, 128}});
  CHECK_MESSAGE(report.passed(), report.text());
  CHECK(full_precision<float>(product(Precision::fp32), 512, 512, 512));
  int major = 0;
  cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, 0);
  if (major >= 8) CHECK_FALSE(full_precision<float>(product(Precision::tf32), 512, 512, 512));
}

TEST_CASE("cuda: noise has the bits of the CPU's [NOI-2] [NOI-3]") {
  CHECK(noise_hash_of([](const Gpu& backend, const NoiseKey& key, const View<Gpu>& y) {
          backend.fill_normal(key, {}, y);
        }) == 0xd5f123ecf682809d);
  CHECK(noise_hash_of([](const Gpu& backend, const NoiseKey& key, const View<Gpu>& y) {
          backend.fill_uniform(key, {}, y);
        }) == 0x524ec3433168d868);
}

TEST_CASE("cuda: every formula that has a kernel") { CHECK(check_all_formulas(Here()) > 60); }

TEST_CASE("cuda: a net, every stage within its bound, every activation [DEN-1] [DEN-2] [DEN-4]") {
  for (const Activation& activation : all_activations) {
    const std::string name = name_of(activation);
    CAPTURE(name);
    for (const Index n : {1, 19, 257}) {
      const double worst =
          worst_ratio(Here(), {.in = 33, .hidden = mlp({65, 17}, activation), .out = 7}, n);
      CAPTURE(worst);
      CHECK_FALSE(!(worst <= 1));
    }
  }
}

TEST_CASE("cuda: loss and gradient of models of all parts [ELBO-1]") {
  for (const auto& [config, masked] : models_of_all_parts())
    for (const Gpu& backend : devices()) {
      const std::string activation = name_of(config.hidden.stages[0].activation);
      CAPTURE(activation);
      const std::string likelihood = name_of(config.likelihood);
      CAPTURE(likelihood);
      const double worst = gradient_difference(Here(backend), config, 19, masked);
      CAPTURE(worst);
      CHECK_FALSE(!(worst <= gamma_bound<float>(roundings(config, 19))));
    }
}

TEST_CASE("cuda: the gradient of whole models is the slope of their own loss [ELBO-1]") {
  check_slopes(Here());
}

TEST_CASE("cuda: training, validation, evaluation, sampling, scores, of every kind") {
  for (const Journey& j : all_journeys()) {
    const std::vector<double> cpu = journey(Cpu<float>(1), j), plain = journey(Gpu(), j);
    for (const Gpu& backend : devices()) {
      const std::vector<double> got = journey(backend, j);
      CHECK(journey(backend, j) == got);  // the same bits
      if (backend.options().epilogues == Epilogues::own) CHECK(got == plain);
      const double worst = farthest(got, cpu);
      CAPTURE(worst);
      CHECK_FALSE(!(worst <= 1e-3));
    }
  }
}

TEST_CASE("cuda: an adversarial autoencoder, its prior, phases and diagnostics") {
  CHECK_FALSE(!(farthest(aae_journey(Gpu()), aae_journey(Cpu<float>(1))) <= 1e-3));
}

TEST_CASE("cuda: a likelihood that is not longhand's") {
  CHECK_FALSE(!(farthest(laplace_journey(Gpu()), laplace_journey(Cpu<float>(1))) <= 1e-3));
}

TEST_CASE("cuda: an epoch of a 784-400-20 model twice to the same bits, and near the CPU's") {
  const Data<float> data = grey(60'000, 784, 0, false);
  const auto train = [&](const auto& backend) {
    using B = std::decay_t<decltype(backend)>;
    Vae<B> vae({.input_dim = 784, .hidden = {400}, .latent_dim = 20}, backend);
    Trainer<Vae<B>>(vae, {.epochs = 1, .batch = 128}).fit(data);  // 468 batches and a smaller one
    std::vector<float> weights(static_cast<std::size_t>(vae.params().flat().size()));
    vae.backend().download(vae.params().flat(), weights.data());
    return std::pair(evaluate(vae, data).elbo(), weights);
  };
  const auto once = train(Gpu()), twice = train(Gpu());
  CHECK(once.second == twice.second);
  CHECK(once.first == twice.first);
  const auto cpu = train(Cpu<float>());
  CHECK_FALSE(!(std::fabs(once.first - cpu.first) <= 0.1));
  for (const Gpu& other : {Gpu(Precision::tf32), devices().back()}) {
    const auto first = train(other);
    CHECK(train(other).second == first.second);
    CHECK_FALSE(!(std::fabs(first.first - cpu.first) <= 0.1));
  }
}

TEST_CASE("cuda: a recorded training has the bits of one that is not") {
  std::vector<Journey> all = long_journeys();
  for (Journey& j : all)
    for (const Gpu& backend : devices()) {
      j.options.on_step = nullptr;
      j.options.steps_per_launch = 0;
      const std::vector<double> want = journey(backend, j);
      for (const Index steps : {1, 3, 16}) {
        j.options.steps_per_launch = steps;
        CHECK(journey(backend, j) == want);
      }
      j.options.on_step = [](const StepReport&) {};
      CHECK(journey(backend, j) == want);
    }
}

TEST_CASE("cuda: graphs of two streams, small") {  // for compute-sanitizer
  const Data<float> data = grey(20, 5, 0, false);
  for (const Gpu& backend : devices()) {
    Vae<Gpu> vae({.input_dim = 5, .hidden = mlp({6}, Relu{}, 0.2), .latent_dim = 2}, backend);
    const TrainResult result =
        Trainer<Vae<Gpu>>(vae, {.epochs = 3, .batch = 6, .steps_per_launch = 2}).fit(data);
    CHECK(std::isfinite(result.history.back().loss()));
  }
}

TEST_CASE("cuda: what is not finite is named after the epoch as after the step [OPT-14]") {
  const auto said = [](Index steps_per_launch, bool every_step) -> std::string {
    Vae<Gpu> vae({.input_dim = 4, .hidden = {5}, .latent_dim = 2, .likelihood = Gaussian{}});
    Eigen::MatrixXf columns = grey(42, 4, 0, false).input.numbers().in_columns();
    columns(2, 29) = 1e25f;
    TrainOptions options{.epochs = 2, .batch = 5, .steps_per_launch = steps_per_launch};
    if (every_step) options.on_step = [](const StepReport&) {};
    try {
      fit(vae, Samples<float>(columns), options);
    } catch (const NonFinite& error) {
      CHECK(error.samples == std::vector<Index>{29});
      return error.what();
    }
    return "nothing";
  };
  CHECK(said(16, false) == said(0, true));
  CHECK(said(0, false) == said(0, true));
}

TEST_CASE("cuda: what cannot be recorded is a CudaError, and the next recording works") {
  const Gpu backend;
  const Buffer<Gpu> buffer(4);
  std::vector<float> host(4, 1.0f);
  backend.fill(buffer.column(), 1);  // kernels load when they first run
  const auto failing = [&](const auto& work) {
    CHECK_THROWS_AS(Gpu::Recording(backend, work), CudaError);
  };
  failing([&](const Gpu& here) { here.download(buffer.column(), host.data()); });
  failing([&](const Gpu& here) { here.upload(host.data(), buffer.column()); });
  failing([&](const Gpu&) { Buffer<Gpu>(5); });
  failing([&](const Gpu& here) { here.synchronize(); });
  CHECK_THROWS_AS(Gpu::Recording(backend, [](const Gpu&) { throw std::logic_error("its own"); }),
                  std::logic_error);
  const Gpu two_streams({.second_stream = true});
  const auto fork_and_throw = [&](const Gpu& here) {
    aside(here, [&](const Gpu& side) { side.fill(buffer.column(), 5); });
    throw std::logic_error("before the join");
  };
  CHECK_THROWS_AS(Gpu::Recording(two_streams, fork_and_throw), std::logic_error);
  CHECK_THROWS_AS(fork_and_throw(two_streams), std::logic_error);
  two_streams.download(buffer.column(), host.data());  // joins
  CHECK(host == std::vector<float>(4, 5.0f));
  const Gpu::Recording forks(two_streams, [&](const Gpu& here) {
    aside(here, [&](const Gpu& side) { side.fill(buffer.column(), 6); });
  });
  forks.play(two_streams);
  two_streams.download(buffer.column(), host.data());
  CHECK(host == std::vector<float>(4, 6.0f));

  const Buffer<Gpu> aside(4);
  const Gpu::Recording twos(backend, [&](const Gpu& here) {
    here.fill(buffer.column(), 2);
    backend.fill(aside.column(), 3);  // of the backend itself: done at once, not recorded
  });
  backend.download(aside.column(), host.data());
  CHECK(host == std::vector<float>(4, 3.0f));
  backend.fill(aside.column(), 4);
  backend.fill(buffer.column(), 1);
  backend.download(buffer.column(), host.data());
  CHECK(host == std::vector<float>(4, 1.0f));  // recorded, not done
  twos.play(backend);
  backend.download(buffer.column(), host.data());
  CHECK(host == std::vector<float>(4, 2.0f));
  backend.download(aside.column(), host.data());
  CHECK(host == std::vector<float>(4, 4.0f));
}

TEST_CASE("cuda: out of memory leaves nothing behind, and the next call works") {
  const Gpu backend;
  backend.synchronize();
  std::size_t before = 0, after = 0, all = 0;
  cudaMemGetInfo(&before, &all);
  CHECK_THROWS_AS(Buffer<Gpu>(Index{1} << 48), CudaOutOfMemory);
  cudaMemGetInfo(&after, &all);
  CHECK(after >= before);
  const Buffer<Gpu> buffer(4);
  backend.fill(buffer.column(), 3);
  std::vector<float> host(4);
  backend.download(buffer.column(), host.data());
  CHECK(host == std::vector<float>(4, 3.0f));
}
