// SPDX-License-Identifier: MIT
#include "paths.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "failure.hpp"

namespace longhand::cli {

namespace fs = std::filesystem;

bool is_there(const std::string& path) {
  std::error_code problem;
  const fs::file_status status = fs::status(path, problem);
  if (status.type() == fs::file_type::not_found) return false;
  if (status.type() == fs::file_type::none)
    throw Failure(ExitCode::bad_input, path, ": cannot be opened (", problem.message(),
                  "), expected a readable file or folder");
  return true;
}

bool names_a_file(const std::string& path) {
  std::error_code problem;
  return fs::exists(path, problem) && !problem && !fs::is_directory(path, problem);
}

bool is_folder(const std::string& path) {
  std::error_code problem;
  return fs::is_directory(path, problem);
}

void require_there(const std::string& path, const std::string& expected) {
  if (!is_there(path)) throw Failure(ExitCode::bad_input, path, ": no such ", expected);
}

std::optional<NpzPath> npz_path(const std::string& path) {
  if (ending_of(path) == ".npz") return NpzPath{path, ""};
  const std::size_t colon = path.rfind(':');
  if (colon == path.npos || ending_of(path.substr(0, colon)) != ".npz") return std::nullopt;
  return NpzPath{path.substr(0, colon), path.substr(colon + 1)};
}

std::string ending_of(const std::string& path) {
  std::string ending = fs::path(path).extension().string();
  std::ranges::transform(ending, ending.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  return ending;
}

}  // namespace longhand::cli
