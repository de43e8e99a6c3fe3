// SPDX-License-Identifier: MIT
#include "json.hpp"

#include <algorithm>
#include <cmath>
#include <set>

namespace longhand::io {

using nlohmann::json;

namespace {
/// The longest JSON text that is read, room for the shift and scale of hundreds of thousands of
/// features; a parsed text takes 16 times as much memory at most.
constexpr std::size_t longest_text = 32u << 20;
constexpr int deepest = 16;
}  // namespace

void Node::fail(std::string_view problem) const {
  throw FormatError(file_, field_.empty() ? "description" : field_, problem);
}

void Node::expected(std::string_view what) const {
  fail(cat("is ",
           value_.is_object()   ? "an object"
           : value_.is_array()  ? "a list"
           : value_.is_string() ? shown(value_.get_ref<const std::string&>())
                                : value_.dump(),
           ", expected ", what));
}

Node Node::at(const char* key) const {
  if (!value_.is_object()) expected("an object");
  const auto found = value_.find(key);
  const std::string field = field_.empty() ? key : field_ + "." + key;
  if (found == value_.end()) throw FormatError(file_, field, "is missing, expected it");
  return {file_, field, *found};
}

void Node::only(std::initializer_list<std::string_view> keys) const {
  if (!value_.is_object()) expected("an object");
  for (const auto& item : value_.items()) {
    if (std::ranges::find(keys, item.key()) != keys.end()) continue;
    std::string all;
    for (const std::string_view key : keys) all += (all.empty() ? "" : ", ") + std::string(key);
    fail(cat("has the key ", shown(item.key()), ", expected only ", all));
  }
}

std::string Node::text() const {
  if (!value_.is_string()) expected("a text");
  return value_.get<std::string>();
}

Index Node::size(std::uint64_t least, std::uint64_t most) const {
  if (!value_.is_number_unsigned() || value_.get<std::uint64_t>() < least ||
      value_.get<std::uint64_t>() > most)
    expected(cat("an integer from ", least, " to ", most));
  return value_.get<Index>();
}

std::vector<Node> Node::list(std::size_t most) const {
  if (!value_.is_array()) expected("a list");
  if (value_.size() > most) fail(cat("has ", value_.size(), " entries, expected at most ", most));
  std::vector<Node> nodes;
  nodes.reserve(value_.size());
  for (std::size_t i = 0; i < value_.size(); ++i)
    nodes.emplace_back(file_, cat(field_, "[", i, "]"), value_[i]);
  return nodes;
}

json parse_json(std::string_view text, std::string_view file) {
  if (text.size() > longest_text) {
    throw FormatError(file, "description",
                      cat("has ", text.size(), " bytes, expected at most ", longest_text));
  }
  // The parser would take a NUL for the end of the text, and leave unread what follows.
  if (const std::size_t at = text.find('\0'); at != text.npos)
    throw FormatError(file, "description",
                      cat("has a NUL at byte ", at, ", expected JSON text without one"));
  std::vector<std::set<std::string>> keys;
  const auto check = [&](int depth, json::parse_event_t event, json& parsed) {
    if (depth > deepest)
      throw FormatError(file, "description",
                        cat("is nested too deeply, expected at most ", deepest, " levels"));
    if (event == json::parse_event_t::object_start) keys.emplace_back();
    if (event == json::parse_event_t::object_end) keys.pop_back();
    if (event == json::parse_event_t::key && !keys.back().insert(parsed.get<std::string>()).second)
      throw FormatError(file, "description",
                        cat("has the key ", shown(parsed.get<std::string>()),
                            " twice in one object, expected it once"));
    return true;
  };
  try {
    return json::parse(text.begin(), text.end(), check);
  } catch (const json::parse_error& error) {
    throw FormatError(file, "description",
                      cat("is no valid JSON at byte ", error.byte, ", expected one JSON object"));
  } catch (const json::exception&) {
    throw FormatError(file, "description",
                      "has a number too large for float64, expected at most 1.8e308");
  }
}

nlohmann::ordered_json json_number(double value) {
  return std::isfinite(value) ? nlohmann::ordered_json(value)
                              : nlohmann::ordered_json(std::to_string(value));
}

}  // namespace longhand::io
