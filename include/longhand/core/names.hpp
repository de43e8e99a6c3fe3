// SPDX-License-Identifier: MIT
#pragma once
#include <concepts>
#include <string>
#include <string_view>
#include <type_traits>

#include "longhand/core/check.hpp"

namespace longhand {

/// A value of an enum and the name that files and the command line have for it.
template <class E>
struct NamedChoice {
  E value;
  const char* name;
};

/// An enum with a table of its names beside it: names_in(E) returns an array of NamedChoice<E>.
template <class E>
concept NamedEnum = std::is_enum_v<E> && requires(E value) {
  { names_in(value).begin()->name } -> std::convertible_to<const char*>;
};

/// The names of an enum's values, "none, unit, …".
template <NamedEnum E>
std::string names_of() {
  std::string all;
  for (const NamedChoice<E>& choice : names_in(E{}))
    (all += all.empty() ? "" : ", ") += choice.name;
  return all;
}
template <NamedEnum E>
const char* name_of(const E& value) {
  for (const NamedChoice<E>& choice : names_in(value))
    if (choice.value == value) return choice.name;
  return "?";
}
/// The value called `name`; throws std::invalid_argument listing all names otherwise.
template <NamedEnum E>
E from_name(const char* what, std::string_view name) {
  for (const NamedChoice<E>& choice : names_in(E{}))
    if (name == choice.name) return choice.value;
  require(false, what, " is '", name, "', expected one of ", names_of<E>());
  return E{};
}

}  // namespace longhand
