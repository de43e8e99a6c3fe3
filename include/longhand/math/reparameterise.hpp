// SPDX-License-Identifier: MIT
#pragma once
#include <limits>

#include "longhand/math/scalar.hpp"

/// z = mu + sigma eps and the bound on log sigma^2 (docs/derivations/reparameterisation.md).
namespace longhand {

/// The stored quantity is a log variance; an unbounded one overflows exp in the KL. The bound is
/// smooth, so its derivative never vanishes abruptly, and feeds sampling and KL alike.
/// c = infinity means no bound. Error: value 5, slope 4 of dlogvar (1 + (logvar / c)^2).
struct LogvarBound {
  static constexpr double kNone = std::numeric_limits<double>::infinity();
  double c = 15;

  template <class T>
  LONGHAND_HD void forward(const T& raw, T& logvar) const {
    if (c == kNone) {
      logvar = raw;
    } else {
      logvar = T(c) * tanh(raw / T(c));  // [REP-1]
    }
  }
  template <class T>
  LONGHAND_HD void backward(const T& logvar, const T& dlogvar, T& draw) const {
    const T r = logvar / T(c);        // 0 when c is infinite
    draw = dlogvar * (T(1) - r * r);  // [REP-5]
  }
};

/// The draw z = mu + sigma eps with its bounded log variance. Error: z 4 of |mu| + |noise| (1 +
/// |logvar| / 2), gradients 4 of their terms.
struct Reparameterise {
  LogvarBound bound;

  /// From mu, raw and eps: logvar and z.
  template <class T>
  LONGHAND_HD void forward(const T& mu, const T& raw, const T& eps, T& logvar, T& z) const {
    bound.forward(raw, logvar);
    z = mu + exp(T(0.5) * logvar) * eps;  // [REP-2]
  }
  /// Adds what z passes down to what the KL already left in dmu and dlogvar, then goes through the
  /// bound: dmu_kl, dlogvar_kl, dz, eps, logvar -> dmu, draw.
  template <class T>
  LONGHAND_HD void backward(const T& dmu_kl, const T& dlogvar_kl, const T& dz, const T& eps,
                            const T& logvar, T& dmu, T& draw) const {
    const T dlogvar = dlogvar_kl + T(0.5) * dz * eps * exp(T(0.5) * logvar);  // [REP-4] [ELBO-4]
    dmu = dmu_kl + dz;                                                        // [REP-3] [ELBO-4]
    bound.backward(logvar, dlogvar, draw);
  }
};

/// A draw from N(mu, exp(logvar)), whose logvar went through its bound already.
struct ShiftAndScale {
  template <class T>
  LONGHAND_HD void operator()(const T& mu, const T& logvar, const T& eps, T& z) const {
    z = mu + exp(T(0.5) * logvar) * eps;  // [REP-2]
  }
};

}  // namespace longhand
