// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <variant>

#include "longhand/core/picture_moves.hpp"
#include "longhand/train/data.hpp"

/// What happens to samples on their way into a batch (docs/derivations/batch_changes.md), as plain
/// data. Every draw is a function of the seed, the epoch and the number of the sample.
namespace longhand {

/// Grey pixels in [0, 1] as they are, drawn once as 0 or 1, drawn afresh in every epoch, or 1 where
/// they are above 1/2.
enum class Binarize { none, fixed, dynamic, threshold };

/// Samples that differ from epoch to epoch, input and target alike. Only training has them;
/// evaluation and validation see the samples as they are.
struct Augment {
  Picture picture = {};  ///< the shape of a sample; shift, rotate and flip need it
  Index shift = 0;       ///< most whole pixels up, down, left and right
  double rotate = 0;     ///< most degrees either way, about the middle
  bool flip = false;     ///< left for right, every second time
  double noise = 0;      ///< sigma of normal noise in the model's units, kept in their domain

  bool moves() const { return shift != 0 || rotate != 0 || flip; }
  bool any() const { return moves() || noise != 0; }
  PictureMoves picture_moves() const {
    return {.height = picture.height,
            .width = picture.width,
            .channels = picture.channels,
            .shift = shift,
            .turn = static_cast<float>(rotate / 90),
            .flip = flip};
  }
};

/// Inputs that are worse than their targets: what a denoising model learns from. In the order of
/// the members, in the model's units.
struct Corrupt {
  double gaussian = 0;  ///< sigma of normal noise
  double mask = 0;      ///< probability that a number becomes 0
  double salt = 0;      ///< probability that a pixel becomes black or white: 0 or 1 in user's units

  bool any() const { return gaussian != 0 || mask != 0 || salt != 0; }
};

/// All changes, in the order in which they happen.
struct BatchChanges {
  bool dequantize = false;  ///< bytes b as (b + u) / 256, u uniform, drawn afresh in every epoch
  Augment augment = {};
  Binarize binarize = Binarize::none;
  Corrupt corrupt = {};

  bool any() const {
    return dequantize || augment.any() || binarize != Binarize::none || corrupt.any();
  }
};

/// The changes as they are. Throws std::invalid_argument naming what is out of range.
inline BatchChanges checked(BatchChanges changes) {
  const auto not_negative = [](const char* name, double v) {
    require(v >= 0 && std::isfinite(v), name, " is ", v, ", expected 0 or more");
  };
  const auto probability = [](const char* name, double v) {
    require(v >= 0 && v < 1, name, " is ", v, ", expected a probability in [0, 1)");
  };
  const Augment& a = changes.augment;
  require(a.shift >= 0, "augment: shift is ", a.shift, ", expected 0 or more pixels");
  require(a.rotate >= 0 && a.rotate <= 180, "augment: rotate is ", a.rotate,
          ", expected 0 to 180 degrees");
  not_negative("augment: noise", a.noise);
  not_negative("corrupt: gaussian", changes.corrupt.gaussian);
  probability("corrupt: mask", changes.corrupt.mask);
  probability("corrupt: salt", changes.corrupt.salt);
  if (!a.moves()) return changes;
  const Picture& p = a.picture;
  require(p.height > 0 && p.width > 0 && p.channels > 0,
          "augment: shift, rotate and flip need the shape of the pictures");
  require(a.shift < p.height && a.shift < p.width, "augment: shift is ", a.shift,
          ", which moves pictures of ", p.height, "x", p.width, " out of sight");
  return changes;
}

/// The changes as they are. Throws std::invalid_argument also where they do not suit the data.
template <class B>
BatchChanges checked(const BatchChanges& changes, const ResidentData<B>& data) {
  const auto are_numbers = [](const auto& columns) {
    const auto* numbers = std::get_if<ConstView<B>>(&columns);
    return numbers != nullptr && numbers->present();
  };
  require(!changes.dequantize || !(are_numbers(data.input()) || are_numbers(data.target())),
          "dequantize is for bytes, and these samples are numbers");
  if (!changes.augment.moves()) return checked(changes);
  const Picture& p = changes.augment.picture;
  const Index dim = std::visit([](const auto& columns) { return columns.rows; }, data.input());
  require(p.size() == dim || p.size() == 0, "augment: pictures of ", p.height, "x", p.width, "x",
          p.channels, " have ", p.size(), " numbers, the samples ", dim);
  require(!data.mask().present(),
          "augment: samples with missing numbers cannot be shifted, turned or flipped");
  return checked(changes);
}

}  // namespace longhand
