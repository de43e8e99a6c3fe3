// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "longhand/latent/spec.hpp"
#include "longhand/likelihood/spec.hpp"
#include "longhand/models/input_transform.hpp"
#include "longhand/optim/init.hpp"

namespace longhand {

/// Everything that says what a Vae is, apart from its weights, as plain data: configurations, files
/// and the command line speak it. One struct for six systems: an autoencoder (a CodeSpec as
/// latent), a VAE, a beta-VAE (the weight of the KL is the training's), a conditional VAE
/// (condition_dim > 0), one with a learned prior, and each with any likelihood.
struct VaeSpec {
  Index input_dim = 0;                                   ///< D, features of a sample
  NetSpec hidden = {400};                                ///< hidden stages of the encoder
  std::optional<NetSpec> decoder_hidden = std::nullopt;  ///< absent = the encoder's in reverse
  Index latent_dim = 20;  ///< J, or V, where `latent` does not say it itself
  LatentSpec latent = GaussianLatentSpec{};
  LikelihoodSpec likelihood = Bernoulli{};
  Index condition_dim = 0;  ///< C, numbers of the condition per sample
  Init init = Init::pytorch;
  std::uint64_t seed = 0;  ///< of the initial weights
  InputTransform transform = {};
  std::array<Index, 3> image = {0, 0, 0};  ///< height, width, channels; zeros = not a picture
  /// Time steps of a window: a sample is so many rows of a series, one after the other; 0 = a
  /// sample is no window.
  Index window = 0;
  /// The names of the columns of the training data, which the input has too; empty = none.
  std::vector<std::string> names = {};
  /// The names of the classes, one for each number of the condition; empty = class k is called k.
  std::vector<std::string> class_names = {};
  /// The names of the condition's numbers where they are measured numbers and stand for no classes.
  std::vector<std::string> condition_names = {};
  /// From the condition in the user's units to the numbers that the nets are given.
  InputTransform condition_transform = {};

  NetSpec decoder_net() const { return decoder_hidden ? *decoder_hidden : hidden.reversed(); }
};

/// The earlier name of a spec.
using VaeConfig = VaeSpec;

/// Throws std::invalid_argument naming the net and the field that is wrong.
inline void check_net(const char* name, const NetSpec& net) {
  for (const StageSpec& stage : net.stages) {
    require(stage.out() > 0, name, ": a stage has width ", stage.out(), ", expected at least 1");
    require(stage.dropout >= 0 && stage.dropout < 1, name, ": dropout is ", stage.dropout,
            ", expected 0 <= p < 1");
  }
}

/// The spec with its latent_dim and its latent in agreement.
inline VaeSpec agreed(VaeSpec spec) {
  if (units(spec.latent) == 0)
    std::visit([&](auto& latent) { latent.set_units(spec.latent_dim); }, spec.latent);
  spec.latent_dim = units(spec.latent);
  return spec;
}

/// The agreed spec. Throws std::invalid_argument naming the field that is wrong.
inline VaeSpec checked(VaeSpec given) {
  VaeSpec spec = agreed(std::move(given));
  require(spec.input_dim > 0, "input_dim is ", spec.input_dim, ", expected at least 1");
  require(units(spec.latent) > 0, "latent_dim is ", units(spec.latent), ", expected at least 1");
  if (const auto* choices = std::get_if<CategoricalLatentSpec>(&spec.latent))
    require(choices->classes > 1, "classes is ", choices->classes, ", expected at least 2");
  check_net("encoder", spec.hidden);
  check_net("decoder", spec.decoder_net());
  require(spec.condition_dim >= 0, "condition_dim is ", spec.condition_dim, ", expected 0 or more");
  const auto check_names = [](const char* name, const auto& names, Index count) {
    require(names.empty() || static_cast<Index>(names.size()) == count, name, " has ", names.size(),
            " entries, expected none or ", count);
  };
  check_names("names", spec.names, spec.input_dim);
  require(spec.window >= 0 && (spec.window == 0 || spec.input_dim % spec.window == 0), "window is ",
          spec.window, " time steps, expected to divide input_dim, ", spec.input_dim);
  check_names("class_names", spec.class_names, spec.condition_dim);
  check_names("condition_names", spec.condition_names, spec.condition_dim);
  require(spec.class_names.empty() || spec.condition_names.empty(),
          "class_names and condition_names are both there: a condition is one or the other");
  require(spec.condition_dim > 0 || spec.condition_transform.identity(),
          "condition_transform is there, but condition_dim is 0");
  if (const auto* gaussian = std::get_if<GaussianLatentSpec>(&spec.latent)) {
    require(gaussian->logvar_bound > 0, "logvar_bound is ", gaussian->logvar_bound,
            ", expected a positive number or infinity");
    if (const auto* learned = std::get_if<ConditionalPrior>(&gaussian->prior)) {
      check_net("prior", learned->net);
      require(spec.condition_dim > 0, "a conditional prior needs condition_dim > 0");
    }
  }
  return spec;
}

}  // namespace longhand
