// SPDX-License-Identifier: MIT
#pragma once
#include <optional>

#include "longhand/latent/spec.hpp"
#include "longhand/layers/net.hpp"
#include "longhand/math/reparameterise.hpp"

namespace longhand {

/// Mean and log variance of p(z given c); both are absent for N(0, I).
template <class B>
struct PriorMoments {
  ConstView<B> mu;      ///< J x N
  ConstView<B> logvar;  ///< J x N, after the bound

  bool present() const { return mu.present(); }
};

/// The prior of a Gaussian latent: N(0, I), which owns nothing and whose moments are absent, or
/// N(mu_p, diag exp(logvar_p)) with both from a net on the condition.
template <class B>
class GaussianPrior {
 public:
  struct Cache {
    typename Net<B>::Cache net;
    ConstView<B> logvar;
  };

  GaussianPrior() = default;
  /// The prior that `spec` describes. A learned one adds a segment "prior" with the blocks
  /// "prior.0", "prior.2", … to the layout.
  GaussianPrior(ParamLayout& layout, const PriorSpec& spec, Index condition_dim, Index dim,
                LogvarBound bound)
      : dim_(dim), bound_(bound) {
    const auto* learned = std::get_if<ConditionalPrior>(&spec);
    if (learned == nullptr) return;
    layout.begin_segment("prior");
    net_.emplace(layout, "prior", condition_dim, learned->net, outputs(2 * dim));
  }

  bool learned() const { return net_.has_value(); }

  /// The prior's moments under the condition (C x N).
  PriorMoments<B> forward(const Pass<B>& pass, ConstView<B> condition, Cache& cache) const {
    if (!learned()) return {};
    const View<B> h = net_->forward(pass, condition, cache.net);
    const View<B> logvar = pass.matrix(dim_, h.cols);
    pass.backend.for_each(Forward{bound_}, in<B>(h.middle_rows(dim_, dim_)), out<B>(logvar));
    cache.logvar = logvar;
    return {h.middle_rows(0, dim_), logvar};
  }

  /// dh (2J x N) holds (dmu_p; dlogvar_p) as the KL left them and is overwritten.
  void backward(const Pass<B>& pass, const Cache& cache, View<B> dh) const {
    if (!learned()) return;
    const View<B> draw = dh.middle_rows(dim_, dim_);
    pass.backend.for_each(Backward{bound_}, in<B>(cache.logvar, draw), out<B>(draw));
    net_->backward(pass, cache.net, dh, {});
  }

 private:
  std::optional<Net<B>> net_;
  Index dim_ = 0;
  LogvarBound bound_;
};

}  // namespace longhand
