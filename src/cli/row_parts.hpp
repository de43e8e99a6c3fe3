// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "longhand/core/view.hpp"

/// Which rows of a file a model was trained on, and which were kept from it: `rows.json` of a run.
namespace longhand::cli {

struct RowParts {
  std::string file;   ///< absolute path of the file of the rows
  std::string split;  ///< of an IDX folder, as DataSet::split
  Index rows_in_file = 0;
  // Rows of the file, from 0, ascending. The model was trained on what is in neither of the lists,
  // from `first` to `end` - 1.
  std::uint32_t first = 0, end = 0;
  std::vector<std::uint32_t> validation, test;

  std::string text() const;
  /// The rows of "train", "validation" or "test".
  std::vector<std::uint32_t> part(const std::string& name) const;
};

/// What stands beside a model file; nothing if it has no rows.json. Throws Failure (bad_input) if
/// that is none.
std::optional<RowParts> row_parts_beside(const std::string& model);

}  // namespace longhand::cli
