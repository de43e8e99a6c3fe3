// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

/// A page to draw on, written as PNG or SVG, through Cairo. Lengths are in points of the SVG, and
/// two pixels of the PNG each; y grows downwards.
namespace longhand::cli {

struct Colour {
  double red = 0, green = 0, blue = 0;
};

/// The shape and colour of what belongs together. Neighbouring ones differ in shape and in how dark
/// they are, so that they can be told apart in grey.
struct Mark {
  std::size_t number = 0;

  Colour colour() const;
};

enum class Align { left, centre, right };

class Canvas {
 public:
  Canvas(double width, double height, bool svg);
  ~Canvas();
  Canvas(const Canvas&) = delete;
  Canvas& operator=(const Canvas&) = delete;

  double width() const { return width_; }
  double height() const { return height_; }

  /// `upwards`: turned by a quarter, to be read from below to above. y is the middle of the line.
  void write(const std::string& text, double x, double y, Align align, double size,
             Colour colour = {}, bool upwards = false);
  double width_of(const std::string& text, double size) const;
  /// Through all points; `dash` leaves gaps of that length.
  void line(const std::vector<double>& x, const std::vector<double>& y, Colour colour, double width,
            double dash = 0);
  void rectangle(double x, double y, double width, double height, Colour colour);
  /// A mark of this radius around a point.
  void mark(Mark kind, double x, double y, double radius);
  /// Pixels from 0 to 255, `channels` (1 or 3) numbers each, row after row, without smoothing.
  void picture(const std::vector<std::uint8_t>& pixels, int columns, int rows, int channels,
               double x, double y, double width, double height);
  /// Nothing outside of this rectangle is drawn from now on, until unclip().
  void clip(double x, double y, double width, double height);
  void unclip();

  /// The file. Nothing can be drawn after it. Throws std::runtime_error where Cairo fails.
  std::vector<std::byte> bytes();

 private:
  struct Cairo;
  double width_, height_;
  std::unique_ptr<Cairo> cairo_;
};

}  // namespace longhand::cli
