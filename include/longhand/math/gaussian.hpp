// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cmath>
#include <limits>

#include "longhand/core/names.hpp"
#include "longhand/math/reparameterise.hpp"

/// Gaussian likelihood, fixed and learned variance (docs/derivations/gaussian.md).
namespace longhand {

inline constexpr double kLogTwoPi = 1.83787706640934548356;

/// How the decoder's number becomes the mean: as it is, or through a sigmoid for data in [0, 1].
enum class OutputMap { identity, sigmoid };
constexpr std::array<NamedChoice<OutputMap>, 2> names_in(OutputMap) {
  return {{{OutputMap::identity, "identity"}, {OutputMap::sigmoid, "sigmoid"}}};
}

/// The map from the decoder's number a to the mean m, per element; its branch is on a member, the
/// same for a whole sweep.
struct MeanMap {
  OutputMap map = OutputMap::identity;
  template <class T>
  LONGHAND_HD T forward(const T& a) const {
    return map == OutputMap::sigmoid ? sigmoid(a) : a;  // [GAU-6]
  }
  template <class T>
  LONGHAND_HD T backward(const T& m, const T& dm) const {
    return map == OutputMap::sigmoid ? dm * m * (T(1) - m) : dm;  // [GAU-7]
  }
};

struct GaussianFixed {
  static constexpr const char* name = "gaussian";
  static constexpr int outputs = 1;
  static constexpr bool normal_noise = true;
  static constexpr double domain_min = -std::numeric_limits<double>::infinity();
  static constexpr double domain_max = std::numeric_limits<double>::infinity();

  double variance = 1;
  MeanMap mean_map;
  double half_log_two_pi_variance = 0.5 * kLogTwoPi;  ///< log(2 pi variance) / 2

  /// Decoder output a, target t -> -log N(t; m(a), variance) in nats, and its gradient by a.
  /// Error: 3 of their terms; through the sigmoid 4, where the mean's own rounding counts.
  template <class T>
  LONGHAND_HD void value_and_gradient(const T& a, const T& t, T& nll, T& da) const {
    const T m = mean_map.forward(a);
    const T residual = m - t;
    const T dm = residual / T(variance);                         // [GAU-2]
    nll = T(0.5) * residual * dm + T(half_log_two_pi_variance);  // [GAU-1]
    da = mean_map.backward(m, dm);
  }
  template <class T>
  LONGHAND_HD void mean(const T& a, T& m) const {
    m = mean_map.forward(a);
  }
  /// A draw t ~ N(m(a), variance), made of a standard normal eps.
  template <class T>
  LONGHAND_HD void draw(const T& a, const T& eps, T& t) const {
    t = mean_map.forward(a) + sqrt(T(variance)) * eps;
  }
};

struct GaussianLearned {
  static constexpr const char* name = "gaussian-learned";
  static constexpr int outputs = 2;
  static constexpr bool normal_noise = true;
  static constexpr double domain_min = -std::numeric_limits<double>::infinity();
  static constexpr double domain_max = std::numeric_limits<double>::infinity();

  MeanMap mean_map;
  LogvarBound bound;

  /// Decoder outputs a (mean) and raw (log variance before the bound), target t -> value in nats
  /// and the gradients by a and raw. Error: value and da 4 of their terms with e^-l (1 + |l|) for
  /// e^-l, draw 8.
  template <class T>
  LONGHAND_HD void value_and_gradient(const T& a, const T& raw, const T& t, T& nll, T& da,
                                      T& draw) const {
    const T m = mean_map.forward(a);
    T l;
    bound.forward(raw, l);
    const T residual = m - t;
    const T dm = residual * exp(-l);                    // [GAU-4]
    const T scaled = residual * dm;                     // residual^2 e^-l
    nll = T(0.5) * (scaled + l + T(kLogTwoPi));         // [GAU-3]
    bound.backward(l, T(0.5) * (T(1) - scaled), draw);  // [GAU-5]
    da = mean_map.backward(m, dm);
  }
  template <class T>
  LONGHAND_HD void mean(const T& a, const T& /*raw*/, T& m) const {
    m = mean_map.forward(a);
  }
  template <class T>
  LONGHAND_HD void draw(const T& a, const T& raw, const T& eps, T& t) const {
    T l;
    bound.forward(raw, l);
    t = mean_map.forward(a) + exp(T(0.5) * l) * eps;
  }
};

}  // namespace longhand
