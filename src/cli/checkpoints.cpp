// SPDX-License-Identifier: MIT
#include "checkpoints.hpp"

#include <zlib.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <type_traits>
#include <variant>

#include "failure.hpp"
#include "longhand/io/checkpoint.hpp"
#include "paths.hpp"

namespace longhand::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "checkpoint-", kEnding = ".safetensors";

/// The number at the beginning of a text, and the word after it.
std::optional<std::pair<double, std::string>> number_and_unit(const std::string& text) {
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || !(number > 0 && number < 1e9)) return std::nullopt;
  return std::pair(number, std::string(stop, end));
}

std::optional<double> seconds_of(double number, const std::string& unit) {
  if (unit == "s") return number;
  if (unit == "m") return 60 * number;
  if (unit == "h") return 3600 * number;
  return std::nullopt;
}

std::optional<std::uint64_t> step_of(const fs::path& file) {
  const std::string name = file.filename().string();
  if (!name.starts_with(kPrefix) || !name.ends_with(kEnding)) return std::nullopt;
  const char* const first = name.data() + kPrefix.size();
  const char* const end = name.data() + name.size() - kEnding.size();
  std::uint64_t step = 0;
  const auto [stop, error] = std::from_chars(first, end, step);
  return error == std::errc() && stop == end && first < end ? std::optional(step) : std::nullopt;
}

}  // namespace

CheckpointEvery checkpoint_every(const std::string& text) {
  if (text == "none") return {};
  if (const auto parts = number_and_unit(text)) {
    const auto& [number, unit] = *parts;
    CheckpointEvery every;
    if (const auto seconds = seconds_of(number, unit)) {
      every.seconds = *seconds;
      return every;
    }
    const auto whole = static_cast<Index>(number);
    if (static_cast<double>(whole) == number && (unit == "steps" || unit == "epochs")) {
      (unit == "steps" ? every.steps : every.epochs) = whole;
      return every;
    }
  }
  throw Failure(ExitCode::usage, "is '", text,
                "', expected a number and its unit as in 90s, 5m, 2h, 100steps, 3epochs, or none");
}

double duration(const std::string& text) {
  if (const auto parts = number_and_unit(text))
    if (const auto seconds = seconds_of(parts->first, parts->second)) return *seconds;
  throw Failure(ExitCode::usage, "is '", text, "', expected a time as in 90s, 55m, 2h");
}

std::string checkpoint_name(Index step) { return text(kPrefix, step, kEnding); }
bool is_checkpoint(const fs::path& file) { return step_of(file).has_value(); }

std::vector<fs::path> checkpoints_in(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code problem;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, problem))
    if (is_checkpoint(entry.path())) files.push_back(entry.path());
  std::ranges::sort(files, std::ranges::greater{}, [](const fs::path& f) { return *step_of(f); });
  return files;
}

std::optional<fs::path> find_checkpoint(const std::string& which, const std::string& out) {
  const auto newest = [](const fs::path& folder) -> std::optional<fs::path> {
    for (const fs::path& place : {folder / ".run", folder})
      if (const auto files = checkpoints_in(place); !files.empty()) return files.front();
    return std::nullopt;
  };
  if (which == "auto") {
    if (out.empty()) throw Failure(ExitCode::usage, "--resume auto needs --out, where it looks");
    return newest(out);
  }
  require_there(which, "checkpoint, or folder of a run (--resume)");
  if (!fs::is_directory(which)) return which;
  if (const auto found = newest(which)) return found;
  throw Failure(ExitCode::bad_input, which, ": has no ", kPrefix, "*", kEnding,
                ", expected the folder of a training that left one (--resume)");
}

fs::path run_folder_of(const fs::path& checkpoint) {
  fs::path folder = checkpoint.parent_path();
  if (folder.filename() == ".run") folder = folder.parent_path();
  return folder.empty() ? fs::path(".") : folder;
}

std::string CheckpointNotes::text() const {
  nlohmann::ordered_json json;
  json["config"] = config;
  json["data_checksum"] = data_checksum;
  return json.dump();
}

CheckpointNotes CheckpointNotes::from(const io::ModelFile& file) {
  const auto json = nlohmann::json::parse(io::notes_in(file), nullptr, false);
  if (!json.is_object() || !json.contains("config") || !json["config"].is_string() ||
      !json.contains("data_checksum") || !json["data_checksum"].is_number_unsigned())
    throw io::FormatError(file.path, "training.notes",
                          "are not those of `longhand train`, which goes on from its own "
                          "checkpoints alone");
  return {json["config"], json["data_checksum"]};
}

std::uint32_t checksum_of(const DataSet& data) {
  uLong crc = 0;
  const auto add = [&](const auto& values) {
    if (values.empty()) return;  // zlib begins anew where there is no pointer
    crc = ::crc32_z(crc, reinterpret_cast<const Bytef*>(values.data()),
                    values.size() * sizeof(values[0]));
  };
  std::visit(
      [&](const auto& numbers) {
        add(numbers.bytes);
        add(numbers.input);
        add(numbers.condition);
        add(numbers.mask);
      },
      data.numbers);
  return static_cast<std::uint32_t>(crc);
}

}  // namespace longhand::cli
