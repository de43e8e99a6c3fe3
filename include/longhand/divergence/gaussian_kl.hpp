// SPDX-License-Identifier: MIT
#pragma once
#include "longhand/core/backend.hpp"
#include "longhand/latent/gaussian.hpp"
#include "longhand/math/gaussian_kl.hpp"
#include "longhand/prior/gaussian.hpp"

namespace longhand {

/// The KL alone.
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
/// (docs/derivations/gaussian_kl.md).
struct GaussianKl {
  /// kl (1 x N) = KL_j; dh (2 dim x N) = w_j (dKL/dmu; dKL/dlogvar), assigned; dprior the
  /// same for the prior's moments, absent for N(0, I). `next` is swept over dh.
  template <class B, class Next = Nothing>
  void value_and_gradient(const Pass<B>& pass, const LatentCache<B>& q, const PriorMoments<B>& p,
                          const OperandOf<B>& w, View<B> kl, View<B> dh, View<B> dprior,
                          const Next& next = {}) const {
    const Index dim = q.mu.rows;
    require_shape("divergence: kl", kl, 1, q.mu.cols);
    require_shape("divergence: dh", dh, 2 * dim, q.mu.cols);
    if (p.mu.present()) require_shape("divergence: dprior", dprior, 2 * dim, q.mu.cols);
    const View<B> dmu = dh.middle_rows(0, dim), dlogvar = dh.middle_rows(dim, dim);
    if (p.mu.present()) {
      pass.backend.reduce_columns(
          ConditionalKl{}, in<B>(q.mu, q.logvar, p.mu, p.logvar, w),
          out<B>(dmu, dlogvar, dprior.middle_rows(0, dim), dprior.middle_rows(dim, dim)), dim, kl,
          next);
    } else {
      pass.backend.reduce_columns(StandardNormalKl{}, in<B>(q.mu, q.logvar, w),
                                  out<B>(dmu, dlogvar), dim, kl, next);
    }
  }

  /// kl (1 x N) = KL_j.
  template <class B>
  void value(const Pass<B>& pass, const LatentCache<B>& q, const PriorMoments<B>& p,
             View<B> kl) const {
    const Index dim = q.mu.rows;
    const std::array<View<B>, 0> none{};
    if (p.mu.present()) {
      pass.backend.reduce_columns(KlValue<ConditionalKl>{}, in<B>(q.mu, q.logvar, p.mu, p.logvar),
                                  none, dim, kl);
    } else {
      pass.backend.reduce_columns(KlValue<StandardNormalKl>{}, in<B>(q.mu, q.logvar), none, dim,
                                  kl);
    }
  }

  /// per_dimension (dim numbers) += the sum of KL_ij over the batch's rows j: which latents carry
  /// anything.
  template <class B>
  void add_per_dimension(const Pass<B>& pass, const LatentCache<B>& q, const PriorMoments<B>& p,
                         View<B> per_dimension) const {
    const Index dim = q.mu.rows, rows = q.mu.cols;
    if (p.mu.present()) {
      pass.backend.reduce_rows(KlValue<ConditionalKl>{}, in<B>(q.mu, q.logvar, p.mu, p.logvar), dim,
                               rows, per_dimension, Store::accumulate);
    } else {
      pass.backend.reduce_rows(KlValue<StandardNormalKl>{}, in<B>(q.mu, q.logvar), dim, rows,
                               per_dimension, Store::accumulate);
    }
  }
};

}  // namespace longhand
