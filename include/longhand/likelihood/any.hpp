// SPDX-License-Identifier: MIT
#pragma once
#include <variant>

#include "longhand/likelihood/bernoulli.hpp"
#include "longhand/likelihood/gaussian.hpp"

namespace longhand {

/// A likelihood chosen at run time; satisfies the same interface and is visited once per sweep.
class AnyLikelihood {
 public:
  using Variant = std::variant<Bernoulli, Gaussian, LearnedGaussian>;

  AnyLikelihood() = default;
  template <class L>
  requires std::constructible_from<Variant, L> AnyLikelihood(L likelihood)
      : likelihood_(std::move(likelihood)) {}

  const Variant& variant() const { return likelihood_; }
  const char* name() const {
    return std::visit([](const auto& l) { return std::decay_t<decltype(l)>::name; }, likelihood_);
  }
  /// Targets must lie in [first, second].
  std::pair<double, double> domain() const {
    return std::visit(
        [](const auto& l) {
          using F = std::decay_t<decltype(l.formula())>;
          return std::pair<double, double>{F::domain_min, F::domain_max};
        },
        likelihood_);
  }

  Index output_rows(Index data_rows) const {
    return std::visit([&](const auto& l) { return l.output_rows(data_rows); }, likelihood_);
  }
  template <class B>
  void value(const Pass<B>& pass, ConstView<B> output, const Batch<B>& batch, View<B> nll) const {
    std::visit([&](const auto& l) { l.template value<B>(pass, output, batch, nll); }, likelihood_);
  }
  template <class B>
  void gradient(const Pass<B>& pass, const OperandOf<B>& w, ConstView<B> output,
                const Batch<B>& batch, View<B> doutput) const {
    std::visit([&](const auto& l) { l.template gradient<B>(pass, w, output, batch, doutput); },
               likelihood_);
  }
  template <class B>
  void value_and_gradient(const Pass<B>& pass, const OperandOf<B>& w, ConstView<B> output,
                          const Batch<B>& batch, View<B> nll, View<B> doutput) const {
    std::visit(
        [&](const auto& l) {
          l.template value_and_gradient<B>(pass, w, output, batch, nll, doutput);
        },
        likelihood_);
  }
  template <class B>
  void mean(const Pass<B>& pass, ConstView<B> output, View<B> x) const {
    std::visit([&](const auto& l) { l.template mean<B>(pass, output, x); }, likelihood_);
  }
  template <class B>
  void draw(const Pass<B>& pass, ConstView<B> output, View<B> x) const {
    std::visit([&](const auto& l) { l.template draw<B>(pass, output, x); }, likelihood_);
  }

 private:
  Variant likelihood_;
};

}  // namespace longhand
