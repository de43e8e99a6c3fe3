// SPDX-License-Identifier: MIT
#include "longhand/io/png.hpp"

#include <png.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "longhand/io/error.hpp"
#include "longhand/io/file.hpp"
#include "longhand/io/tensor.hpp"
#include "message.hpp"

namespace longhand::io {
namespace {

/// libpng's own limit for a width or a height.
constexpr std::size_t max_side = 1'000'000;

bool agrees(const Image& image) {
  const std::array<std::uint64_t, 3> dims = {image.height, image.width, image.channels};
  return (image.channels == 1 || image.channels == 3) && image.height >= 1 && image.width >= 1 &&
         image.height <= max_side && image.width <= max_side &&
         checked_extent(dims, Dtype::u8) == image.pixels.size();
}

/// [0, 1] to 0..255, to nearest; NaN compares false and becomes 0.
std::uint8_t to_byte(float value) {
  if (!(value > 0)) return 0;
  return static_cast<std::uint8_t>(std::lround(std::min(value, 1.0f) * 255.0f));
}

/// Places of `size` pixels with a border before, between and after; 0 when that is absurd.
std::size_t sheet_side(std::size_t places, std::size_t size, std::size_t border) {
  if (places < 1 || size < 1 || std::max({places, size, border}) > max_side) return 0;
  const std::size_t side = places * (size + border) + border;
  return side <= max_side ? side : 0;
}

}  // namespace

Image tile(std::span<const float> images, const ImageShape& shape, const Grid& grid) {
  Image sheet;
  sheet.height = sheet_side(grid.rows, shape.height, grid.border);
  sheet.width = sheet_side(grid.cols, shape.width, grid.border);
  sheet.channels = shape.channels;
  if (sheet.height == 0 || sheet.width == 0 || (shape.channels != 1 && shape.channels != 3)) {
    throw std::invalid_argument(
        cat("io::tile: ", grid.rows, " x ", grid.cols, " images of ", shape.height, " x ",
            shape.width, " x ", shape.channels, " with a border of ", grid.border,
            " make no sheet, expected sides from 1 to ", max_side, " and 1 or 3 channels"));
  }
  const std::size_t line = shape.width * shape.channels;
  const std::size_t count = images.size() / (shape.height * line);
  if (images.size() % (shape.height * line) != 0 || count > grid.rows * grid.cols) {
    throw std::invalid_argument(cat("io::tile: ", images.size(), " values, expected at most ",
                                    grid.rows * grid.cols, " images of ", shape.height * line));
  }
  sheet.pixels.assign(sheet.height * sheet.width * sheet.channels, grid.shade);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t top = i / grid.cols * (shape.height + grid.border) + grid.border;
    const std::size_t left = i % grid.cols * (shape.width + grid.border) + grid.border;
    for (std::size_t y = 0; y < shape.height; ++y) {
      const auto from = images.subspan((i * shape.height + y) * line, line);
      std::ranges::transform(
          from, sheet.pixels.data() + ((top + y) * sheet.width + left) * sheet.channels, to_byte);
    }
  }
  return sheet;
}

std::vector<std::byte> encode_png(const Image& image, std::string_view name) {
  if (!agrees(image)) {
    throw FormatError(
        name, "image",
        cat("has ", image.pixels.size(), " pixel bytes for ", image.height, " x ", image.width,
            " x ", image.channels, ", expected height x width x channels with 1 or 3 channels"));
  }
  png_image png{};
  png.version = PNG_IMAGE_VERSION;
  png.width = static_cast<png_uint_32>(image.width);
  png.height = static_cast<png_uint_32>(image.height);
  png.format = image.channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;

  // The room that incompressible pixels would take, so that one call does.
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(png);
  std::vector<std::byte> out(size);
  if (png_image_write_to_memory(&png, out.data(), &size, 0, image.pixels.data(), 0, nullptr) == 0) {
    const std::string reason = png.message;
    png_image_free(&png);
    throw FormatError(name, "image",
                      cat("cannot be compressed (", reason, "), expected libpng to"));
  }
  out.resize(size);
  return out;
}

void write_png(const std::filesystem::path& path, const Image& image) {
  write_file(path, encode_png(image, path.string()));
}

}  // namespace longhand::io
