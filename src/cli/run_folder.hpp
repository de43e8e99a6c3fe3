// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

#include "longhand/core/view.hpp"

namespace longhand::cli {

/// The folder of a training and what is in it: model.safetensors, config.toml, env.json,
/// rows.json, metrics.jsonl, and checkpoints. What stands there always belongs to one run. In a
/// folder that an earlier run has left, the new one lives in the hidden folder `.run` until it has
/// a model; then its files take the places of the old ones. The folder is locked while the run
/// lasts.
class RunFolder {
 public:
  /// Makes the folder if there is none, and locks it. What a run that was killed has left in
  /// `.run` is put into place if it was about to be, else deleted; but a run that goes on from
  /// `checkpoint` goes on where that one is, in the folder or in `.run`. Throws Failure where the
  /// folder cannot be used, or another process trains into it.
  explicit RunFolder(const std::string& path, const std::string& checkpoint = "");
  ~RunFolder();
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

  /// Where the model of the run will stand.
  std::string model() const { return (path_ / kModel).string(); }
  std::string metrics() const { return (path_ / "metrics.jsonl").string(); }
  /// A model of an earlier run stands there.
  bool has_earlier_model() const { return hidden_ && std::filesystem::exists(path_ / kModel); }

  /// What the other three files will hold. Nothing is written before the run has something to say.
  void describe(std::string config, std::string environment, std::string rows);
  void add_metrics(const std::string& line);
  /// Saves the model by `save(path)` and, the first time, replaces the files of an earlier run.
  void save(const std::function<void(const std::string& path)>& save);
  /// Saves a checkpoint by `save(path)`; of all there are only the newest `keep` stay.
  void save_checkpoint(Index step, Index keep,
                       const std::function<void(const std::string& path)>& save);

 private:
  static constexpr const char* kModel = "model.safetensors";

  std::filesystem::path here() const { return hidden_ ? path_ / ".run" : path_; }
  void begin();
  void move_into_place();
  void check_metrics() const;

  std::filesystem::path path_;
  int lock_ = -1;
  bool hidden_ = false;  ///< the files are in `.run`
  bool begun_ = false;
  std::string config_, environment_, rows_;
  std::ofstream metrics_;
};

}  // namespace longhand::cli
