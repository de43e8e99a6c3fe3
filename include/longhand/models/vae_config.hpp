// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "longhand/layers/activation.hpp"
#include "longhand/likelihood/any.hpp"
#include "longhand/models/input_transform.hpp"
#include "longhand/optim/init.hpp"

namespace longhand {

enum class LatentKind { gaussian, deterministic };
enum class PriorKind { standard_normal, conditional };

/// Everything that says what a model is, apart from its weights. Six systems in one struct: an
/// autoencoder (latent = deterministic), a VAE, a beta-VAE (the weight is the trainer's), a
/// conditional VAE (condition_dim > 0), one with a learned prior, and each with any likelihood.
struct VaeConfig {
  Index input_dim = 0;                ///< D, numbers per row of data
  std::vector<Index> hidden = {400};  ///< widths of the encoder's hidden layers
  /// Widths of the decoder's; absent = the encoder's in reverse.
  std::optional<std::vector<Index>> decoder_hidden = std::nullopt;
  Activation activation = Relu{};
  Index latent_dim = 20;
  LatentKind latent = LatentKind::gaussian;
  AnyLikelihood likelihood = Bernoulli{};
  Index condition_dim = 0;  ///< C, numbers of the condition per row
  PriorKind prior = PriorKind::standard_normal;
  std::vector<Index> prior_hidden = {};  ///< hidden layers of a conditional prior's net
  double logvar_bound = 15;              ///< c of [REP-1]; infinity = none
  double dropout = 0;
  Init init = Init::pytorch;
  std::uint64_t seed = 0;  ///< of the initial weights
  InputTransform transform = {};
  std::array<Index, 3> image = {0, 0, 0};  ///< height, width, channels; zeros = not a picture

  std::vector<Index> decoder_widths() const {
    return decoder_hidden ? *decoder_hidden : std::vector<Index>(hidden.rbegin(), hidden.rend());
  }
};

}  // namespace longhand
