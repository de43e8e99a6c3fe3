// SPDX-License-Identifier: MIT
#pragma once
#include "longhand/math/scalar.hpp"

/// KL(q || p) between diagonal Gaussians, per dimension, in nats
/// (docs/derivations/gaussian_kl.md).
namespace longhand {

/// expm1(x) - x, never negative. Near 0 the difference cancels (4.7% wrong in float at 1e-3 when
/// written with exp), so a series takes over there.
template <class T>
LONGHAND_HD T expm1_minus(const T& x) {
  const T series = x * x * (T(0.5) + x * (T(1.0 / 6) + x * (T(1.0 / 24) + x * T(1.0 / 120))));
  return choose(abs(x) < T(0.01), series, expm1(x) - x);  // [KL-9]
}

/// p = N(0, I).
struct StandardNormalKl {
  /// mu, logvar of q; w = weight of this row (dL/dKL) -> dmu, dlogvar, and the KL itself.
  template <class T>
  LONGHAND_HD void operator()(const T& mu, const T& logvar, const T& w, T& dmu, T& dlogvar,
                              T& kl) const {
    kl = T(0.5) * (mu * mu + expm1_minus(logvar));  // [KL-1]
    dmu = w * mu;                                   // [KL-2]
    dlogvar = w * T(0.5) * expm1(logvar);           // [KL-3]
  }
};

/// p = N(mu_p, exp(logvar_p)), given by a net on the condition.
struct ConditionalKl {
  template <class T>
  LONGHAND_HD void operator()(const T& mu, const T& logvar, const T& mu_p, const T& logvar_p,
                              const T& w, T& dmu, T& dlogvar, T& dmu_p, T& dlogvar_p, T& kl) const {
    const T d = logvar - logvar_p;
    const T delta = mu - mu_p;
    const T scaled = delta * exp(-logvar_p);
    kl = T(0.5) * (expm1_minus(d) + delta * scaled);     // [KL-4]
    dmu = w * scaled;                                    // [KL-5]
    dlogvar = w * T(0.5) * expm1(d);                     // [KL-6]
    dmu_p = -dmu;                                        // [KL-7]
    dlogvar_p = -dlogvar - w * T(0.5) * delta * scaled;  // [KL-8]
  }
};

}  // namespace longhand
