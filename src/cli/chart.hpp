// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "canvas.hpp"

/// Charts with axes, a title and a line that says what they were made from.
namespace longhand::cli {

/// The words of a chart.
struct ChartText {
  std::string title, x, y;
  std::string source;  ///< below the chart
};

/// Points or a line of one kind.
struct Series {
  std::string name;  ///< in the legend; empty: not there
  std::vector<double> x, y;
  Mark mark;
  bool joined = false;  ///< a line through the points
  double dash = 0;      ///< of the line
};

/// A number for each of some rows and columns that have names.
struct Table {
  std::vector<std::string> rows, columns;
  std::vector<double> values;  ///< row after row, from -1 to 1; NaN is left white
};

/// Round numbers within [low, high], about as many as `wanted`.
std::vector<double> ticks(double low, double high, int wanted);

/// Series in a frame with axes; points that are not finite are left out.
void draw_series(Canvas& canvas, const ChartText& text, const std::vector<Series>& series);

/// A table as squares, white for 0 and dark for -1 (red) and 1 (blue), with the numbers in them.
void draw_table(Canvas& canvas, const ChartText& text, const Table& table);

/// A square of pictures with axes that say where each is: one per number of `at` in both
/// directions, the first line at the largest y.
struct PictureGrid {
  std::vector<double> at;
  int width = 0, height = 0, channels = 1;
  std::vector<std::vector<std::uint8_t>> pictures;  ///< line after line
};
void draw_grid(Canvas& canvas, const ChartText& text, const PictureGrid& grid);

}  // namespace longhand::cli
