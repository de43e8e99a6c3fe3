// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <string>
#include <vector>

#include "longhand/io/png.hpp"
#include "model.hpp"

namespace longhand::cli {

/// What becomes black and white: the range of the input transform; without one that is [0, 1].
struct Shades {
  double low = 0, range = 1;
  double of(double value) const { return (value - low) / range; }
};
Shades shades_of(const InputTransform& transform);

/// Rows as pictures on one sheet, `columns` of them side by side, with lines of `border` pixels
/// between them, in the shades of the input transform.
io::Image sheet_of(const Rows& pictures, const std::array<Index, 3>& image, Index columns,
                   const InputTransform& transform, std::size_t border = 1);
/// Writes the sheet into a file.
void write_sheet(const std::string& path, const Rows& pictures, const std::array<Index, 3>& image,
                 Index columns, const InputTransform& transform);

/// Lines of pictures: those of the first layer, each over the same pictures of the next ones.
Rows stacked(const std::vector<Rows>& layers, Index columns);

/// Columns that make a sheet of `count` pictures nearly square.
Index square_columns(Index count);

/// Fails with ExitCode::usage unless the rows are pictures.
void require_image(const std::array<Index, 3>& image);

}  // namespace longhand::cli
