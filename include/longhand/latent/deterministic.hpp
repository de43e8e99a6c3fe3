// SPDX-License-Identifier: MIT
#pragma once
#include "longhand/latent/gaussian.hpp"

namespace longhand {

/// z = h: the latent of an autoencoder. There is no q, hence no divergence and no sampling.
struct DeterministicLatent {
  static constexpr const char* name = "deterministic";
  static constexpr bool has_divergence() { return false; }
  Index dim = 0;

  Index head_rows() const { return dim; }
  Index dim_rows() const { return dim; }

  template <class B>
  void sample(const Pass<B>& pass, ConstView<B> h, View<B> z, LatentCache<B>& cache) const {
    require_shape("latent: h", h, dim, z.cols);
    require_shape("latent: z", z, dim, h.cols);
    pass.backend.copy(h, z);  // [REP-6]
    cache = {h, {}, {}};
  }
  template <class B>
  void mean(const Pass<B>& pass, ConstView<B> h, View<B> z, View<B> /*logvar*/) const {
    pass.backend.copy(h, z);  // [REP-6]
  }
  template <class B>
  void backward(const Pass<B>& pass, const LatentCache<B>& /*cache*/, ConstView<B> dz,
                View<B> dh) const {
    require_shape("latent: dh", dh, dim, dz.cols);
    pass.backend.copy(dz, dh);  // [REP-7]
  }
};

}  // namespace longhand
