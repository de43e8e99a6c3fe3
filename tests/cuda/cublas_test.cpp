// SPDX-License-Identifier: MIT
// cuBLAS is found by name when the first engine is made; here, whether the names are right.
#include "../../cuda/cublas.hpp"

#include <doctest/doctest.h>

using longhand::cuda::Cublas;

TEST_CASE("cublas: every function that is called is there") {
  const Cublas& library = Cublas::library();  // throws at the first that is missing
  CHECK(longhand::cuda::text_of(CUBLAS_STATUS_SUCCESS) == "success (CUBLAS_STATUS_SUCCESS)");
  CHECK(&Cublas::library() == &library);
}
