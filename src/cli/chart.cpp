// SPDX-License-Identifier: MIT
#include "chart.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

namespace longhand::cli {
namespace {

constexpr double kText = 11, kSmall = 9;
constexpr Colour kBlack{}, kGrey{0.35, 0.35, 0.35}, kPale{0.88, 0.88, 0.88};

/// A number as short as it can be at this step between neighbours.
std::string tick_text(double value, double step) {
  const int decimals = std::clamp(static_cast<int>(std::ceil(-std::log10(step) - 1e-9)), 0, 12);
  char digits[64];
  if (std::abs(value) < step / 1e6) value = 0;
  if (std::abs(value) >= 1e7)
    std::snprintf(digits, sizeof digits, "%.3g", value);
  else
    std::snprintf(digits, sizeof digits, "%.*f", decimals, value);
  return digits;
}

/// The part of the canvas that the data have, and what is written around it.
struct Frame {
  double left, top, right, bottom;

  Frame(Canvas& canvas, const ChartText& text, double left_margin, double right_margin,
        double bottom_margin = 62)
      : left(left_margin),
        top(40),
        right(canvas.width() - right_margin),
        bottom(canvas.height() - bottom_margin) {
    canvas.write(text.title, (left + right) / 2, 20, Align::centre, 13);
    canvas.write(text.x, (left + right) / 2, bottom + 32, Align::centre, kText);
    canvas.write(text.y, 14, (top + bottom) / 2, Align::centre, kText, kBlack, true);
    canvas.write(text.source, 8, canvas.height() - 10, Align::left, kSmall, kGrey);
  }
  double width() const { return right - left; }
  double height() const { return bottom - top; }
  void border(Canvas& canvas) const {
    canvas.line({left, left, right, right, left}, {top, bottom, bottom, top, top}, kBlack, 1);
  }
};

/// The extent of numbers, widened a little; [-1, 1] around one that is alone.
struct Extent {
  double low = std::numeric_limits<double>::infinity(), high = -low;

