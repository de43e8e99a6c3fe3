// SPDX-License-Identifier: MIT
#pragma once
#include "longhand/core/backend.hpp"
#include "longhand/core/pass.hpp"
#include "longhand/latent/gaussian_prior.hpp"
#include "longhand/math/gaussian_kl.hpp"

namespace longhand {

/// The KL of a formula without its gradients.
template <class Formula>
struct KlValue {
  template <class T>
  LONGHAND_HD void operator()(const T& mu, const T& logvar, T& kl) const {
    T dmu, dlogvar;
    Formula{}(mu, logvar, T(0), dmu, dlogvar, kl);
  }
  template <class T>
  LONGHAND_HD void operator()(const T& mu, const T& logvar, const T& mu_p, const T& logvar_p,
                              T& kl) const {
    T dmu, dlogvar, dmu_p, dlogvar_p;
    Formula{}(mu, logvar, mu_p, logvar_p, T(0), dmu, dlogvar, dmu_p, dlogvar_p, kl);
  }
};

/// KL(q(z given x) || p(z)) in nats, analytic, diagonal Gaussians
/// (docs/derivations/gaussian_kl.md). mu and logvar (J x N) are q's, p may be absent: N(0, I).
template <class B>
struct GaussianKl {
  ConstView<B> mu, logvar;
  PriorMoments<B> p;

  /// Assigns kl (1 x N) = KL_j and dh (2J x N) = w_j (dKL/dmu; dKL/dlogvar), and dprior (2J x N)
  /// likewise by the prior's moments; it is absent for N(0, I). `next` is swept over dh.
  template <class Next = Nothing>
  void value_and_gradient(const Pass<B>& pass, const OperandOf<B>& w, View<B> kl, View<B> dh,
                          View<B> dprior, const Next& next = {}) const {
    const Index dim = mu.rows;
    require_shape("latent: kl", kl, 1, mu.cols);
    require_shape("latent: dh", dh, 2 * dim, mu.cols);
    if (p.present()) require_shape("latent: dprior", dprior, 2 * dim, mu.cols);
    const View<B> dmu = dh.middle_rows(0, dim), dlogvar = dh.middle_rows(dim, dim);
    if (p.present()) {
      pass.backend.reduce_columns(
          ConditionalKl{}, in<B>(mu, logvar, p.mu, p.logvar, w),
          out<B>(dmu, dlogvar, dprior.middle_rows(0, dim), dprior.middle_rows(dim, dim)), dim, kl,
          next);
    } else {
      pass.backend.reduce_columns(StandardNormalKl{}, in<B>(mu, logvar, w), out<B>(dmu, dlogvar),
                                  dim, kl, next);
    }
  }

  /// Writes KL_j in nats into kl (1 x N).
  void value(const Pass<B>& pass, View<B> kl) const {
    require_shape("latent: kl", kl, 1, mu.cols);
    const std::array<View<B>, 0> none{};
    if (p.present()) {
      pass.backend.reduce_columns(KlValue<ConditionalKl>{}, in<B>(mu, logvar, p.mu, p.logvar), none,
                                  mu.rows, kl);
    } else {
      pass.backend.reduce_columns(KlValue<StandardNormalKl>{}, in<B>(mu, logvar), none, mu.rows,
                                  kl);
    }
  }

  /// per_unit (J numbers) += the sum of KL_ij over the batch's samples j: which latent dimensions
  /// carry anything.
  void add_per_unit(const Pass<B>& pass, View<B> per_unit) const {
    if (p.present()) {
      pass.backend.reduce_rows(KlValue<ConditionalKl>{}, in<B>(mu, logvar, p.mu, p.logvar), mu.rows,
                               mu.cols, per_unit, Store::accumulate);
    } else {
      pass.backend.reduce_rows(KlValue<StandardNormalKl>{}, in<B>(mu, logvar), mu.rows, mu.cols,
                               per_unit, Store::accumulate);
    }
  }
};

}  // namespace longhand
