// SPDX-License-Identifier: MIT
#include "config_file.hpp"

#include <toml++/toml.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <set>

#include "failure.hpp"
#include "longhand/io/error.hpp"
#include "longhand/io/file.hpp"

namespace longhand::cli {
namespace {

constexpr std::uint64_t most_bytes = 64 << 10;
constexpr int deepest = 16;

template <class... Part>
Failure wrong(const std::string& path, std::size_t line, const Part&... parts) {
  return Failure(ExitCode::usage, path, ": line ", line, ": ", parts...);
}

/// Every part of a.b.c is a table in memory, and all of them end within one another: some kilobytes
/// of dots would use up the stack. The parser itself bounds brackets alone.
void refuse_deep_keys(const std::string& path, std::string_view text) {
  int dots = 0;
  std::size_t line = 1;
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\n') ++line;
    if (quote != 0) {
      if (c == '\\' && quote == '"') ++i;
      if (c == quote || c == '\n') quote = 0;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '#') {
      i = std::min(text.find('\n', i), text.size()) - 1;
    } else if (c == '.') {
      if (++dots > deepest)
        throw wrong(path, line, "a key has more than ", deepest + 1, " parts, expected one");
    } else if (std::string_view("=,[]{}\n").find(c) != std::string_view::npos) {
      dots = 0;
    }
  }
}

std::string shortest(double value) {
  char digits[32];
  return {digits, std::to_chars(digits, digits + sizeof digits, value).ptr};
}

/// One value as text; nothing for what is no number, text, true or false.
std::optional<std::string> scalar(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* whole = node.as_integer()) return std::to_string(whole->get());
  if (const auto* number = node.as_floating_point()) return shortest(number->get());
  if (const auto* flag = node.as_boolean()) return flag->get() ? "true" : "false";
  return std::nullopt;
}

std::string value_of(const std::string& path, const std::string& name, const toml::node& node) {
  if (const std::optional<std::string> one = scalar(node)) return *one;
  const auto fail = [&] {
    return wrong(path, node.source().begin.line, name,
                 " is neither a number, a text, true, false nor a list of numbers");
  };
  const toml::array* const list = node.as_array();
  if (list == nullptr) throw fail();
  std::string all;
  for (const toml::node& element : *list) {
    if (!element.is_number()) throw fail();
    all += (all.empty() ? "" : ",") + *scalar(element);
  }
  return all.empty() ? "none" : all;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> read_config_file(const std::string& path) {
  std::vector<std::byte> bytes;
  try {
    bytes = io::read_file(path, most_bytes);
  } catch (const io::FileError& error) {
    throw Failure(ExitCode::usage, error.what(), " (--config)");
  }
  return parse_config({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path);
}

std::vector<std::pair<std::string, std::string>> parse_config(std::string_view text,
                                                              const std::string& path) {
  refuse_deep_keys(path, text);
  toml::table parsed;
  try {
    parsed = toml::parse(text);
  } catch (const toml::parse_error& error) {
    throw wrong(path, error.source().begin.line, "is no TOML: ", error.description());
  }

  struct Place {
    std::size_t line;
    std::pair<std::string, std::string> item;
  };
  std::vector<Place> places;
  const auto add = [&](const toml::table& table) {
    for (const auto& item : table) {
      const std::string name(item.first.str());
      if (&table == &parsed && name == "train" && item.second.is_table()) continue;
      const std::size_t line = item.first.source().begin.line;
      if (item.second.is_table())
        throw wrong(path, line, "unknown table '", name, "', expected options of `longhand train`");
      places.push_back({line, {name, value_of(path, name, item.second)}});
    }
  };
  add(parsed);
  if (const toml::table* const train = parsed["train"].as_table()) add(*train);
  // The parser sorts by name.
  std::ranges::stable_sort(places, {}, &Place::line);
  std::vector<std::pair<std::string, std::string>> items;
  std::set<std::string> seen;
  for (Place& place : places) {
    if (!seen.insert(place.item.first).second)
      throw wrong(path, place.line, "'", place.item.first, "' stands there twice, expected once");
    items.push_back(std::move(place.item));
  }
  return items;
}

std::string toml_value(const std::string& value) {
  if (value.find(',') != value.npos && value.find_first_not_of("0123456789,") == value.npos) {
    std::string out = "[";
    for (const char c : value) out += c == ',' ? std::string(", ") : std::string(1, c);
    return out + "]";
  }
  const char* const end = value.data() + value.size();
  std::int64_t whole = 0;
  if (const auto [stop, error] = std::from_chars(value.data(), end, whole);
      error == std::errc() && stop == end && std::to_string(whole) == value)
    return value;
  double number = 0;
  if (const auto [stop, error] = std::from_chars(value.data(), end, number);
      error == std::errc() && stop == end && std::isfinite(number)) {
    const std::string text = shortest(number);
    // A whole number beyond TOML's is left to the quotes.
    if (text.find_first_of(".e") != text.npos && value.find_first_of(".eE") != value.npos)
      return text;
  }
  // TOML is UTF-8: a path that is not has no place in it, and is at least readable.
  std::string out = "\"";
  for (const char c : io::printable(value)) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

}  // namespace longhand::cli
