// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <string>
#include <variant>

#include "longhand/io/model_header.hpp"

/// The kinds of models that the program knows: the only place that lists them. A kind is a spec
/// that files can hold (longhand/io/model_header.hpp), with the functions below and model_on() of
/// model_of.hpp.
namespace longhand::cli {

using ModelSpec = std::variant<VaeSpec>;

/// The model that a file with a description holds: file.header.kind tells the kinds apart.
inline ModelSpec spec_in(const io::ModelFile& file) { return io::spec_of<VaeSpec>(file); }

/// One line of `info`.
struct InfoLine {
  std::string name;
  std::string value;
};

// ---- the Vae ------------------------------------------------------------------------------------

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
std::vector<InfoLine> info_lines(const VaeSpec& spec);

}  // namespace longhand::cli
