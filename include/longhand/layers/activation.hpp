// SPDX-License-Identifier: MIT
#pragma once
#include <string>
#include <string_view>
#include <variant>

#include "longhand/core/check.hpp"
#include "longhand/math/activations.hpp"

namespace longhand {

/// An activation chosen at run time; visited once per sweep, never per element.
using Activation =
    std::variant<Relu, LeakyRelu, Tanh, Sigmoid, Softplus, Elu, Silu, Gelu, Identity>;

namespace detail {
template <class Variant, std::size_t... K>
std::string names_of(std::index_sequence<K...>) {
  std::string all;
  ((all += (K == 0 ? "" : ", "), all += std::variant_alternative_t<K, Variant>::name), ...);
  return all;
}
template <class Variant, std::size_t... K>
bool pick_by_name(std::string_view name, Variant& v, std::index_sequence<K...>) {
  return ((name == std::variant_alternative_t<K, Variant>::name
               ? (v = std::variant_alternative_t<K, Variant>{}, true)
               : false) ||
          ...);
}
}  // namespace detail

/// The names of a variant's alternatives, "relu, leaky-relu, …".
template <class Variant>
std::string names_of() {
  return detail::names_of<Variant>(std::make_index_sequence<std::variant_size_v<Variant>>{});
}
/// The alternative called `name`; throws std::invalid_argument listing all names otherwise.
template <class Variant>
Variant from_name(const char* what, std::string_view name) {
  Variant v;
  require(detail::pick_by_name(name, v, std::make_index_sequence<std::variant_size_v<Variant>>{}),
          what, " is '", name, "', expected one of ", names_of<Variant>());
  return v;
}
template <class Variant>
const char* name_of(const Variant& v) {
  return std::visit([](const auto& one) { return std::decay_t<decltype(one)>::name; }, v);
}

inline Saved saved_by(const Activation& activation) {
  return std::visit([](const auto& act) { return std::decay_t<decltype(act)>::saved; }, activation);
}

}  // namespace longhand
