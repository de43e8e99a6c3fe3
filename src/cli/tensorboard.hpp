// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>

#include "event_file.hpp"
#include "model.hpp"

namespace longhand::cli {

/// Throws Failure (runtime) if something other than a folder is there.
void require_folder(const std::string& path);

/// A training as TensorBoard shows it: a folder with the runs `train` and `validation`, and the
/// codes of rows for its projector.
class TensorBoard {
 public:
  /// `model` and `data` must outlive it. Throws Failure (runtime) where the folder cannot be
  /// written.
  TensorBoard(std::string folder, const Model& model, const DataSet& data, std::uint64_t seed);

  /// Scalars of one report; after those of an epoch's training also histograms of all weights and,
  /// for pictures, some reconstructions and samples.
  void epoch(const EpochReport& report);
  /// The codes of the first rows under the weights that were kept, with their pictures, and with
  /// labels, one for each row of the data; an empty list leaves them out.
  void finish(const std::vector<std::string>& labels) const;

 private:
  EventFile& file_of(Split split);
  EncodedPicture sheet(const Rows& pictures, Index columns) const;

  std::string folder_;
  const Model& model_;
  const DataSet& data_;
  std::uint64_t seed_;
  std::optional<EventFile> train_, validation_;
};

}  // namespace longhand::cli
