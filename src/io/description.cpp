// SPDX-License-Identifier: MIT
#include "description.hpp"

#include "json.hpp"

namespace longhand::io {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr Index format_version = 2;

std::uint32_t checksum_from(const Node& node) {
  const std::string text = node.text();
  const std::string digits = text.starts_with("crc32:") ? text.substr(6) : "";
  if (digits.size() != 8 || digits.find_first_not_of("0123456789abcdef") != digits.npos)
    node.expected("\"crc32:\" and 8 hexadecimal digits");
  return static_cast<std::uint32_t>(std::stoul(digits, nullptr, 16));
}

/// First of all: another format may differ in everything else.
void require_format(const Node& root) {
  const Node format = root.at("format");
  const Index number = format.size();
  if (number < format_version)
    format.fail(cat("is ", number, ", written before the first release; expected ", format_version,
                    ": train the model again"));
  if (number > format_version) {
    const std::string library = root.has("library") ? root.at("library").text() : "?";
    format.fail(cat("is ", number, ", written by longhand ", shown(library), "; expected at most ",
                    format_version, ": a newer longhand reads it"));
  }
}

}  // namespace

std::string checksum_text(std::uint32_t checksum) { return "crc32:" + hex(checksum, 8).substr(2); }

std::string describe(const Description& description) {
  ordered_json object = {{"format", format_version}};
  object.update(ordered_json::parse(description.spec_json));
  if (!description.scalar.empty()) object["scalar"] = description.scalar;
  if (!description.library.empty()) object["library"] = description.library;
  if (description.checksum) object["checksum"] = checksum_text(*description.checksum);
  if (!description.training_json.empty())
    object["training"] = ordered_json::parse(description.training_json);
  return object.dump();
}

Description parse_description(std::string_view text, std::string_view file) {
  json document = parse_json(text, file);
  const Node root(file, "", document);
  require_format(root);
  Description description;
  description.kind = root.at("model").text();
  if (root.has("scalar")) {
    description.scalar = root.at("scalar").text();
    if (description.scalar != "float32" && description.scalar != "float64")
      root.at("scalar").expected("\"float32\" or \"float64\"");
  }
  if (root.has("library")) description.library = root.at("library").text();
  if (root.has("checksum")) description.checksum = checksum_from(root.at("checksum"));
  if (root.has("training")) {
    root.at("training").require_object();
    description.training_json = document["training"].dump();
  }
  for (const char* const own : {"training", "format", "scalar", "library", "checksum"})
    document.erase(own);
  description.spec_json = document.dump();
  return description;
}

}  // namespace longhand::io
