// SPDX-License-Identifier: MIT
#pragma once
#include <variant>

#include "longhand/latent/deterministic.hpp"
#include "longhand/latent/gaussian.hpp"

namespace longhand {

/// A latent chosen at run time, visited once per sweep.
class AnyLatent {
 public:
  using Variant = std::variant<GaussianLatent, DeterministicLatent>;

  AnyLatent() = default;
  template <class L>
  requires std::constructible_from<Variant, L> AnyLatent(L latent) : latent_(latent) {}

  const Variant& variant() const { return latent_; }
  Index head_rows() const {
    return std::visit([](const auto& l) { return l.head_rows(); }, latent_);
  }
  Index dim_rows() const {
    return std::visit([](const auto& l) { return l.dim_rows(); }, latent_);
  }
  bool has_divergence() const {
    return std::visit([](const auto& l) { return l.has_divergence(); }, latent_);
  }

  template <class B>
  void sample(const Pass<B>& pass, ConstView<B> h, View<B> z, LatentCache<B>& cache) const {
    std::visit([&](const auto& l) { l.template sample<B>(pass, h, z, cache); }, latent_);
  }
  template <class B>
  void mean(const Pass<B>& pass, ConstView<B> h, View<B> z, View<B> logvar) const {
    std::visit([&](const auto& l) { l.template mean<B>(pass, h, z, logvar); }, latent_);
  }
  template <class B>
  void backward(const Pass<B>& pass, const LatentCache<B>& cache, ConstView<B> dz,
                View<B> dh) const {
    std::visit([&](const auto& l) { l.template backward<B>(pass, cache, dz, dh); }, latent_);
  }

 private:
  Variant latent_;
};

}  // namespace longhand
