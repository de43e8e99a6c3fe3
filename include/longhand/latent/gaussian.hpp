// SPDX-License-Identifier: MIT
#pragma once
#include "longhand/core/macros.hpp"
#include "longhand/core/terms.hpp"
#include "longhand/latent/gaussian_kl.hpp"

namespace longhand {

/// q(z given x) = N(mu, diag sigma^2) from a head h = (mu; raw), 2J x N, with its prior and the KL
/// between them (docs/derivations/reparameterisation.md, gaussian_kl.md).
template <class B>
class GaussianLatent {
 public:
  using Spec = GaussianLatentSpec;

  /// What forward() keeps for backward(), values() and statistics().
  struct Cache {
    ConstView<B> mu;      ///< J x N
    ConstView<B> logvar;  ///< J x N, after the bound
    ConstView<B> eps;     ///< J x N
    PriorMoments<B> prior;
    typename GaussianPrior<B>::Cache prior_net;
  };

  GaussianLatent() = default;
  /// The latent that `spec` describes. A learned prior adds its segment to the layout and reads a
  /// condition of `condition_dim` numbers per sample.
  GaussianLatent(ParamLayout& layout, const Spec& spec, Index condition_dim)
      : dim_(spec.dim),
        bound_{spec.logvar_bound},
        prior_(layout, spec.prior, condition_dim, spec.dim, bound_) {}

  static constexpr bool has_density() { return true; }
  static constexpr bool has_logvar() { return true; }
  static constexpr bool has_log_ratio() { return true; }
  static std::vector<Term> terms() { return {{"kl"}}; }
  static std::vector<Scheduled> schedules() { return {}; }
  Index head_rows() const { return 2 * dim_; }
  Index z_rows() const { return dim_; }
  /// Latent dimensions, in the count of statistics().
  Index units() const { return dim_; }

  /// Draws z (J x N) from the head h (2J x N), with the pass's key and sample ids; a learned prior
  /// reads the condition (C x N).
  void forward(const Pass<B>& pass, ConstView<B> h, ConstView<B> condition, View<B> z,
               Cache& cache) const;

  /// Assigns dh (2J x N) from dz (J x N), and writes KL_j into `rows` (1 x N). w (1 x N) weighs
  /// each sample's KL in the objective and thereby its gradient; where w is absent the KL is no
  /// part of the objective: dh has only what comes through z, and `rows` is not written. A learned
  /// prior's gradients are added to those of the pass.
  void backward(const Pass<B>& pass, const Cache& cache, ConstView<B> w, ConstView<B> dz,
                View<B> dh, View<B> rows) const;

  /// Writes KL_j in nats into `rows` (1 x N), without gradients.
  void values(const Pass<B>& pass, const Cache& cache, View<B> rows) const;

  /// Writes log q(z given x) - log p(z) of the draw that forward() made into `rows` (1 x N).
  void log_ratio(const Pass<B>& pass, const Cache& cache, View<B> rows) const;

  /// The mean of q without noise, and logvar (J x N each), where they are wanted.
  void mean(const Pass<B>& pass, ConstView<B> h, View<B> z, View<B> logvar = {}) const;

  /// Draws z (J x N) from the prior, with noise of the stream `prior`.
  void from_prior(const Pass<B>& pass, ConstView<B> condition, View<B> z) const;

  /// kl_per_unit (J numbers) += the KL of each latent dimension, summed over the samples; mean
  /// (J x N) = mu.
  void statistics(const Pass<B>& pass, const Cache& cache, View<B> kl_per_unit, View<B> mean) const;

 private:
  static GaussianKl<B> kl(const Cache& cache) { return {cache.mu, cache.logvar, cache.prior}; }