  void add(double v) {
    if (!std::isfinite(v)) return;
    low = std::min(low, v);
    high = std::max(high, v);
  }
  void widen() {
    if (!(low <= high)) low = 0, high = 0;
    const double room = high > low ? 0.04 * (high - low) : std::max(1.0, std::abs(low) * 0.1);
    low -= room;
    high += room;
  }
};

}  // namespace

std::vector<double> ticks(double low, double high, int wanted) {
  const double rough = (high - low) / std::max(wanted, 1);
  if (!(rough > 0) || !std::isfinite(rough)) return {};
  const double power = std::pow(10, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double factor : {1.0, 2.0, 5.0})
    if (factor * power >= rough * (1 - 1e-9)) {
      step = factor * power;
      break;
    }
  std::vector<double> all;
  for (double k = std::ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; ++k)
    all.push_back(k * step);
  return all;
}

void draw_series(Canvas& canvas, const ChartText& text, const std::vector<Series>& series) {
  double widest = 0;
  bool legend = false;
  Extent x, y;
  for (const Series& s : series) {
    widest = std::max(widest, canvas.width_of(s.name, kText));
    legend = legend || !s.name.empty();
    for (std::size_t k = 0; k < s.x.size(); ++k) {
      if (!std::isfinite(s.x[k]) || !std::isfinite(s.y[k])) continue;
      x.add(s.x[k]);
      y.add(s.y[k]);
    }
  }
  x.widen();
  y.widen();
  const std::vector<double> across = ticks(x.low, x.high, 8), up = ticks(y.low, y.high, 8);
  const auto step = [](const std::vector<double>& all) {
    return all.size() > 1 ? all[1] - all[0] : 1.0;
  };
  double numbers = 0;
  for (const double v : up)
    numbers = std::max(numbers, canvas.width_of(tick_text(v, step(up)), kText));
  const Frame frame(canvas, text, 36 + numbers, legend ? 46 + widest : 16);
  const auto at_x = [&](double v) {
    return frame.left + (v - x.low) / (x.high - x.low) * frame.width();
  };
  const auto at_y = [&](double v) {
    return frame.bottom - (v - y.low) / (y.high - y.low) * frame.height();
  };
  for (const double v : across) {
    canvas.line({at_x(v), at_x(v)}, {frame.top, frame.bottom}, kPale, 0.7);
    canvas.write(tick_text(v, step(across)), at_x(v), frame.bottom + 12, Align::centre, kText);
  }
  for (const double v : up) {
    canvas.line({frame.left, frame.right}, {at_y(v), at_y(v)}, kPale, 0.7);
    canvas.write(tick_text(v, step(up)), frame.left - 6, at_y(v), Align::right, kText);
  }

  canvas.clip(frame.left, frame.top, frame.width(), frame.height());
  std::size_t longest = 0;
  for (const Series& s : series) {
    longest = std::max(longest, s.x.size());
    if (!s.joined) continue;
    std::vector<double> px, py;
    for (std::size_t k = 0; k < s.x.size(); ++k) {
      if (!std::isfinite(s.x[k]) || !std::isfinite(s.y[k])) continue;
      px.push_back(at_x(s.x[k]));
      py.push_back(at_y(s.y[k]));
    }
    canvas.line(px, py, s.mark.colour(), 1.6, s.dash);
    // A few marks on a long line, so that it is known without its colour.
    const std::size_t every = std::max<std::size_t>(1, px.size() / 12);
    for (std::size_t k = 0; k < px.size(); k += every) canvas.mark(s.mark, px[k], py[k], 2.6);
  }
  // Points in turn, so that no series lies on top of all others.
  const double radius = longest > 300 ? 1.6 : 2.4;
  for (std::size_t k = 0; k < longest; ++k)
    for (const Series& s : series)
      if (!s.joined && k < s.x.size() && std::isfinite(s.x[k]) && std::isfinite(s.y[k]))
        canvas.mark(s.mark, at_x(s.x[k]), at_y(s.y[k]), radius);
  canvas.unclip();
  frame.border(canvas);
  double line = frame.top + 8;
  for (const Series& s : series) {
    if (s.name.empty()) continue;
    const double mark_x = frame.right + 20;
    if (s.joined)
      canvas.line({mark_x - 11, mark_x + 11}, {line, line}, s.mark.colour(), 1.6, s.dash);
    canvas.mark(s.mark, mark_x, line, 3.2);
    canvas.write(s.name, mark_x + 16, line, Align::left, kText);
    line += 17;
    if (line > frame.bottom) break;
  }
}

void draw_table(Canvas& canvas, const ChartText& text, const Table& table) {
  double names = 0;
  for (const std::string& name : table.rows) names = std::max(names, canvas.width_of(name, kText));
  double below = 0;
  for (const std::string& name : table.columns)
    below = std::max(below, canvas.width_of(name, kText));
  const auto rows = table.rows.size(), columns = table.columns.size();
  const double room = canvas.width() - 52 - names;
  const bool turned = below + 6 > room / static_cast<double>(columns);
  const Frame frame(canvas, text, 36 + names, 16, turned ? 62 + below : 62);
  const double width = frame.width() / static_cast<double>(columns),
               height = frame.height() / static_cast<double>(rows);
  for (std::size_t i = 0; i < rows; ++i) {
    const double y = frame.top + static_cast<double>(i) * height;
    canvas.write(table.rows[i], frame.left - 6, y + height / 2, Align::right, kText);
    for (std::size_t j = 0; j < columns; ++j) {
      const double x = frame.left + static_cast<double>(j) * width,
                   v = table.values[i * columns + j];
      if (!std::isfinite(v)) continue;
      const double depth = std::min(1.0, std::abs(v));
      // The two signs differ in grey too: a full 1 is darker than a full -1.
      const Colour full = v > 0 ? Colour{0.03, 0.19, 0.42} : Colour{0.85, 0.37, 0.25};
      canvas.rectangle(
          x, y, width, height,
          {1 + depth * (full.red - 1), 1 + depth * (full.green - 1), 1 + depth * (full.blue - 1)});
      char digits[16];
      std::snprintf(digits, sizeof digits, "%+.2f", v);
      if (canvas.width_of(digits, kSmall) + 2 < width && height > kSmall + 1)
        canvas.write(digits, x + width / 2, y + height / 2, Align::centre, kSmall,
                     v > 0.55 || v < -0.8 ? Colour{1, 1, 1} : kBlack);
    }
  }
  for (std::size_t j = 0; j < columns; ++j) {
    const double x = frame.left + (static_cast<double>(j) + 0.5) * width;
    if (turned)
      canvas.write(table.columns[j], x, frame.bottom + 6, Align::right, kText, kBlack, true);
    else
      canvas.write(table.columns[j], x, frame.bottom + 12, Align::centre, kText);
  }
  frame.border(canvas);
}

void draw_grid(Canvas& canvas, const ChartText& text, const PictureGrid& grid) {
  const Frame frame(canvas, text, 60, 16);
  const std::size_t n = grid.at.size();
  const double width = frame.width() / static_cast<double>(n),
               height = frame.height() / static_cast<double>(n);
  const std::size_t every = n > 12 ? (n + 5) / 6 : 2;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j)
      canvas.picture(grid.pictures[i * n + j], grid.width, grid.height, grid.channels,
                     frame.left + static_cast<double>(j) * width,
                     frame.top + static_cast<double>(i) * height, width, height);
    if (i % every != (n / 2) % every) continue;
    canvas.write(tick_text(grid.at[i], 0.01), frame.left + (static_cast<double>(i) + 0.5) * width,
                 frame.bottom + 12, Align::centre, kText);
    canvas.write(tick_text(grid.at[n - 1 - i], 0.01), frame.left - 6,
                 frame.top + (static_cast<double>(i) + 0.5) * height, Align::right, kText);
  }
  frame.border(canvas);
}

}  // namespace longhand::cli
