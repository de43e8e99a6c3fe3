// SPDX-License-Identifier: MIT
#pragma once
#include <type_traits>
#include <variant>

#include "longhand/core/params.hpp"
#include "longhand/latent/any.hpp"
#include "longhand/layers/net.hpp"
#include "longhand/models/vae_spec.hpp"

namespace longhand {

/// The parts of a Vae that own parameters.
template <class NetType, class Latent>
struct VaeParts {
  NetType encoder;
  NetType decoder;
  Latent latent;
};

/// The spec of a latent of type Latent: the choice itself for one that is made at run time. Throws
/// std::invalid_argument if the spec names another latent.
template <class Latent>
typename Latent::Spec latent_spec(const VaeSpec& spec) {
  if constexpr (std::is_same_v<typename Latent::Spec, LatentSpec>) {
    return spec.latent;
  } else {
    const auto* named = std::get_if<typename Latent::Spec>(&spec.latent);
    require(named != nullptr, "the spec has another latent than the model's type");
    return *named;
  }
}

/// Builds the parts on a layout, in the order that decides the places and names of all parameters
/// and the numbers of all noise streams. output_rows: what the likelihood wants of the decoder.
template <class NetType, class Latent>
VaeParts<NetType, Latent> build_parts(ParamLayout& layout, const VaeSpec& spec, Index output_rows) {
  const Index C = spec.condition_dim;
  VaeParts<NetType, Latent> parts;
  layout.begin_segment("encoder");
  parts.encoder = NetType(layout, "encoder", spec.input_dim + C, spec.hidden, head_of(spec.latent));
  layout.begin_segment("decoder");
  parts.decoder =
      NetType(layout, "decoder", z_rows(spec.latent) + C, spec.decoder_net(), outputs(output_rows));
  parts.latent = Latent(layout, latent_spec<Latent>(spec), C);
  return parts;
}

namespace detail {
/// A backend in name only: parts on it can say which parameters they have, and compute nothing.
struct LayoutOnly {
  using Scalar = float;
  struct Memory {};
};
}  // namespace detail

/// Names, shapes and places of the parameters of the Vae that `spec` describes, without making it.
/// Throws std::invalid_argument naming the field that is wrong.
inline ParamLayout layout_of(const VaeSpec& spec) {
  const VaeSpec right = checked(spec);
  ParamLayout layout;
  build_parts<Net<detail::LayoutOnly>, AnyLatent<detail::LayoutOnly>>(
      layout, right, right.input_dim * outputs_per_feature(right.likelihood));
  return layout;
}

}  // namespace longhand
