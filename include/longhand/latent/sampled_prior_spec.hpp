// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <numbers>
#include <variant>
#include <vector>

#include "longhand/core/check.hpp"
#include "longhand/core/names.hpp"
#include "longhand/core/view.hpp"

/// Priors over a code that are used through their samples alone, as plain data: an adversarial
/// autoencoder matches its codes to one. The part of a model that draws them is
/// latent/sampled_prior.hpp.
namespace longhand {

/// N(0, scale^2 I), in any number of dimensions.
struct NormalPrior {
  static constexpr const char* name = "normal";
  double scale = 1;
};

/// Equal parts of `components` Gaussians of standard deviation `deviation`, whose means stand at
/// equal distances on a circle of `radius` around 0. It is a prior over two dimensions.
struct RingPrior {
  static constexpr const char* name = "ring";
  static constexpr Index most_components = 1024;
  Index components = 10;
  double radius = 4;
  double deviation = 0.5;
};

using SampledPriorSpec = std::variant<NormalPrior, RingPrior>;

/// Equal parts of N(mean_k, deviation^2 I): the one form that all sampled priors have [ADV-2].
struct EqualMixture {
  Index dim = 0;              ///< J
  std::vector<double> means;  ///< J x K, one mean after the other
  double deviation = 1;

  Index components() const { return static_cast<Index>(means.size()) / dim; }
  double mean(Index i, Index k) const { return means[static_cast<std::size_t>(i + k * dim)]; }
};

/// Throws std::invalid_argument naming the number that is wrong. Allocates nothing: `dim` may be
/// what a file says.
inline void check_prior(const SampledPriorSpec& spec, Index dim) {
  const auto positive = [](const char* name, double v) {
    require(v > 0 && std::isfinite(v), name, " is ", v, ", expected a positive number");
  };
  if (const auto* normal = std::get_if<NormalPrior>(&spec))
    return positive("the prior's scale", normal->scale);
  const RingPrior& ring = std::get<RingPrior>(spec);
  require(dim == 2, "a ring is a prior over 2 dimensions, the code has ", dim);
  require(ring.components > 1 && ring.components <= RingPrior::most_components, "the ring has ",
          ring.components, " components, expected 2 to ", RingPrior::most_components);
  positive("the ring's radius", ring.radius);
  positive("the ring's deviation", ring.deviation);
}

/// The mixture that `spec` describes in `dim` dimensions. Throws std::invalid_argument naming the
/// number that is wrong.
inline EqualMixture mixture_of(const SampledPriorSpec& spec, Index dim) {
  check_prior(spec, dim);
  EqualMixture mixture{dim, {}, 1};
  if (const auto* normal = std::get_if<NormalPrior>(&spec)) {
    mixture.means.assign(static_cast<std::size_t>(dim), 0.0);
    mixture.deviation = normal->scale;
    return mixture;
  }
  const RingPrior& ring = std::get<RingPrior>(spec);
  for (Index k = 0; k < ring.components; ++k) {
    const double angle =
        2 * std::numbers::pi * static_cast<double>(k) / static_cast<double>(ring.components);
    mixture.means.push_back(ring.radius * std::cos(angle));
    mixture.means.push_back(ring.radius * std::sin(angle));
  }
  mixture.deviation = ring.deviation;
  return mixture;
}

}  // namespace longhand
