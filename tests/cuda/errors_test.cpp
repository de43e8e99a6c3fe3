// SPDX-License-Identifier: MIT
// The library longhand_cuda where there is no device, which is where most people first meet it.
#include <doctest/doctest.h>

#include <cstdlib>
#include <longhand/backend/cuda.hpp>
#include <longhand/core/replay.hpp>
#include <string>

using namespace longhand;

// What a backend need not have is used where it is there: here it is, spelled as it is asked for.
static_assert(requires(const Cuda<float> backend, Cuda<float>::Scratch& scratch,
                       View<Cuda<float>> y, ConstView<Cuda<float>> x) {
  backend.multiply_and_sum_rows(scratch, x, x, y, Store::assign, y, Store::assign);
  backend.aside([](const Cuda<float>&) {});
  backend.join();
});
static_assert(Records<Cuda<float>>);

namespace {

template <class Call>
std::string said_by(const Call& call) {
  try {
    call();
  } catch (const CudaError& error) {
    return error.what();
  }
  return "(nothing thrown)";
}

}  // namespace

TEST_CASE("cuda: no device is one clear sentence") {
  setenv("CUDA_VISIBLE_DEVICES", "", 1);  // before CUDA looks, also where there is one
  const std::string reason = cuda::unavailable();
  CHECK(reason.starts_with("there is no CUDA "));
  CHECK_THROWS_AS(Cuda<float>(), NoCudaDevice);
  CHECK(said_by([] { Cuda<float>{Precision::tf32}; }) == "longhand: " + reason);
  const std::string said = said_by([] { Buffer<Cuda<float>>(5); });
  CHECK_MESSAGE(said.starts_with("longhand: allocating 20 bytes on the device: "), said);
}

TEST_CASE("cuda: an error that lasts is remembered, another is not") {
  cuda::Health health;
  CHECK(said_by([&] { health.fail("multiply of 2 x 3: refused", false); }) ==
        "longhand: multiply of 2 x 3: refused");
  health.require_sound();
  CHECK(said_by([&] { health.fail("for_each of 4 x 5: illegal address", true); }) ==
        "longhand: for_each of 4 x 5: illegal address");
  CHECK(said_by([&] { health.fail("a later one", true); }) == "longhand: a later one");
  for (int call = 0; call < 2; ++call)
    CHECK(said_by([&] { health.require_sound(); }) ==
          "longhand: this CUDA backend cannot be used any more, since for_each of 4 x 5: illegal "
          "address");
}
