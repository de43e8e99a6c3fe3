// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "data.hpp"
#include "longhand/io/model_header.hpp"
#include "longhand/train/trainer.hpp"

/// Checkpoints of the program: files `checkpoint-STEP.safetensors` in the folder of a run.
namespace longhand::cli {

/// "5m", "90s", "2h", "100steps", "3epochs"; "none" is never. Throws Failure (usage).
CheckpointEvery checkpoint_every(const std::string& text);
/// "55m", "90s", "2h" in seconds. Throws Failure (usage).
double duration(const std::string& text);

std::string checkpoint_name(Index step);
bool is_checkpoint(const std::filesystem::path& file);
/// The files of a folder that are checkpoints, the newest first; none where there is no folder.
std::vector<std::filesystem::path> checkpoints_in(const std::filesystem::path& folder);

/// Where a training is to go on that was told `--resume which --out out`: `which` is a file, a
/// folder of a run, or "auto", which looks into `out` and is content with nothing there. A run that
/// has not taken its place in the folder yet is newer than the one that has. Throws Failure.
std::optional<std::filesystem::path> find_checkpoint(const std::string& which,
                                                     const std::string& out);
/// The folder of the run that a checkpoint belongs to.
std::filesystem::path run_folder_of(const std::filesystem::path& checkpoint);

/// What the program keeps in a checkpoint for itself.
struct CheckpointNotes {
  std::string config;               ///< the options in TOML
  std::uint32_t data_checksum = 0;  ///< of the rows that were trained on

  std::string text() const;
  /// Throws io::FormatError naming `file`.
  static CheckpointNotes from(const io::ModelFile& file);
};

/// The CRC-32 of all numbers, conditions and masks of a data set.
std::uint32_t checksum_of(const DataSet& data);

/// How a model's training keeps its state and goes on from one.
struct Checkpointing {
  const io::ModelFile* from = nullptr;
  /// Gets the reports of the epochs before `from`.
  std::function<void(const std::vector<EpochReport>&)> past = {};
  /// Saves a checkpoint by `save(path, notes)`, or does not. `over`: the training has ended by its
  /// epochs or early.
  using Save = std::function<void(const std::string& path, const std::string& notes)>;
  std::function<void(Index step, bool over, const Save& save)> keep = {};
  CheckpointEvery every = {};
};

}  // namespace longhand::cli
