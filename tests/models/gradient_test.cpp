// SPDX-License-Identifier: MIT
#include "longhand/gradcheck/check_model.hpp"
#include "longhand/gradcheck/doctest.hpp"
#include "models/configs.hpp"
#include "support/models.hpp"

using namespace longhand;
using namespace longhand::test;

TEST_CASE("whole model: gradient and contracts [ELBO-1] [ELBO-2] [ELBO-3] [ELBO-4]") {
  LONGHAND_CHECK(check_model("vae", small_model()));

  VaeSpec masked = small_model();
  masked.likelihood = Gaussian{.variance = 0.3, .output = OutputMap::sigmoid};
  LONGHAND_CHECK(check_model("masked, sigmoid mean", masked, {.masked = true}));

  LONGHAND_CHECK(check_model("conditional prior, learned variance, silu", conditional_model()));
}

TEST_CASE("whole model: gradient at other shapes and choices [ELBO-1] [ELBO-4]") {
  VaeSpec shallow = small_model();
  shallow.hidden = {};
  LONGHAND_CHECK(check_model("no hidden layer", shallow));

  VaeSpec wide = small_model();
  wide.input_dim = 17;
  wide.hidden = mlp({33}, Gelu{});
  LONGHAND_CHECK(check_model("wide", wide, {.batches = {9}}));

  VaeSpec dropped = small_model();
  dropped.hidden = mlp({6, 5}, Tanh{}, 0.4);
  LONGHAND_CHECK(check_model("dropout", dropped));

  VaeSpec autoencoder = small_model();
  autoencoder.latent_dim = 3;
  autoencoder.latent = CodeSpec{};
  LONGHAND_CHECK(check_model("autoencoder", autoencoder));

  VaeSpec unbounded = small_model();
  unbounded.latent_dim = 3;
  unbounded.latent = GaussianLatentSpec{.logvar_bound = std::numeric_limits<double>::infinity()};
  LONGHAND_CHECK(check_model("no log variance bound", unbounded));

  VaeSpec cvae = small_model();
  cvae.condition_dim = 3;
  LONGHAND_CHECK(check_model("cvae, beta 4", cvae, {.beta = 4}));
}
