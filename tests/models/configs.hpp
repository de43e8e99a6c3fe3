// SPDX-License-Identifier: MIT
#pragma once
// Models small enough to difference every entry.

#include "longhand/models/vae_config.hpp"

namespace longhand::test {

inline VaeConfig small_model() {
  return {.input_dim = 7, .hidden = {6, 5}, .activation = Tanh{}, .latent_dim = 3};
}

/// A condition, a prior with a net, a likelihood with two outputs, an activation that saves its
/// input.
inline VaeConfig conditional_model() {
  VaeConfig config = small_model();
  config.likelihood = LearnedGaussian{};
  config.condition_dim = 2;
  config.prior = PriorKind::conditional;
  config.prior_hidden = {4};
  config.activation = Silu{};
  return config;
}

}  // namespace longhand::test
