// SPDX-License-Identifier: MIT
#pragma once
#include <concepts>
#include <type_traits>
#include <utility>
#include <variant>

#include "longhand/likelihood/per_element.hpp"
#include "longhand/likelihood/spec.hpp"

namespace longhand {

/// The part that computes a likelihood of longhand's own: part_of(Gaussian{.variance = 0.05}).
template <class Spec>
requires requires(const Spec& spec) { spec.formula(); }
auto part_of(const Spec& spec) { return PerElement(spec.formula()); }

namespace detail {
template <class Likelihood, class... Spec>
constexpr bool is_part_of_one(const std::variant<Spec...>*) {
  return (std::is_same_v<Likelihood, decltype(part_of(std::declval<Spec>()))> || ...);
}
}  // namespace detail

/// Whether a type is the part that computes one of longhand's own likelihoods.
template <class Likelihood>
inline constexpr bool is_own_likelihood =
    detail::is_part_of_one<Likelihood>(static_cast<const OwnLikelihoodSpec*>(nullptr));

/// The likelihood of a spec, as the type that computes it. Throws std::invalid_argument if the spec
/// names another one.
template <class Likelihood>
Likelihood likelihood_in(const LikelihoodSpec& spec) {
  if constexpr (std::is_constructible_v<Likelihood, const LikelihoodSpec&>) {
    return Likelihood(spec);
  } else {
    return std::visit(
        []<class L>(const L& l) -> Likelihood {
          if constexpr (requires {
                          { part_of(l) } -> std::same_as<Likelihood>;
                        }) {
            return part_of(l);
          } else {
            require(false, "the likelihood is '", l.name,
                    "', the model was compiled for another one");
            return Likelihood();
          }
        },
        spec);
  }
}

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
