// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <string>
#include <variant>
#include <vector>

#include "failure.hpp"
#include "longhand/io/model_header.hpp"

/// The kinds of models that the program knows: the only place that lists them. A kind is a spec
/// that files can hold (longhand/io/model_header.hpp), with the functions below and model_on() of
/// model_of.hpp.
namespace longhand::cli {

using ModelSpec = std::variant<VaeSpec, AaeSpec>;

/// The model that a file with a description holds: file.header.kind tells the kinds apart.
inline ModelSpec spec_in(const io::ModelFile& file) {
  if (file.header.kind == io::kind_of(AaeSpec{})) return io::spec_of<AaeSpec>(file);
  return io::spec_of<VaeSpec>(file);
}

/// One line of `info`.
struct InfoLine {
  std::string name;
  std::string value;
};

// ---- the Vae ------------------------------------------------------------------------------------

/// The part of a spec that all kinds have: what goes in and comes out.
inline const VaeSpec& autoencoder_of(const VaeSpec& spec) { return spec; }
inline VaeSpec& autoencoder_of(VaeSpec& spec) { return spec; }
inline const std::array<Index, 3>& image_of(const VaeSpec& spec) { return spec.image; }
/// Whether the likelihood is one of 0 and 1, and no density of other numbers.
inline bool is_binary(const VaeSpec& spec) {
  return std::holds_alternative<Bernoulli>(spec.likelihood);
}
/// Whether the codes are relaxed in training, so that what looks like the bound is none.
inline bool trains_on_surrogate(const VaeSpec& spec) {
  const auto* choices = std::get_if<CategoricalLatentSpec>(&spec.latent);
  return choices != nullptr && choices->estimator == Estimator::gumbel;
}
/// Classes of each categorical latent variable, 0 for other latents.
inline Index classes_of(const VaeSpec& spec) { return longhand::classes_of(spec.latent); }
/// Outputs of the decoder per number of a sample.
inline Index outputs_per_number(const VaeSpec& spec) {
  return outputs_per_feature(spec.likelihood);
}
/// Why a training keeps the weights of the epoch it keeps. `tolerance`: the fraction of the least
/// loss by which an epoch's may be larger.
inline std::string why_kept(const VaeSpec&, double /*tolerance*/) { return "the best"; }
std::vector<InfoLine> info_lines(const VaeSpec& spec);

// ---- the Aae ------------------------------------------------------------------------------------

inline const VaeSpec& autoencoder_of(const AaeSpec& spec) { return spec.autoencoder; }
inline VaeSpec& autoencoder_of(AaeSpec& spec) { return spec.autoencoder; }
inline const std::array<Index, 3>& image_of(const AaeSpec& spec) {
  return image_of(spec.autoencoder);
}
inline bool is_binary(const AaeSpec& spec) { return is_binary(spec.autoencoder); }
inline bool trains_on_surrogate(const AaeSpec&) { return false; }
inline Index classes_of(const AaeSpec& spec) { return classes_of(spec.autoencoder); }
inline Index outputs_per_number(const AaeSpec& spec) {
  return outputs_per_number(spec.autoencoder);
}
inline std::string why_kept(const AaeSpec&, double tolerance) {
  return text("within ", 100 * tolerance,
              "% of the best reconstruction, codes nearest to the prior");
}
std::vector<InfoLine> info_lines(const AaeSpec& spec);

}  // namespace longhand::cli
