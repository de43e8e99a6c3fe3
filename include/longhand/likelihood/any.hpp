// SPDX-License-Identifier: MIT
#pragma once
#include <utility>
#include <variant>

#include "longhand/likelihood/per_element.hpp"
#include "longhand/likelihood/spec.hpp"

namespace longhand {

/// The part that computes a likelihood of longhand's own: part_of(Gaussian{.variance = 0.05}).
template <class Spec>
requires requires(const Spec& spec) { spec.formula(); }
auto part_of(const Spec& spec) { return PerElement(spec.formula()); }

/// A likelihood chosen at run time. It has the interface of PerElement; each call visits once.
class AnyLikelihood {
  template <class... Spec>
  static auto parts_of(const std::variant<Spec...>&)
      -> std::variant<decltype(part_of(std::declval<Spec>()))...>;

  using Variant = decltype(parts_of(OwnLikelihoodSpec{}));

  template <class F>
  auto visit(const F& f) const {
    return std::visit(f, likelihood_);
  }

 public:
  AnyLikelihood() = default;
  /// Throws std::invalid_argument for a likelihood of the user's own.
  AnyLikelihood(const LikelihoodSpec& spec)
      : likelihood_(std::visit(
            []<class S>(const S& s) -> Variant {
              if constexpr (std::is_same_v<S, CustomLikelihood>) {
                require(false, "the likelihood '", s.name,
                        "' is a type of the program that made it");
                return {};
              } else {
                return part_of(s);
              }
            },
            spec)) {}

  const char* name() const {
    return visit([](const auto& l) { return std::decay_t<decltype(l)>::name; });
  }
  /// Targets must lie in [first, second].
  std::pair<double, double> domain() const {
    return visit([](const auto& l) { return l.domain(); });
  }
  Index output_rows(Index features) const {
    return visit([&](const auto& l) { return l.output_rows(features); });
  }
  template <class B>
  void value(const Pass<B>& pass, ConstView<B> output, const Batch<B>& batch, View<B> nll) const {
    visit([&](const auto& l) { l.value(pass, output, batch, nll); });
  }
  template <class B>
  void gradient(const Pass<B>& pass, ConstView<B> w, ConstView<B> output, const Batch<B>& batch,
                View<B> doutput) const {
    visit([&](const auto& l) { l.gradient(pass, w, output, batch, doutput); });
  }
  template <class B>
  void value_and_gradient(const Pass<B>& pass, ConstView<B> w, ConstView<B> output,
                          const Batch<B>& batch, View<B> nll, View<B> doutput) const {
    visit([&](const auto& l) { l.value_and_gradient(pass, w, output, batch, nll, doutput); });
  }
  template <class B>
  void mean(const Pass<B>& pass, ConstView<B> output, View<B> x) const {
    visit([&](const auto& l) { l.mean(pass, output, x); });
  }
  template <class B>
  void draw(const Pass<B>& pass, ConstView<B> output, View<B> x) const {
    visit([&](const auto& l) { l.draw(pass, output, x); });
  }

 private:
  Variant likelihood_;
};

}  // namespace longhand
