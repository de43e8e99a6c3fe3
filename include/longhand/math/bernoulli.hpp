// SPDX-License-Identifier: MIT
#pragma once
#include "longhand/math/scalar.hpp"

/// Bernoulli likelihood from logits (docs/derivations/bernoulli.md).
namespace longhand {

struct BernoulliLogits {
  static constexpr const char* name = "bernoulli";
  static constexpr int outputs = 1;            ///< decoder outputs per data element
  static constexpr bool normal_noise = false;  ///< draw() takes a uniform
  static constexpr double domain_min = 0;      ///< targets must lie in [domain_min, domain_max]
  static constexpr double domain_max = 1;

  /// From a logit a and a target t in [0, 1]: -log p(t | a) of one element, in nats, and its
  /// gradient by a.
  /// Error: value 2 of nll + max(a, 0) + |a| t, gradient 2 of s(a) + t.
  template <class T>
  LONGHAND_HD void value_and_gradient(const T& a, const T& t, T& nll, T& da) const {
    const T e = exp(-abs(a));
    const T q = T(1) / (T(1) + e);
    nll = choose(a > T(0), a, T(0)) - a * t + log1p_unit(e);  // [BER-2]
    da = choose(a > T(0), q, e * q) - t;                      // [BER-3]
  }
  /// E[t | a]. Error: 4.
  template <class T>
  LONGHAND_HD void mean(const T& a, T& m) const {
    m = sigmoid(a);  // [BER-4]
  }
  /// A draw t in {0, 1}, made of a uniform u in (0, 1).
  template <class T>
  LONGHAND_HD void draw(const T& a, const T& u, T& t) const {
    t = choose(u < sigmoid(a), T(1), T(0));
  }
};

}  // namespace longhand
