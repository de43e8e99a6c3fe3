// SPDX-License-Identifier: MIT
#pragma once
#include "longhand/core/backend.hpp"
#include "longhand/core/pass.hpp"
#include "longhand/math/reparameterise.hpp"

namespace longhand {

/// What a latent keeps from sample() for the divergence and for backward(). For a Gaussian latent:
/// mu and the bounded logvar of q(z given x), and the noise; for a deterministic one: nothing.
template <class B>
struct LatentCache {
  ConstView<B> mu;      ///< dim x N
  ConstView<B> logvar;  ///< dim x N, after the bound
  ConstView<B> eps;     ///< dim x N
};

/// q(z given x) = N(mu, diag sigma^2) from a head h = (mu; raw), 2 dim x N
/// (docs/derivations/reparameterisation.md).
struct GaussianLatent {
  static constexpr const char* name = "gaussian";
  static constexpr bool has_divergence() { return true; }
  Index dim = 0;
  LogvarBound bound;

  Index head_rows() const { return 2 * dim; }
  Index dim_rows() const { return dim; }

  /// h: 2 dim x N -> z: dim x N, drawn with the pass's key and sample ids.
  template <class B>
  void sample(const Pass<B>& pass, ConstView<B> h, View<B> z, LatentCache<B>& cache) const {
    require_shape("latent: h", h, head_rows(), z.cols);
    require_shape("latent: z", z, dim, h.cols);
    const View<B> eps = pass.matrix(dim, h.cols), logvar = pass.matrix(dim, h.cols);
    const ConstView<B> mu = h.middle_rows(0, dim), raw = h.middle_rows(dim, dim);
    pass.backend.fill_normal(
        pass.key, pass.sample_ids, eps,
        then<B>(Forward{Reparameterise{bound}}, in<B>(mu, raw, eps), out<B>(logvar, z)));
    cache = {mu, logvar, eps};
  }

  /// The mean of q without noise, and logvar, each if it is wanted.
  template <class B>
  void mean(const Pass<B>& pass, ConstView<B> h, View<B> z, View<B> logvar) const {
    if (z.present()) pass.backend.copy(h.middle_rows(0, dim), z);
    if (logvar.present())
      pass.backend.for_each(Forward{bound}, in<B>(h.middle_rows(dim, dim)), out<B>(logvar));
  }

  /// dh holds (dmu; dlogvar) as the divergence left them (or zeros); becomes dh = (dmu; draw).
  template <class B>
  void backward(const Pass<B>& pass, const LatentCache<B>& cache, ConstView<B> dz,
                View<B> dh) const {
    const auto sweep = backward_sweep<B>(cache, dz, dh);
    pass.backend.for_each(sweep.formula, sweep.inputs, sweep.outputs);
  }
  /// The sweep of backward(), which may follow on each element as soon as the divergence has left
  /// it in dh.
  template <class B>
  auto backward_sweep(const LatentCache<B>& cache, ConstView<B> dz, View<B> dh) const {
    require_shape("latent: dz", dz, dim, cache.mu.cols);
    require_shape("latent: dh", dh, head_rows(), cache.mu.cols);
    const View<B> dmu = dh.middle_rows(0, dim), draw = dh.middle_rows(dim, dim);
    return then<B>(Backward{Reparameterise{bound}}, in<B>(dmu, draw, dz, cache.eps, cache.logvar),
                   out<B>(dmu, draw));
  }
};

}  // namespace longhand
