// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <string>
#include <variant>

#include "longhand/core/check.hpp"
#include "longhand/math/bernoulli.hpp"
#include "longhand/math/gaussian.hpp"

/// Likelihoods as plain data, without a backend: what a configuration, a file and the command line
/// say. formula() gives the mathematics of one element; likelihood/per_element.hpp computes with
/// it.
namespace longhand {

/// x in {0, 1} (or grey values in [0, 1], then a loss and not a density); the decoder emits logits.
struct Bernoulli {
  static constexpr const char* name = "bernoulli";
  BernoulliLogits formula() const { return {}; }
};

/// x ~ N(mean, variance I) with a fixed variance: squared error with its scale stated.
struct Gaussian {
  static constexpr const char* name = "gaussian";
  double variance = 1;
  OutputMap output = OutputMap::identity;  ///< from the decoder's number to the mean

  /// Throws std::invalid_argument unless variance is positive and finite.
  GaussianFixed formula() const {
    require(variance > 0 && std::isfinite(variance), "likelihood variance is ", variance,
            ", expected a positive number");
    return {variance, {output}, 0.5 * (kLogTwoPi + std::log(variance))};
  }
};

/// x_i ~ N(mean_i, exp(logvar_i)); the decoder emits both per feature.
struct LearnedGaussian {
  static constexpr const char* name = "gaussian-learned";
  OutputMap output = OutputMap::identity;
  double logvar_bound = 15;  ///< c of [REP-1]; infinity = none

  GaussianLearned formula() const { return {{output}, {logvar_bound}}; }
};

/// A likelihood that is a type of the user's program: it has no description that a file could hold.
struct CustomLikelihood {
  std::string name;
};

/// longhand's own likelihoods: those that a file can hold and the command line can name.
using OwnLikelihoodSpec = std::variant<Bernoulli, Gaussian, LearnedGaussian>;

namespace detail {
template <class... Own>
std::variant<Own..., CustomLikelihood> with_custom(const std::variant<Own...>&);
}
using LikelihoodSpec = decltype(detail::with_custom(OwnLikelihoodSpec{}));

inline std::string name_of(const LikelihoodSpec& likelihood) {
  return std::visit([](const auto& l) { return std::string(l.name); }, likelihood);
}

/// Numbers that the decoder emits per feature.
inline Index outputs_per_feature(const LikelihoodSpec& likelihood) {
  return std::visit(
      []<class L>(const L& l) -> Index {
        if constexpr (std::is_same_v<L, CustomLikelihood>) {
          require(false, "the likelihood '", l.name, "' is a type of the program that made it");
          return 0;
        } else {
          return decltype(l.formula())::outputs;
        }
      },
      likelihood);
}

}  // namespace longhand
