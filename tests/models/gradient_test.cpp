// SPDX-License-Identifier: MIT
#include "longhand/gradcheck/check_model.hpp"
#include "longhand/gradcheck/doctest.hpp"
#include "models/configs.hpp"

using namespace longhand;
using namespace longhand::test;

TEST_CASE("whole model: gradient and contracts [ELBO-1] [ELBO-2] [ELBO-3] [ELBO-4]") {
  LONGHAND_CHECK(check_model("vae", small_model()));

  VaeConfig masked = small_model();
  masked.likelihood = Gaussian{0.3, OutputMap::sigmoid};
  LONGHAND_CHECK(check_model("masked, sigmoid mean", masked, {.masked = true}));

  LONGHAND_CHECK(check_model("conditional prior, learned variance, silu", conditional_model()));
}

TEST_CASE("whole model: gradient at other shapes and choices [ELBO-1] [ELBO-4]") {
  VaeConfig shallow = small_model();
  shallow.hidden = {};
  LONGHAND_CHECK(check_model("no hidden layer", shallow));

  VaeConfig wide = small_model();
  wide.hidden = {33};
  wide.input_dim = 17;
  wide.activation = Gelu{};
  LONGHAND_CHECK(check_model("wide", wide, {.batches = {9}}));

  VaeConfig dropped = small_model();
  dropped.dropout = 0.4;
  LONGHAND_CHECK(check_model("dropout", dropped));

  VaeConfig autoencoder = small_model();
  autoencoder.latent = LatentKind::deterministic;
  LONGHAND_CHECK(check_model("autoencoder", autoencoder));

  VaeConfig unbounded = small_model();
  unbounded.logvar_bound = std::numeric_limits<double>::infinity();
  LONGHAND_CHECK(check_model("no log variance bound", unbounded));

  VaeConfig cvae = small_model();
  cvae.condition_dim = 3;
  LONGHAND_CHECK(check_model("cvae, beta 4", cvae, {.beta = 4}));
}
