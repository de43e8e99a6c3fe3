// SPDX-License-Identifier: MIT
#pragma once
// Models small enough to difference every entry.

#include "longhand/models/vae_spec.hpp"

namespace longhand::test {

inline VaeSpec small_model() {
  return {.input_dim = 7, .hidden = mlp({6, 5}, Tanh{}), .latent_dim = 3};
}

/// A condition, a prior with a net, a likelihood with two outputs, an activation that saves its
/// input.
inline VaeSpec conditional_model() {
  VaeSpec spec = small_model();
  spec.hidden = mlp({6, 5}, Silu{});
  spec.latent_dim = 3;
  spec.latent = GaussianLatentSpec{.prior = ConditionalPrior{mlp({4}, Silu{})}};
  spec.likelihood = LearnedGaussian{};
  spec.condition_dim = 2;
  return spec;
}

}  // namespace longhand::test
