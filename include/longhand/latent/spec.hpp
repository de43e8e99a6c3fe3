// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "longhand/core/names.hpp"
#include "longhand/layers/net_spec.hpp"

/// Latents as plain data, without a backend: what a configuration, a file and the command line say.
/// The parts of a model that compute with them are latent/gaussian.hpp and its neighbours.
namespace longhand {

/// p(z) = N(0, I).
struct StandardNormal {
  static constexpr const char* name = "standard-normal";
};
/// p(z given c) = N(mu_p, diag exp(logvar_p)), both from a net on the condition.
struct ConditionalPrior {
  static constexpr const char* name = "conditional";
  NetSpec net = {};
};
using PriorSpec = std::variant<StandardNormal, ConditionalPrior>;

/// q(z given x) = N(mu, diag sigma^2), with an analytic KL to its prior.
struct GaussianLatentSpec {
  static constexpr const char* name = "gaussian";
  static constexpr bool has_density = true;
  Index dim = 0;             ///< J, latent dimensions; 0: what VaeSpec::latent_dim says
  double logvar_bound = 15;  ///< c of [REP-1]; infinity = none
  PriorSpec prior = StandardNormal{};

  Index units() const { return dim; }
  void set_units(Index count) { dim = count; }
  Index z_rows() const { return dim; }
  OutputSpec head() const { return {{{"mu", dim}, {"logvar", dim}}}; }
};

/// z is the head itself, as in an autoencoder: no q, hence no KL and no sampling.
struct CodeSpec {
  static constexpr const char* name = "code";
  static constexpr bool has_density = false;
  Index dim = 0;  ///< J, numbers of the code; 0: what VaeSpec::latent_dim says

  Index units() const { return dim; }
  void set_units(Index count) { dim = count; }
  Index z_rows() const { return dim; }
  OutputSpec head() const { return {{{"mu", dim}}}; }
};

/// What stands in for the derivative of a choice while training.
enum class Estimator {
  gumbel,            ///< the code is a relaxed sample, and the gradient is exact for it
  straight_through,  ///< the code is one-hot, the gradient that of the relaxed sample
};

constexpr std::array<NamedChoice<Estimator>, 2> names_in(Estimator) {
  return {{{Estimator::gumbel, "gumbel"}, {Estimator::straight_through, "straight-through"}}};
}

/// q(z given x) = V independent choices among K classes, with an analytic KL to the uniform prior.
struct CategoricalLatentSpec {
  static constexpr const char* name = "categorical";
  static constexpr bool has_density = true;
  Index variables = 0;  ///< V; 0: what VaeSpec::latent_dim says
  Index classes = 10;   ///< K, at least 2
  Estimator estimator = Estimator::gumbel;

  Index units() const { return variables; }
  void set_units(Index count) { variables = count; }
  Index z_rows() const { return variables * classes; }
  OutputSpec head() const { return {{{"logits", variables * classes}}}; }
};

using LatentSpec = std::variant<GaussianLatentSpec, CodeSpec, CategoricalLatentSpec>;

/// The classes of a categorical latent's variables, 0 for others.
inline Index classes_of(const LatentSpec& latent) {
  const auto* choices = std::get_if<CategoricalLatentSpec>(&latent);
  return choices == nullptr ? 0 : choices->classes;
}
/// Latent dimensions, or variables, of any latent.
inline Index units(const LatentSpec& latent) {
  return std::visit([](const auto& l) { return l.units(); }, latent);
}
/// Numbers of z per sample, of any latent.
inline Index z_rows(const LatentSpec& latent) {
  return std::visit([](const auto& l) { return l.z_rows(); }, latent);
}
/// Whether q(z given x) has a density, without which there is no bound of log p(x) and nothing to
/// sample from.
inline bool has_density(const LatentSpec& latent) {
  return std::visit([](const auto& l) { return l.has_density; }, latent);
}
inline OutputSpec head_of(const LatentSpec& latent) {
  return std::visit([](const auto& l) { return l.head(); }, latent);
}
template <class Spec>
requires requires(const Spec& spec) { spec.head(); }
OutputSpec head_of(const Spec& latent) { return latent.head(); }

}  // namespace longhand
