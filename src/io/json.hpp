// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <initializer_list>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "longhand/core/names.hpp"
#include "longhand/io/error.hpp"
#include "longhand/layers/activation.hpp"
#include "message.hpp"

/// Reading JSON strictly, with the place of whatever is wrong.
namespace longhand::io {

inline constexpr std::uint64_t largest_size = 2147483647;
inline constexpr double infinity = std::numeric_limits<double>::infinity();

/// A value of a description and its place in it, for messages: "latent.dim".
class Node {
 public:
  Node(std::string_view file, std::string field, const nlohmann::json& value)
      : file_(file), field_(std::move(field)), value_(value) {}

  [[noreturn]] void fail(std::string_view problem) const;
  /// "is 3, expected …"
  [[noreturn]] void expected(std::string_view what) const;

  bool has(const char* key) const { return value_.is_object() && value_.contains(key); }
  /// The member called `key`, which must be there.
  Node at(const char* key) const;
  /// read(member), or `otherwise` where there is none.
  template <class T, class Read>
  T get(const char* key, T otherwise, const Read& read) const {
    return has(key) ? T(read(at(key))) : otherwise;
  }
  /// Refuses whatever is no object, and every other key.
  void only(std::initializer_list<std::string_view> keys) const;

  void require_object() const {
    if (!value_.is_object()) expected("an object");
  }
  bool is_null() const { return value_.is_null(); }
  bool truth() const {
    if (!value_.is_boolean()) expected("true or false");
    return value_.get<bool>();
  }
  std::uint64_t unsigned_integer() const {
    if (!value_.is_number_unsigned()) expected("an integer from 0 to 2^64 - 1");
    return value_.get<std::uint64_t>();
  }
  std::string text() const;
  Index size(std::uint64_t least = 1, std::uint64_t most = largest_size) const;
  /// A number that `accepts`, described by `what`.
  template <class Accepts>
  double number(Accepts accepts, std::string_view what) const {
    if (!value_.is_number() || !accepts(value_.get<double>())) expected(what);
    return value_.get<double>();
  }
  double number() const {
    return number([](double) { return true; }, "a number");
  }
  double positive() const {
    return number([](double v) { return v > 0; }, "a positive number");
  }
  /// c of [REP-1]; null stands for infinity.
  double bound() const {
    if (is_null()) return infinity;
    return number([](double v) { return v > 0; }, "a positive number, or null for no bound");
  }
  std::vector<Node> list(std::size_t most) const;

  /// One of the names of an enum or of a variant's alternatives.
  template <class T>
  T one_of() const {
    try {
      return from_name<T>("", value_.is_string() ? value_.get<std::string>() : "");
    } catch (const std::invalid_argument&) {
      expected("one of " + names_of<T>());
    }
  }

 private:
  std::string_view file_;
  std::string field_;
  const nlohmann::json& value_;
};

/// A parsed text. Of several equal keys nlohmann keeps the last; here they are an error, and so are
/// a text of more than 32 MiB and one that is nested too deeply.
nlohmann::json parse_json(std::string_view text, std::string_view file);

/// JSON has no NaN and no infinity, and the library would write null, which has a meaning in a
/// description: written as text they are refused on reading like every other wrong value.
nlohmann::ordered_json json_number(double value);

}  // namespace longhand::io
