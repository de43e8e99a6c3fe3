// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>

#include "longhand/core/view.hpp"
#include "longhand/math/gaussian_kl.hpp"
#include "longhand/math/scalar.hpp"

/// Categorical latent variables and their relaxation (docs/derivations/categorical.md). A matrix of
/// logits is K x (V N): one variable per column, one class per row. Softmax and arg max of columns
/// are primitives of the backend; what is here are the formulas around them, which are swept by
///
///   forward   softmax_columns(l, q, lse)                                 K x VN
///             fill_uniform(…, a, then(PerturbLogit, {l, tau, a}, {a}))   KV x N
///             softmax_columns(a, y, {}); one_hot_columns(a, z) where z is to be hard
///   backward  reduce_columns(UniformKl, {q, l, lse}) -> kl               K x VN, one per variable
///             reduce_columns(SumAndSpread, {kl, w}, {w_variable}) -> KL  V x N, one per sample
///             reduce_columns(SoftmaxDot, {y, dy}) -> s                   K x VN
///             for_each(CategoricalBackward, …) -> dl                     K x VN
namespace longhand {

/// Standard Gumbel noise -log(-log u) from a uniform u in (0, 1). Error: 4 of 1 + |g|, for u on the
/// grid of core/uniform.hpp: there u and 1 - u are exact, so that log u keeps all its digits next
/// to 1, and -2.82 <= g <= 16.64.
template <class T>
LONGHAND_HD T gumbel(const T& u) {
  return -log(-log(u));  // [CAT-4]
}

/// A logit with noise, at a temperature: the softmax of the column is the relaxed sample, the place
/// of its largest number the exact one. Error: 6 of (|l| + 1 + |g|) / tau.
struct PerturbLogit {
  template <class T>
  LONGHAND_HD void operator()(const T& logit, const T& tau, const T& u, T& a) const {
    a = (logit + gumbel(u)) / tau;  // [CAT-5]
  }
};

/// s = sum_k y_k dy_k is what the backward of a softmax needs of the whole column.
struct SoftmaxDot {
  template <class T>
  LONGHAND_HD void operator()(const T& y, const T& dy, T& s) const {
    s = y * dy;  // [CAT-3]
  }
};

/// Adds what y = softmax(l / tau) passes down to what is in dl already: y, dy, s (per column), tau,
/// dl -> dl. Error: 3 of |dl| + |y| (|dy| + |s|) / tau.
struct SoftmaxBackward {
  template <class T>
  LONGHAND_HD void operator()(const T& y, const T& dy, const T& s, const T& tau, const T& before,
                              T& dl) const {
    dl = before + y * (dy - s) / tau;  // [CAT-3]
  }
};

/// KL of q = softmax(l) to the uniform distribution over K classes, and its gradient. Both are
/// functions of q and of lambda = log(K q) = (l - lse) + log K, which is off by a rounding of each
/// of its terms and by the error of lse. A logit of -inf makes them NaN.
struct UniformKl {
  double log_classes = 0.69314718055994530942;  ///< log K
  double probability = 0.5;                     ///< 1 / K

  static UniformKl over(Index classes) {
    return {std::log(static_cast<double>(classes)), 1 / static_cast<double>(classes)};
  }

  template <class T>
  LONGHAND_HD T log_ratio(const T& logit, const T& lse) const {
    return (logit - lse) + T(log_classes);
  }
  /// The summand of one class, in nats, never negative: q (e^-lambda - 1 + lambda), whose sum over
  /// the classes is that of q lambda. Error: with lambda exact, 8 of itself below 1/2, 4 of
  /// q (1 + |lambda|) + 1 / K above; that of lambda costs |q - 1 / K| or q times as much.
  template <class T>
  LONGHAND_HD void operator()(const T& q, const T& logit, const T& lse, T& kl) const {
    const T lambda = log_ratio(logit, lse);
    const T near = q * expm1_minus_series(-lambda);
    const T far = q * lambda - (q - T(probability));
    kl = choose(abs(lambda) < T(0.5), near, far);  // [CAT-10]
  }
  /// kl is the sum over the column, w its weight (dL/dKL). Error: 3 of w q (|lambda| + kl), with
  /// lambda exact.
  template <class T>
  LONGHAND_HD void gradient(const T& q, const T& logit, const T& lse, const T& kl, const T& w,
                            T& dl) const {
    dl = w * q * (log_ratio(logit, lse) - kl);  // [CAT-11]
  }
};

/// The gradient of UniformKl without its value.
struct UniformKlGradient {
  UniformKl prior;
  template <class T>
  LONGHAND_HD void operator()(const T& q, const T& logit, const T& lse, const T& kl, const T& w,
                              T& dl) const {
    prior.gradient(q, logit, lse, kl, w, dl);
  }
};

/// From one number per variable to one per sample, and back: the sum of the variables' KL, while
/// the sample's weight goes to each of its variables.
struct SumAndSpread {
  template <class T>
  LONGHAND_HD void operator()(const T& kl, const T& w, T& w_variable, T& summand) const {
    w_variable = w;
    summand = kl;
  }
};

/// What one class adds to log q(z) - log p(z) at a one-hot draw: lambda of the class that was
/// drawn.
struct DrawnLogRatio {
  UniformKl prior;
  template <class T>
  LONGHAND_HD void operator()(const T& z, const T& logit, const T& lse, T& summand) const {
    summand = choose(z > T(0), prior.log_ratio(logit, lse), T(0));  // [CAT-14]
  }
};

/// All that reaches the logits in one sweep: the KL, and z through the softmax.
struct CategoricalBackward {
  UniformKl prior;
  template <class T>
  LONGHAND_HD void operator()(const T& q, const T& logit, const T& lse, const T& kl, const T& w,
                              const T& y, const T& dy, const T& s, const T& tau, T& dl) const {
    T of_kl;
    prior.gradient(q, logit, lse, kl, w, of_kl);
    SoftmaxBackward{}(y, dy, s, tau, of_kl, dl);
  }
};

}  // namespace longhand
