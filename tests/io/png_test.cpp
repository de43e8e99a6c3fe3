// SPDX-License-Identifier: MIT
#include "longhand/io/png.hpp"

#include <doctest/doctest.h>
#include <png.h>

#include <array>
#include <limits>
#include <stdexcept>

#include "files.hpp"

using files::Bytes;
using files::Folder;
using files::raw;
using files::rejected;
using files::text;
using longhand::io::encode_png;
using longhand::io::FormatError;
using longhand::io::Grid;
using longhand::io::Image;
using longhand::io::ImageShape;
using longhand::io::tile;
using longhand::io::write_png;
using Pixels = std::vector<std::uint8_t>;

namespace {

/// The judge: libpng's reader.
Image decode(const Bytes& file) {
  png_image png{};
  png.version = PNG_IMAGE_VERSION;
  REQUIRE(png_image_begin_read_from_memory(&png, file.data(), file.size()) != 0);
  const bool color = (png.format & PNG_FORMAT_FLAG_COLOR) != 0;
  png.format = color ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
  Image image{png.height, png.width, color ? 3u : 1u, Pixels(PNG_IMAGE_SIZE(png))};
  REQUIRE(png_image_finish_read(&png, nullptr, image.pixels.data(), 0, nullptr) != 0);
  return image;
}

Pixels ramp(std::size_t size) {
  Pixels pixels(size);
  for (std::size_t i = 0; i < size; ++i) pixels[i] = static_cast<std::uint8_t>(i * 37);
  return pixels;
}

}  // namespace

TEST_CASE("png: grey and RGB images come back through libpng's reader") {
  for (const std::size_t channels : {1u, 3u}) {
    const Image image{5, 7, channels, ramp(5 * 7 * channels)};
    const Image back = decode(encode_png(image));
    CHECK(back.height == 5);
    CHECK(back.width == 7);
    CHECK(back.channels == channels);
    CHECK(back.pixels == image.pixels);
    CHECK(encode_png(image) == encode_png(image));
  }
}

TEST_CASE("png: golden first bytes") {
  // Signature; IHDR of 13 bytes: width 3, height 2, depth 8, RGB, deflate, no filter method but 0,
  // not interlaced; its CRC as computed with Python's zlib.crc32.
  const std::string file = text(encode_png({2, 3, 3, Pixels(18)}));
  CHECK(file.substr(0, 33) ==
        raw("\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR\x00\x00\x00\x03\x00\x00\x00"
            "\x02\x08\x02\x00\x00\x00\x12\x16\xf1\x4d"));
  CHECK(file.substr(file.size() - 12) == raw("\x00\x00\x00\x00IEND\xae\x42\x60\x82"));
}

TEST_CASE("png: a file, and places where none can be") {
  const Folder folder;
  const Image image{1, 1, 1, {200}};
  write_png(folder / "file.png", image);
  CHECK(decode(longhand::io::read_file(folder / "file.png")).pixels == Pixels{200});
  files::check_no_place([&](const std::filesystem::path& path) { write_png(path, image); });
}

TEST_CASE("png: images that contradict themselves are refused") {
  const auto refuse = [](const Image& image) {
    rejected<FormatError>([&] { encode_png(image, "out"); }, "out", "image");
  };
  refuse({2, 2, 1, Pixels(3)});
  refuse({2, 2, 1, Pixels(5)});
  refuse({2, 2, 2, Pixels(8)});
  refuse({2, 2, 4, Pixels(16)});
  refuse({0, 2, 1, {}});
  refuse({2, 0, 1, {}});
  refuse({1'000'001, 1, 1, Pixels(1'000'001)});
  refuse({std::size_t{1} << 33, std::size_t{1} << 33, 1, {}});
}

TEST_CASE("tile: three grey images on a 2 x 2 sheet, worked by hand") {
  // Images of 1 x 2; values round to nearest, beyond [0, 1] they are clamped, NaN is black.
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::array<float, 6> images = {0.0f, 1.0f, 0.5f, -3.0f, 7.0f, nan};
  const Image sheet =
      tile(images, {.height = 1, .width = 2}, {.rows = 2, .cols = 2, .border = 1, .shade = 9});
  CHECK(sheet.height == 5);
  CHECK(sheet.width == 7);
  CHECK(sheet.channels == 1);
  CHECK(sheet.pixels == Pixels{9, 9,   9,   9, 9,   9, 9,  //
                               9, 0,   255, 9, 128, 0, 9,  //
                               9, 9,   9,   9, 9,   9, 9,  //
                               9, 255, 0,   9, 9,   9, 9,  //
                               9, 9,   9,   9, 9,   9, 9});
}

TEST_CASE("tile: colour, channel fastest, and no border") {
  const std::array<float, 6> images = {1.0f, 0.0f, 0.2f, 0.4f, 0.6f, 0.8f};
  const Image sheet = tile(images, {1, 1, 3}, {.rows = 1, .cols = 2, .border = 0});
  CHECK(sheet.width == 2);
  CHECK(sheet.pixels == Pixels{255, 0, 51, 102, 153, 204});
  const Image column = tile(images, {1, 1, 3}, {.rows = 2, .cols = 1, .border = 2});
  CHECK(column.height == 8);
  CHECK(column.width == 5);
  CHECK(column.pixels[(2 * 5 + 2) * 3] == 255);
  CHECK(column.pixels[(5 * 5 + 2) * 3 + 2] == 204);
  CHECK(encode_png(column).size() > 0);
}

TEST_CASE("tile: what makes no sheet is refused") {
  const std::array<float, 8> images{};
  const auto refuse = [&](const ImageShape& shape, const Grid& grid) {
    CHECK_THROWS_AS(tile(images, shape, grid), std::invalid_argument);
  };
  constexpr std::size_t huge = ~std::size_t{0};
  refuse({3, 1, 1}, {3, 1});  // no whole number of images
  refuse({1, 4, 1}, {1, 1});  // more images than places
  refuse({0, 4, 1}, {2, 2});
  refuse({4, 0, 1}, {2, 2});
  refuse({1, 4, 2}, {2, 2});
  refuse({1, 4, 1}, {0, 2});
  refuse({1, 4, 1}, {2, 0});
  refuse({1, 4, 1}, {huge, 2});
  refuse({huge, 4, 1}, {2, 2});
  refuse({1, 4, 1}, {.rows = 2, .cols = 2, .border = huge});
  refuse({1, 4, 1}, {.rows = 500'000, .cols = 2});
}
