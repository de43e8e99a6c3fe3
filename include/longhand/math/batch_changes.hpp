// SPDX-License-Identifier: MIT
#pragma once
#include "longhand/math/scalar.hpp"

/// How single numbers of a batch are changed by chance (docs/derivations/batch_changes.md): u is a
/// uniform in (0, 1), eps a standard normal. No gradient goes through any of it, since all happens
/// before the model. Error: 2 of |x| + |the noise|, the others exact.
namespace longhand {

/// A byte that was counted, as a number with a density: from grey = b / 255 to (b + u) / 256.
struct Dequantize {
  template <class T>
  LONGHAND_HD void operator()(const T& grey, const T& u, T& x) const {
    x = (T(255) * grey + u) / T(256);  // [CHG-1]
  }
};

/// Normal noise, and what leaves [low, high] set to its end.
struct AddNoise {
  double sigma = 0, low = 0, high = 0;
  template <class T>
  LONGHAND_HD void operator()(const T& x, const T& eps, T& y) const {
    const T noisy = x + T(sigma) * eps;
    y = choose(noisy < T(low), T(low), choose(noisy > T(high), T(high), noisy));  // [CHG-4]
  }
};

/// A binary pixel from a grey one, by what is nearer.
struct Threshold {
  template <class T>
  LONGHAND_HD void operator()(const T& grey, T& pixel) const {
    pixel = choose(grey > T(0.5), T(1), T(0));  // [CHG-5]
  }
};

/// A binary pixel from a grey one, the probability of a 1.
struct DrawPixel {
  template <class T>
  LONGHAND_HD void operator()(const T& grey, const T& u, T& pixel) const {
    pixel = choose(u < grey, T(1), T(0));  // [CHG-6]
  }
};

/// A number put out with probability p.
struct MaskOut {
  double p = 0;
  template <class T>
  LONGHAND_HD void operator()(const T& x, const T& u, T& y) const {
    y = choose(u < T(p), T(0), x);  // [CHG-7]
  }
};

/// A pixel made black (0) or white (1), each with probability p / 2. Both are meant in the user's
/// units; x and y are in the model's, (user's - shift) / scale.
struct SaltAndPepper {
  double p = 0;
  template <class T>
  LONGHAND_HD void operator()(const T& x, const T& shift, const T& scale, const T& u, T& y) const {
    const T black = (T(0) - shift) / scale, white = (T(1) - shift) / scale;
    y = choose(u < T(0.5 * p), black, choose(u < T(p), white, x));  // [CHG-8]
  }
};

}  // namespace longhand
