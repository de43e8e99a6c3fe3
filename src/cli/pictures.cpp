// SPDX-License-Identifier: MIT
#include "pictures.hpp"

#include <cmath>

#include "failure.hpp"
#include "output.hpp"

namespace longhand::cli {

Shades shades_of(const InputTransform& transform) {
  if (transform.kind == InputTransform::Kind::unit) return {transform.shift[0], transform.scale[0]};
  if (transform.kind == InputTransform::Kind::symmetric)
    return {transform.shift[0] - transform.scale[0], 2 * transform.scale[0]};
  return {};
}

io::Image sheet_of(const Rows& pictures, const std::array<Index, 3>& image, Index columns,
                   const InputTransform& transform, std::size_t border) {
  const Shades range = shades_of(transform);
  std::vector<float> shades;
  shades.reserve(pictures.values.size());
  for (const double v : pictures.values) shades.push_back(static_cast<float>(range.of(v)));
  const auto size = [](Index n) { return static_cast<std::size_t>(n); };
  const io::Grid grid{.rows = size((pictures.count + columns - 1) / columns),
                      .cols = size(columns),
                      .border = border};
  const io::ImageShape shape{size(image[0]), size(image[1]), size(image[2])};
  return io::tile(shades, shape, grid);
}

void write_sheet(const std::string& path, const Rows& pictures, const std::array<Index, 3>& image,
                 Index columns, const InputTransform& transform) {
  const io::Image sheet = sheet_of(pictures, image, columns, transform);
  writing([&] { io::write_png(path, sheet); });
}

Rows stacked(const std::vector<Rows>& layers, Index columns) {
  const Index count = layers.front().count, dim = layers.front().dim,
              lines = (count + columns - 1) / columns, depth = static_cast<Index>(layers.size());
  Rows sheet(depth * lines * columns, dim);
  for (Index layer = 0; layer < depth; ++layer)
    for (Index row = 0; row < count; ++row) {
      const Index place = (row / columns * depth + layer) * columns + row % columns;
      for (Index i = 0; i < dim; ++i)
        sheet(place, i) = layers[static_cast<std::size_t>(layer)](row, i);
    }
  return sheet;
}

Index square_columns(Index count) {
  return static_cast<Index>(std::ceil(std::sqrt(static_cast<double>(count))));
}

void require_image(const std::array<Index, 3>& image) {
  if (image[0] == 0)
    throw Failure(ExitCode::usage,
                  "a .png needs to know the shape of a picture: --image HxW or HxWx3");
}

}  // namespace longhand::cli