  Index dim_ = 0;
  LogvarBound bound_;
  GaussianPrior<B> prior_;
};

template <class B>
LONGHAND_ONCE void GaussianLatent<B>::forward(const Pass<B>& pass, ConstView<B> h,
                                              ConstView<B> condition, View<B> z,
                                              Cache& cache) const {
  require_shape("latent: h", h, head_rows(), z.cols);
  require_shape("latent: z", z, dim_, h.cols);
  const View<B> eps = pass.matrix(dim_, h.cols), logvar = pass.matrix(dim_, h.cols);
  const ConstView<B> mu = h.middle_rows(0, dim_), raw = h.middle_rows(dim_, dim_);
  pass.backend.fill_normal(
      pass.key, pass.sample_ids, eps,
      then<B>(Forward{Reparameterise{bound_}}, in<B>(mu, raw, eps), out<B>(logvar, z)));
  cache.mu = mu;
  cache.logvar = logvar;
  cache.eps = eps;
  cache.prior = prior_.forward(pass, condition, cache.prior_net);
}

template <class B>
LONGHAND_ONCE void GaussianLatent<B>::backward(const Pass<B>& pass, const Cache& cache,
                                               ConstView<B> w, ConstView<B> dz, View<B> dh,
                                               View<B> rows) const {
  require_shape("latent: dz", dz, dim_, cache.mu.cols);
  require_shape("latent: dh", dh, head_rows(), cache.mu.cols);
  const View<B> dmu = dh.middle_rows(0, dim_), draw = dh.middle_rows(dim_, dim_);
  const Backward<Reparameterise> through_z{{bound_}};
  if (!w.present()) {
    pass.backend.for_each(through_z,
                          in<B>(constant<B>(0), constant<B>(0), dz, cache.eps, cache.logvar),
                          out<B>(dmu, draw));
    return;
  }
  const View<B> dprior = cache.prior.present() ? pass.matrix(2 * dim_, dz.cols) : View<B>{};
  // What comes through z joins the KL's gradient in the same sweep, element by element. [ELBO-4]
  kl(cache).value_and_gradient(
      pass, per_sample(w), rows, dh, dprior,
      then<B>(through_z, in<B>(dmu, draw, dz, cache.eps, cache.logvar), out<B>(dmu, draw)));
  prior_.backward(pass, cache.prior_net, dprior);
}

template <class B>
LONGHAND_ONCE void GaussianLatent<B>::values(const Pass<B>& pass, const Cache& cache,
                                             View<B> rows) const {
  kl(cache).value(pass, rows);
}

template <class B>
LONGHAND_ONCE void GaussianLatent<B>::log_ratio(const Pass<B>& pass, const Cache& cache,
                                                View<B> rows) const {
  pass.backend.reduce_columns(GaussianLogRatio{},
                              in<B>(cache.mu, cache.logvar, cache.eps, either<B>(cache.prior.mu, 0),
                                    either<B>(cache.prior.logvar, 0)),
                              std::array<View<B>, 0>{}, dim_, rows);  // [KL-10]
}

template <class B>
LONGHAND_ONCE void GaussianLatent<B>::mean(const Pass<B>& pass, ConstView<B> h, View<B> z,
                                           View<B> logvar) const {
  if (z.present()) pass.backend.copy(h.middle_rows(0, dim_), z);
  if (logvar.present())
    pass.backend.for_each(Forward{bound_}, in<B>(h.middle_rows(dim_, dim_)), out<B>(logvar));
}

template <class B>
LONGHAND_ONCE void GaussianLatent<B>::from_prior(const Pass<B>& pass, ConstView<B> condition,
                                                 View<B> z) const {
  NoiseKey key = pass.key;
  key.stream = Stream::prior;
  pass.backend.fill_normal(key, pass.sample_ids, z);
  typename GaussianPrior<B>::Cache cache;
  const PriorMoments<B> p = prior_.forward(pass, condition, cache);
  if (p.present()) pass.backend.for_each(ShiftAndScale{}, in<B>(p.mu, p.logvar, z), out<B>(z));
}

template <class B>
LONGHAND_ONCE void GaussianLatent<B>::statistics(const Pass<B>& pass, const Cache& cache,
                                                 View<B> kl_per_unit, View<B> mean) const {
  kl(cache).add_per_unit(pass, kl_per_unit);
  pass.backend.copy(cache.mu, mean);
}

}  // namespace longhand
