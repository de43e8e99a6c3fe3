// SPDX-License-Identifier: MIT
#include "row_parts.hpp"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "failure.hpp"
#include "longhand/io/file.hpp"

namespace longhand::cli {
namespace {

namespace fs = std::filesystem;

Failure no_parts(const std::string& path) {
  return Failure(ExitCode::bad_input, path,
                 ": is no list of rows as `longhand train` writes it beside the model");
}

}  // namespace

std::string RowParts::text() const {
  nlohmann::ordered_json json;
  json["file"] = file;
  json["split"] = split;
  json["rows_in_file"] = rows_in_file;
  json["rows"] = {first, end};
  json["validation"] = validation;
  json["test"] = test;
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

std::vector<std::uint32_t> RowParts::part(const std::string& name) const {
  if (name == "test") return test;
  if (name == "validation") return validation;
  std::vector<std::uint32_t> train;
  for (std::uint32_t row = first; row < end; ++row)
    if (!std::ranges::binary_search(validation, row) && !std::ranges::binary_search(test, row))
      train.push_back(row);
  return train;
}

std::optional<RowParts> row_parts_beside(const std::string& model) {
  const std::string path = (fs::path(model).parent_path() / "rows.json").string();
  std::error_code problem;
  if (!fs::is_regular_file(path, problem)) return std::nullopt;
  const std::vector<std::byte> bytes = io::read_file(path, std::uint64_t{1} << 32);
  const auto json = nlohmann::json::parse(
      reinterpret_cast<const char*>(bytes.data()),
      reinterpret_cast<const char*>(bytes.data()) + bytes.size(), nullptr, false);
  try {
    RowParts parts;
    parts.file = json.at("file");
    parts.split = json.at("split");
    parts.rows_in_file = json.at("rows_in_file");
    json.at("rows").at(0).get_to(parts.first);
    json.at("rows").at(1).get_to(parts.end);
    json.at("validation").get_to(parts.validation);
    json.at("test").get_to(parts.test);
    for (const auto* rows : {&parts.validation, &parts.test})
      if (!std::ranges::is_sorted(*rows) ||
          (!rows->empty() && static_cast<Index>(rows->back()) >= parts.rows_in_file))
        throw no_parts(path);
    if (static_cast<Index>(parts.end) > parts.rows_in_file) throw no_parts(path);
    return parts;
  } catch (const nlohmann::json::exception&) {
    throw no_parts(path);
  }
}

}  // namespace longhand::cli
