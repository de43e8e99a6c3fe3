// SPDX-License-Identifier: MIT
#pragma once
#include <utility>
#include <variant>

#include "longhand/latent/categorical.hpp"
#include "longhand/latent/code.hpp"
#include "longhand/latent/gaussian.hpp"

namespace longhand {

/// A latent chosen at run time. It has the interface of the others; each call visits once.
template <class B>
class AnyLatent {
  using Variant = std::variant<GaussianLatent<B>, CodeLatent<B>, CategoricalLatent<B>>;

 public:
  using Spec = LatentSpec;
  using Cache = std::variant<typename GaussianLatent<B>::Cache, typename CodeLatent<B>::Cache,
                             typename CategoricalLatent<B>::Cache>;

 private:
  static Variant part(ParamLayout& layout, const GaussianLatentSpec& s, Index condition_dim) {
    return GaussianLatent<B>(layout, s, condition_dim);
  }
  static Variant part(ParamLayout& layout, const CodeSpec& s, Index condition_dim) {
    return CodeLatent<B>(layout, s, condition_dim);
  }
  static Variant part(ParamLayout& layout, const CategoricalLatentSpec& s, Index condition_dim) {
    return CategoricalLatent<B>(layout, s, condition_dim);
  }
  template <class F>
  auto visit(const F& f) const {
    return std::visit(f, latent_);
  }
  template <class L>
  static const typename L::Cache& of(const L&, const Cache& cache) {
    return std::get<typename L::Cache>(cache);
  }

 public:
  AnyLatent() = default;
  AnyLatent(ParamLayout& layout, const Spec& spec, Index condition_dim)
      : latent_(std::visit([&](const auto& s) -> Variant { return part(layout, s, condition_dim); },
                           spec)) {}

  bool has_density() const {
    return visit([](const auto& l) { return l.has_density(); });
  }
  bool has_logvar() const {
    return visit([](const auto& l) { return l.has_logvar(); });
  }
  bool has_log_ratio() const {
    return visit([](const auto& l) { return l.has_log_ratio(); });
  }
  std::vector<Term> terms() const {
    return visit([](const auto& l) { return l.terms(); });
  }
  std::vector<Scheduled> schedules() const {
    return visit([](const auto& l) { return l.schedules(); });
  }
  Index head_rows() const {
    return visit([](const auto& l) { return l.head_rows(); });
  }
  Index z_rows() const {
    return visit([](const auto& l) { return l.z_rows(); });
  }
  Index units() const {
    return visit([](const auto& l) { return l.units(); });
  }
  void forward(const Pass<B>& pass, ConstView<B> h, ConstView<B> condition, View<B> z,
               Cache& cache) const {
    visit([&]<class L>(const L& l) {
      l.forward(pass, h, condition, z, cache.template emplace<typename L::Cache>());
    });
  }
  void backward(const Pass<B>& pass, const Cache& cache, ConstView<B> w, ConstView<B> dz,
                View<B> dh, View<B> rows) const {
    visit([&](const auto& l) { l.backward(pass, of(l, cache), w, dz, dh, rows); });
  }
  void values(const Pass<B>& pass, const Cache& cache, View<B> rows) const {
    visit([&](const auto& l) { l.values(pass, of(l, cache), rows); });
  }
  void log_ratio(const Pass<B>& pass, const Cache& cache, View<B> rows) const {
    visit([&](const auto& l) { l.log_ratio(pass, of(l, cache), rows); });
  }
  void mean(const Pass<B>& pass, ConstView<B> h, View<B> z, View<B> logvar = {}) const {
    visit([&](const auto& l) { l.mean(pass, h, z, logvar); });
  }
  void from_prior(const Pass<B>& pass, ConstView<B> condition, View<B> z) const {
    visit([&](const auto& l) { l.from_prior(pass, condition, z); });
  }
  void statistics(const Pass<B>& pass, const Cache& cache, View<B> kl_per_unit,
                  View<B> mean) const {
    visit([&](const auto& l) { l.statistics(pass, of(l, cache), kl_per_unit, mean); });
  }

 private:
  Variant latent_;
};

}  // namespace longhand
