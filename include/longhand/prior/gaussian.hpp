// SPDX-License-Identifier: MIT
#pragma once
#include <optional>

#include "longhand/layers/mlp.hpp"
#include "longhand/math/reparameterise.hpp"

namespace longhand {

/// What a divergence needs of p(z given c): its moments, absent for N(0, I).
template <class B>
struct PriorMoments {
  ConstView<B> mu;      ///< dim x N
  ConstView<B> logvar;  ///< dim x N, after the bound
};

/// p(z given c) = N(mu_p, diag exp(logvar_p)), both from a small net on the condition, or, without
/// a net, N(0, I): then it owns nothing and its moments are absent.
template <class B>
class Prior {
 public:
  struct Cache {
    typename Mlp<B>::Cache net;
    ConstView<B> logvar;
  };

  /// N(0, I).
  Prior() = default;
  /// A net c -> hidden -> (mu_p; raw_p), blocks "prior.0", "prior.2", ….
  Prior(ParamLayout& layout, Index condition_dim, const std::vector<Index>& hidden, Index dim,
        const Activation& activation, LogvarBound bound)
      : net_(Mlp<B>(
            layout, Segment::prior, "prior",
            {.in = condition_dim, .hidden = hidden, .out = 2 * dim, .activation = activation})),
        dim_(dim),
        bound_(bound) {}

  bool learned() const { return net_.has_value(); }

  PriorMoments<B> forward(const Pass<B>& pass, ConstView<B> condition, Cache& cache) const {
    if (!learned()) return {};
    const View<B> h = net_->forward(pass, condition, cache.net);
    const View<B> logvar = pass.matrix(dim_, h.cols);
    pass.backend.for_each(Forward{bound_}, in<B>(h.middle_rows(dim_, dim_)), out<B>(logvar));
    cache.logvar = logvar;
    return {h.middle_rows(0, dim_), logvar};
  }

  /// dh holds (dmu_p; dlogvar_p) as the divergence left them and is overwritten.
  void backward(const Pass<B>& pass, const Cache& cache, View<B> dh) const {
    if (!learned()) return;
    const View<B> draw = dh.middle_rows(dim_, dim_);
    pass.backend.for_each(Backward{bound_}, in<B>(cache.logvar, draw), out<B>(draw));
    net_->backward(pass, cache.net, dh, {});
  }

 private:
  std::optional<Mlp<B>> net_;
  Index dim_ = 0;
  LogvarBound bound_;
};

}  // namespace longhand
