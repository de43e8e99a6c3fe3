// SPDX-License-Identifier: MIT
#pragma once
#include <type_traits>
#include <utility>
#include <variant>

#include "longhand/latent/sampled_prior_spec.hpp"
#include "longhand/models/vae_layout.hpp"

namespace longhand {

/// Everything that says what an adversarial autoencoder is, apart from its weights, as plain data:
/// an autoencoder, the prior that its codes are to follow, and the discriminator that tells the two
/// apart.
struct AaeSpec {
  /// Input, encoder, decoder, likelihood and latent, which is a CodeSpec (z is the encoder's
  /// output) or a GaussianLatentSpec (z is drawn, as in a Vae; there is no KL). It has no
  /// condition.
  VaeSpec autoencoder = {.latent = CodeSpec{}};
  SampledPriorSpec prior = NormalPrior{};
  NetSpec discriminator = {1000, 1000};  ///< its hidden stages; one logit follows
};

/// The spec, its latent's size and latent_dim in agreement. Throws std::invalid_argument naming the
/// field that is wrong.
inline AaeSpec checked(AaeSpec spec) {
  spec.autoencoder = checked(std::move(spec.autoencoder));
  const LatentSpec& latent = spec.autoencoder.latent;
  require(!std::holds_alternative<CategoricalLatentSpec>(latent),
          "an adversarial autoencoder's latent is a code or gaussian, not categorical");
  require(spec.autoencoder.condition_dim == 0, "an adversarial autoencoder has no condition, ",
          "condition_dim is ", spec.autoencoder.condition_dim);
  check_net("discriminator", spec.discriminator);
  check_prior(spec.prior, z_rows(latent));
  return spec;
}

/// The parts of an Aae that own parameters.
template <class NetType, class Latent>
struct AaeParts : VaeParts<NetType, Latent> {
  NetType discriminator;
};

/// Builds the parts on a layout, those of the autoencoder first: as build_parts of a Vae.
template <class NetType, class Latent>
AaeParts<NetType, Latent> build_parts(ParamLayout& layout, const AaeSpec& spec, Index output_rows) {
  AaeParts<NetType, Latent> parts{
      build_parts<NetType, Latent>(layout, spec.autoencoder, output_rows), {}};
  layout.begin_segment("discriminator");
  parts.discriminator = NetType(layout, "discriminator", z_rows(spec.autoencoder.latent),
                                spec.discriminator, outputs(1));
  return parts;
}

/// Names, shapes and places of the parameters of the Aae that `spec` describes, without making it.
/// Throws std::invalid_argument naming the field that is wrong.
inline ParamLayout layout_of(const AaeSpec& spec) {
  const AaeSpec right = checked(spec);
  ParamLayout layout;
  build_parts<Net<detail::LayoutOnly>, AnyLatent<detail::LayoutOnly>>(
      layout, right,
      right.autoencoder.input_dim * outputs_per_feature(right.autoencoder.likelihood));
  return layout;
}

}  // namespace longhand
