// SPDX-License-Identifier: MIT
// A picture of two-dimensional codes, a point per sample in the colour of its class.
//
//     code_picture CODES.npy LABELS.idx RADIUS OUT.png [FIRST]
//
// The picture shows [-RADIUS, RADIUS]²; the codes are those of the labels from number FIRST on.
#include <array>
#include <cmath>
#include <cstdint>
#include <iostream>
#include <longhand/io.hpp>
#include <stdexcept>
#include <string>
#include <vector>

int main(int argc, char** argv) try {
  using namespace longhand::io;
  if (argc < 5 || argc > 6)
    throw std::runtime_error("usage: code_picture CODES.npy LABELS.idx RADIUS OUT.png [FIRST]");
  const std::vector<double> codes = read_npy(argv[1]).as<double>();
  const std::vector<std::int64_t> labels = read_idx(argv[2]).as<std::int64_t>();
  const double radius = std::stod(argv[3]);
  const std::size_t first = argc > 5 ? std::stoull(argv[5]) : 0;
  if (first > labels.size() || codes.size() != 2 * (labels.size() - first))
    throw std::runtime_error("codes are not two numbers per label");

  constexpr std::array<std::array<std::uint8_t, 3>, 10> colours = {{{31, 119, 180},
                                                                    {255, 127, 14},
                                                                    {44, 160, 44},
                                                                    {214, 39, 40},
                                                                    {148, 103, 189},
                                                                    {140, 86, 75},
                                                                    {227, 119, 194},
                                                                    {127, 127, 127},
                                                                    {188, 189, 34},
                                                                    {23, 190, 207}}};
  constexpr int side = 512;
  Image image{side, side, 3, std::vector<std::uint8_t>(std::size_t{side} * side * 3, 255)};
  for (std::size_t i = 0; i < codes.size() / 2; ++i) {
    const auto pixel = [&](double v) { return int(std::floor((v / radius + 1) / 2 * side)); };
    const int x = pixel(codes[2 * i]), y = side - 1 - pixel(codes[2 * i + 1]);
    for (int dy = 0; dy < 2; ++dy)
      for (int dx = 0; dx < 2; ++dx) {
        if (x + dx < 0 || x + dx >= side || y + dy < 0 || y + dy >= side) continue;
        for (std::size_t c = 0; c < 3; ++c)
          image.pixels[(std::size_t(y + dy) * side + std::size_t(x + dx)) * 3 + c] =
              colours[std::size_t(labels[first + i]) % 10][c];
      }
  }
  write_png(argv[4], image);
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 2;
}
