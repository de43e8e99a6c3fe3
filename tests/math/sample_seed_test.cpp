// SPDX-License-Identifier: MIT
#include "longhand/math/sample_seed.hpp"

#include <doctest/doctest.h>

TEST_CASE("sample seed: worked numbers [ELBO-2] [ELBO-3]") {
  double w_nll, w_kl;
  longhand::SampleSeed{}(3.0, 0.25, 0.5, w_nll, w_kl);
  CHECK(w_nll == 0.75);
  CHECK(w_kl == 0.375);
}

TEST_CASE("sample seed: a sample's value counts as often as its weight says") {
  double weighed;
  longhand::WeighSample{}(3.0, 2.0, weighed);
  CHECK(weighed == 6);
}
