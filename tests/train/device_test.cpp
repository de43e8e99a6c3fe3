// SPDX-License-Identifier: MIT
// Everything above the backend on memory that the host cannot read: FakeDevice ends the program
// with a segmentation fault where somebody looks anyway, and refuses addresses of the host.
#include <doctest/doctest.h>

#include "backend/fake_device.hpp"
#include "longhand/backend/cpu.hpp"
#include "train/journey.hpp"

namespace {

using namespace longhand;
using namespace longhand::test;

}  // namespace

// The journeys of the device's kernels and of the CPU differ by rounding, which a few steps of
// training make grow, but not past 1e-3 of a number of size 1.
TEST_CASE("device memory: training, validation, evaluation, sampling, scores, of every kind") {
  for (const Journey& j : all_journeys()) {
    const Index before = FakeMemory::live();
    const std::vector<double> got = journey(FakeDevice(), j);
    CHECK(journey(FakeDevice(FakeDevice::Order::backwards), j) == got);
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
  const VaeConfig config{.input_dim = dim, .hidden = {12}, .latent_dim = 3, .seed = 2};
  for (const Binarize binarize : {Binarize::none, Binarize::dynamic}) {
    const auto outcome = [&](const auto& x) {
      Data<float> data;
      data.input = samples_in_memory(x.data(), rows, dim);
      return journey(FakeDevice(), config, {.epochs = 2, .batch = 8, .binarize = binarize}, data);
    };
    CHECK(outcome(bytes) == outcome(numbers));
  }
  Data<float> data;
  data.input = samples_in_memory(bytes.data(), rows, dim);
  const ResidentData<FakeDevice> resident(FakeDevice(), data);
  CHECK(std::get<Bytes<FakeDevice>>(resident.input()).size() == rows * dim);
}

TEST_CASE("device memory: a step of the classic model is the list of docs/backends.md") {
  const FakeDevice on;
  Vae<FakeDevice> vae({.input_dim = 784, .hidden = {400}, .latent_dim = 20}, on);
  std::vector<FakeDevice::Work> after;  // every step
  TrainOptions options{.epochs = 1, .batch = 2};
  options.on_step = [&](const StepReport&) { after.push_back(on.work()); };
  Trainer<Vae<FakeDevice>>(vae, options).fit(grey(4, 784, 0, false));
  REQUIRE(after.size() == 2);
  CHECK(after[1].products - after[0].products == 11);
  CHECK(after[1].kernels - after[0].kernels == 21);
  CHECK(after[1].uploads - after[0].uploads == 2);
  CHECK(after[1].downloads - after[0].downloads == 3);
}

TEST_CASE("device memory: a loss that is not finite is found, the weights restored") {
  Data<float> data = grey(20, 4, 0, false);
  Vae<FakeDevice> vae({.input_dim = 4, .hidden = {5}, .latent_dim = 2});
  std::vector<float> before(static_cast<std::size_t>(vae.params().flat().size()));
  vae.on().download(vae.params().flat(), before.data());
  try {
    Trainer<Vae<FakeDevice>>(vae, {.epochs = 1, .batch = 5, .learning_rate = 1e30}).fit(data);
    FAIL("nothing thrown");
  } catch (const NonFinite& error) {
    CHECK(error.step > 0);
  }
  std::vector<float> after(before.size());
  vae.on().download(vae.params().flat(), after.data());
  CHECK(after == before);
}

TEST_CASE("device memory: an address of the host is refused") {
  float number = 1;
  const Buffer<FakeDevice> buffer(4);
  CHECK_THROWS_AS(FakeDevice().for_each(
                      WeighRow{}, in<FakeDevice>(buffer.column(), scalar_at<FakeDevice>(&number)),
                      out<FakeDevice>(buffer.column())),
                  std::logic_error);
}
