// SPDX-License-Identifier: MIT
#include "canvas.hpp"

#include <cairo-svg.h>
#include <cairo.h>

#include <array>
#include <cmath>
#include <numbers>
#include <stdexcept>

namespace longhand::cli {
namespace {

constexpr double kPixels = 2;  // of the PNG in each direction per point

cairo_status_t append(void* to, const unsigned char* data, unsigned int length) {
  const auto* const bytes = reinterpret_cast<const std::byte*>(data);
  static_cast<std::vector<std::byte>*>(to)->insert(static_cast<std::vector<std::byte>*>(to)->end(),
                                                   bytes, bytes + length);
  return CAIRO_STATUS_SUCCESS;
}

}  // namespace

struct Canvas::Cairo {
  std::vector<std::byte> written;
  bool svg;
  cairo_surface_t* surface;
  cairo_t* context;
};

Colour Mark::colour() const {
  // From dark to light and back, so that neighbours differ in grey: Okabe and Ito's colours, which
  // most people can tell apart, and two more.
  static constexpr std::array<Colour, 10> colours{{{0, 0, 0},
                                                   {0.90, 0.62, 0},
                                                   {0, 0.45, 0.70},
                                                   {0.34, 0.71, 0.91},
                                                   {0.84, 0.37, 0},
                                                   {0.80, 0.60, 0.70},
                                                   {0, 0.62, 0.45},
                                                   {0.70, 0.68, 0.20},
                                                   {0.35, 0.20, 0.50},
                                                   {0.60, 0.60, 0.60}}};
  return colours[number % colours.size()];
}

Canvas::Canvas(double width, double height, bool svg)
    : width_(width), height_(height), cairo_(new Cairo{{}, svg, nullptr, nullptr}) {
  cairo_->surface =
      svg ? cairo_svg_surface_create_for_stream(append, &cairo_->written, width, height)
          : cairo_image_surface_create(CAIRO_FORMAT_RGB24, static_cast<int>(width * kPixels),
                                       static_cast<int>(height * kPixels));
  cairo_->context = cairo_create(cairo_->surface);
  if (!svg) cairo_scale(cairo_->context, kPixels, kPixels);
  cairo_select_font_face(cairo_->context, "sans-serif", CAIRO_FONT_SLANT_NORMAL,
                         CAIRO_FONT_WEIGHT_NORMAL);
  cairo_set_line_join(cairo_->context, CAIRO_LINE_JOIN_ROUND);
  rectangle(0, 0, width, height, {1, 1, 1});
}

Canvas::~Canvas() {
  cairo_destroy(cairo_->context);
  cairo_surface_destroy(cairo_->surface);
}

double Canvas::width_of(const std::string& text, double size) const {
  cairo_set_font_size(cairo_->context, size);
  cairo_text_extents_t extents;
  cairo_text_extents(cairo_->context, text.c_str(), &extents);
  return extents.x_advance;
}

void Canvas::write(const std::string& text, double x, double y, Align align, double size,
                   Colour colour, bool upwards) {
  cairo_t* const c = cairo_->context;
  const double width = width_of(text, size);
  cairo_font_extents_t font;
  cairo_font_extents(c, &font);
  cairo_save(c);
  cairo_translate(c, x, y);
  if (upwards) cairo_rotate(c, -std::numbers::pi / 2);
  const double along = align == Align::left ? 0 : align == Align::centre ? -width / 2 : -width;
  cairo_move_to(c, along, (font.ascent - font.descent) / 2);
  cairo_set_source_rgb(c, colour.red, colour.green, colour.blue);
  cairo_show_text(c, text.c_str());
  cairo_restore(c);
}

void Canvas::line(const std::vector<double>& x, const std::vector<double>& y, Colour colour,
                  double width, double dash) {
  cairo_t* const c = cairo_->context;
  cairo_new_path(c);
  for (std::size_t k = 0; k < x.size(); ++k) cairo_line_to(c, x[k], y[k]);
  cairo_set_source_rgb(c, colour.red, colour.green, colour.blue);
  cairo_set_line_width(c, width);
  cairo_set_dash(c, &dash, dash > 0 ? 1 : 0, 0);
  cairo_stroke(c);
  cairo_set_dash(c, nullptr, 0, 0);
}

void Canvas::rectangle(double x, double y, double width, double height, Colour colour) {
  cairo_t* const c = cairo_->context;
  cairo_rectangle(c, x, y, width, height);
  cairo_set_source_rgb(c, colour.red, colour.green, colour.blue);
  cairo_fill(c);
}

void Canvas::mark(Mark kind, double x, double y, double radius) {
  cairo_t* const c = cairo_->context;
  const Colour colour = kind.colour();
  cairo_set_source_rgb(c, colour.red, colour.green, colour.blue);
  cairo_set_line_width(c, radius / 2.5);
  const auto corners = [&](int count, double turn) {
    cairo_new_path(c);
    for (int k = 0; k < count; ++k) {
      const double angle = 2 * std::numbers::pi * k / count + turn;
      cairo_line_to(c, x + 1.2 * radius * std::sin(angle), y - 1.2 * radius * std::cos(angle));
    }
    cairo_close_path(c);
  };
  const auto strokes = [&](int count, double turn) {
    for (int k = 0; k < count; ++k) {
      const double angle = std::numbers::pi * k / count + turn, dx = 1.2 * radius * std::sin(angle),
                   dy = 1.2 * radius * std::cos(angle);
      cairo_move_to(c, x - dx, y + dy);
      cairo_line_to(c, x + dx, y - dy);
    }
    cairo_stroke(c);
  };
  const double quarter = std::numbers::pi / 4;
  switch (kind.number % 10) {
    case 0:
      cairo_new_path(c);
      cairo_arc(c, x, y, radius, 0, 2 * std::numbers::pi);
      return cairo_fill(c);
    case 1:
      corners(4, quarter);
      return cairo_fill(c);
    case 2:
      corners(3, 0);
      return cairo_fill(c);
    case 3:
      strokes(2, quarter);
      return;
    case 4:
      corners(4, 0);
      return cairo_fill(c);
    case 5:
      strokes(2, 0);
      return;
    case 6:
      corners(3, std::numbers::pi);
      return cairo_fill(c);
    case 7:
      cairo_new_path(c);
      cairo_arc(c, x, y, radius, 0, 2 * std::numbers::pi);
      return cairo_stroke(c);
    case 8:
      corners(4, quarter);
      return cairo_stroke(c);
    default:
      strokes(3, 0);
  }
}

void Canvas::picture(const std::vector<std::uint8_t>& pixels, int columns, int rows, int channels,
                     double x, double y, double width, double height) {
  cairo_t* const c = cairo_->context;
  cairo_surface_t* const image = cairo_image_surface_create(CAIRO_FORMAT_RGB24, columns, rows);
  unsigned char* const data = cairo_image_surface_get_data(image);
  const int stride = cairo_image_surface_get_stride(image);
  for (int i = 0; data != nullptr && i < rows; ++i)
    for (int j = 0; j < columns; ++j) {
      const auto* const pixel = &pixels[static_cast<std::size_t>((i * columns + j) * channels)];
      const std::uint32_t red = pixel[0], green = pixel[channels == 3 ? 1 : 0],
                          blue = pixel[channels == 3 ? 2 : 0];
      reinterpret_cast<std::uint32_t*>(data + i * stride)[j] = red << 16 | green << 8 | blue;
    }
  cairo_surface_mark_dirty(image);
  cairo_save(c);
  cairo_translate(c, x, y);
  cairo_scale(c, width / columns, height / rows);
  cairo_set_source_surface(c, image, 0, 0);
  cairo_pattern_set_filter(cairo_get_source(c), CAIRO_FILTER_NEAREST);
  cairo_paint(c);
  cairo_restore(c);
  cairo_surface_destroy(image);
}

void Canvas::clip(double x, double y, double width, double height) {
  cairo_rectangle(cairo_->context, x, y, width, height);
  cairo_clip(cairo_->context);
}
void Canvas::unclip() { cairo_reset_clip(cairo_->context); }

std::vector<std::byte> Canvas::bytes() {
  cairo_status_t status = cairo_status(cairo_->context);
  if (status == CAIRO_STATUS_SUCCESS && !cairo_->svg)
    status = cairo_surface_write_to_png_stream(cairo_->surface, append, &cairo_->written);
  cairo_surface_finish(cairo_->surface);
  if (status == CAIRO_STATUS_SUCCESS) status = cairo_surface_status(cairo_->surface);
  if (status != CAIRO_STATUS_SUCCESS)
    throw std::runtime_error(std::string("the plot cannot be drawn: ") +
                             cairo_status_to_string(status));
  return std::move(cairo_->written);
}

}  // namespace longhand::cli
