// SPDX-License-Identifier: MIT
#pragma once
#include "longhand/core/backend.hpp"
#include "longhand/core/pass.hpp"
#include "longhand/core/terms.hpp"
#include "longhand/latent/spec.hpp"

namespace longhand {

/// z = h: the latent of an autoencoder. There is no q, hence no KL, no prior and no sampling.
template <class B>
class CodeLatent {
 public:
  using Spec = CodeSpec;
  struct Cache {
    ConstView<B> h;
  };

  CodeLatent() = default;
  CodeLatent(ParamLayout&, const Spec& spec, Index /*condition_dim*/) : dim_(spec.dim) {}

  static constexpr bool has_density() { return false; }
  static constexpr bool has_logvar() { return false; }
  static constexpr bool has_log_ratio() { return false; }
  static std::vector<Term> terms() { return {}; }
  static std::vector<Scheduled> schedules() { return {}; }
  Index head_rows() const { return dim_; }
  Index z_rows() const { return dim_; }
  Index units() const { return dim_; }

  void forward(const Pass<B>& pass, ConstView<B> h, ConstView<B> /*condition*/, View<B> z,
               Cache& cache) const {
    require_shape("latent: h", h, dim_, z.cols);
    require_shape("latent: z", z, dim_, h.cols);
    pass.backend.copy(h, z);  // [REP-6]
    cache.h = h;
  }
  void backward(const Pass<B>& pass, const Cache& /*cache*/, ConstView<B> /*w*/, ConstView<B> dz,
                View<B> dh, View<B> /*rows*/) const {
    require_shape("latent: dh", dh, dim_, dz.cols);
    pass.backend.copy(dz, dh);  // [REP-7]
  }
  void values(const Pass<B>&, const Cache&, View<B>) const {}
  void log_ratio(const Pass<B>&, const Cache&, View<B>) const {
    require(false, "an autoencoder has no bound");
  }
  void mean(const Pass<B>& pass, ConstView<B> h, View<B> z, View<B> /*logvar*/ = {}) const {
    pass.backend.copy(h, z);  // [REP-6]
  }
  void from_prior(const Pass<B>&, ConstView<B>, View<B>) const {
    require(false, "an autoencoder has no prior over its latents: it cannot be sampled");
  }
  void statistics(const Pass<B>& pass, const Cache& cache, View<B> /*kl_per_unit*/,
                  View<B> mean) const {
    pass.backend.copy(cache.h, mean);
  }

 private:
  Index dim_ = 0;
};

}  // namespace longhand
