// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>

#include "longhand/core/fused.hpp"
#include "longhand/core/normal.hpp"
#include "longhand/core/view.hpp"

/// Pictures flipped, turned and shifted by chance (docs/derivations/batch_changes.md). Backends
/// agree on which pixel comes from where to the bit, because all of it is computed in float by the
/// same functions.
namespace longhand {

/// The shape of samples that are pictures: their numbers are in the order of an image file, row
/// after row from the top, the channels of a pixel side by side.
struct Picture {
  Index height = 0, width = 0, channels = 1;
  LONGHAND_HD Index size() const { return height * width * channels; }
};

/// How far a picture may be moved.
struct PictureMoves {
  Index height = 0, width = 0, channels = 1;
  Index shift = 0;    ///< whole pixels, in each direction
  float turn = 0;     ///< quarter turns, clockwise and back
  bool flip = false;  ///< left for right, every second time

  LONGHAND_HD Index size() const { return height * width * channels; }
};

/// Numbers that a move is drawn from: four uniforms per picture.
inline constexpr Index kMoveNumbers = 4;

/// One move: from a pixel of the new picture to the place in the old one that it shows.
struct PictureMove {
  float cosine = 1, sine = 0;  ///< of the angle by which it is turned, about the middle
  float right = 0, down = 0;   ///< whole pixels
  bool flip = false;

  /// From four uniforms in (0, 1).
  template <class T>
  LONGHAND_HD static PictureMove drawn(const PictureMoves& most, const T& flip, const T& turn,
                                       const T& right, const T& down) {
    PictureMove move;
    // [CHG-2]
    move.flip = most.flip && static_cast<float>(flip) < 0.5f;
    if (most.turn != 0) {
      const float a = most.turn * fused(2.0f, static_cast<float>(turn), -1.0f);
      const float quarter = nearest_whole(a);
      const int q = static_cast<int>(quarter) & 3;
      const float c = noise::cos_quarter(a - quarter), s = noise::sin_quarter(a - quarter);
      move.cosine = q == 0 ? c : q == 1 ? -s : q == 2 ? -c : s;
      move.sine = q == 0 ? s : q == 1 ? c : q == 2 ? -s : -c;
    }
    move.right = whole(most.shift, static_cast<float>(right));
    move.down = whole(most.shift, static_cast<float>(down));
    // [/CHG-2]
    return move;
  }

  /// The number of channel `channel` at row h and column w of the moved picture, from the numbers x
  /// of the picture.
  template <class T>
  LONGHAND_HD LONGHAND_INLINE T pixel(const PictureMoves& most, const T* x, Index h, Index w,
                                      Index channel) const {
    const float middle_x = 0.5f * static_cast<float>(most.width - 1);
    const float middle_y = 0.5f * static_cast<float>(most.height - 1);
    const float a = static_cast<float>(w) - middle_x - right;
    const float b = static_cast<float>(h) - middle_y - down;
    float from_x = fused(cosine, a, fused(sine, b, middle_x));
    const float from_y = fused(cosine, b, fused(-sine, a, middle_y));
    if (flip) from_x = static_cast<float>(most.width - 1) - from_x;
    const int left = whole_below(from_x), top = whole_below(from_y);
    const T fx = T(from_x - static_cast<float>(left)), fy = T(from_y - static_cast<float>(top));
    const int rows = static_cast<int>(most.height), columns = static_cast<int>(most.width);
    const T* const from = x + channel;
    const auto at = [&](int row, int column) {
      const bool inside = row >= 0 && row < rows && column >= 0 && column < columns;
      return inside ? from[(row * columns + column) * static_cast<int>(most.channels)] : T(0);
    };
    return (T(1) - fy) * ((T(1) - fx) * at(top, left) + fx * at(top, left + 1)) +
           fy * ((T(1) - fx) * at(top + 1, left) + fx * at(top + 1, left + 1));  // [CHG-3]
  }

  /// The whole picture where nothing is turned: [CHG-3] is then one pixel for each, or 0.
  template <class T>
  void copy_pixels(const PictureMoves& most, const T* x, T* y) const {
    const Index across = static_cast<Index>(right), along = static_cast<Index>(down);
    for (Index h = 0, i = 0; h < most.height; ++h) {
      const Index row = h - along;
      for (Index w = 0; w < most.width; ++w) {
        const Index column = flip ? most.width - 1 - (w - across) : w - across;
        const bool inside = row >= 0 && row < most.height && column >= 0 && column < most.width;
        const Index from = (row * most.width + column) * most.channels;
        for (Index channel = 0; channel < most.channels; ++channel)
          y[i++] = inside ? x[from + channel] : T(0);
      }
    }
  }

 private:
  LONGHAND_HD static int whole_below(float v) {
    const auto whole = static_cast<int>(v);  // towards 0
    return static_cast<float>(whole) > v ? whole - 1 : whole;
  }
  LONGHAND_HD static float nearest_whole(float v) {
    return static_cast<float>(whole_below(v + 0.5f));
  }
  /// A whole number from -most to most, each as probable as the others.
  LONGHAND_HD static float whole(Index most, float u) {
    const float all = static_cast<float>(2 * most + 1);
    const Index k = static_cast<Index>(u * all);
    return static_cast<float>((k < 2 * most ? k : 2 * most) - most);
  }
};

/// The column y as the picture x moved by four uniforms u.
template <class T>
void move_picture(const PictureMoves& most, const T* u, const T* x, T* y) {
  const PictureMove move = PictureMove::drawn(most, u[0], u[1], u[2], u[3]);
  if (most.turn == 0) return move.copy_pixels(most, x, y);
  for (Index h = 0, i = 0; h < most.height; ++h)
    for (Index w = 0; w < most.width; ++w)
      for (Index channel = 0; channel < most.channels; ++channel)
        y[i++] = move.pixel(most, x, h, w, channel);
}

}  // namespace longhand
