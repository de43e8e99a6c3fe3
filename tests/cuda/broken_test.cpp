// SPDX-License-Identifier: MIT
// An illegal address ends the CUDA context of a process: a program of its own.
#include <doctest/doctest.h>

#include <longhand/backend/cuda.hpp>
#include <string>

using namespace longhand;

TEST_CASE("cuda: after an error that lasts every call says what happened") {
  using Gpu = Cuda<float>;
  const Gpu backend, copy = backend;
  const Buffer<Gpu> buffer(4);
  float* const nowhere = reinterpret_cast<float*>(std::uintptr_t{256});
  backend.fill({nowhere, 4, 1, 4}, 1);
  CHECK_THROWS_AS(backend.synchronize(), CudaError);
  for (int attempt = 0; attempt < 2; ++attempt) {
    try {
      copy.fill(buffer.column(), 1);
      FAIL("nothing thrown");
    } catch (const CudaError& error) {
      const std::string said = error.what();
      CHECK_MESSAGE(said.find("cannot be used any more") != said.npos, said);
      CHECK_MESSAGE(said.find("cudaErrorIllegalAddress") != said.npos, said);
    }
  }
}
