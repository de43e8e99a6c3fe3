// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

namespace longhand::io {

/// An image of 8-bit pixels, row by row, channel fastest; 1 channel is grey, 3 are RGB (sRGB).
struct Image {
  std::size_t height = 0;
  std::size_t width = 0;
  std::size_t channels = 1;
  std::vector<std::uint8_t> pixels;
};

/// The shape of one image among many.
struct ImageShape {
  std::size_t height = 0;
  std::size_t width = 0;
  std::size_t channels = 1;
};

/// A sheet of images: `rows` x `cols` places, `border` pixels of grey `shade` around each.
struct Grid {
  std::size_t rows = 0;
  std::size_t cols = 0;
  std::size_t border = 1;
  std::uint8_t shade = 128;
};

/// Lays images out row by row on one sheet. `images` holds whole images of (height, width,
/// channels), channel fastest, in [0, 1]: values beyond are clamped and NaN becomes black. Places
/// without an image keep the shade. Throws std::invalid_argument when `images` is no whole number
/// of images, does not fit the grid, or an extent is 0 or absurd.
Image tile(std::span<const float> images, const ImageShape& shape, const Grid& grid);

/// The PNG file of an image. Throws FormatError when pixels, size and channels disagree.
std::vector<std::byte> encode_png(const Image& image, std::string_view name = "png");
/// Writes what encode_png() returns into a file, atomically. Throws FileError, FormatError.
void write_png(const std::filesystem::path& path, const Image& image);

}  // namespace longhand::io
