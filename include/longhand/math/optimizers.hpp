// SPDX-License-Identifier: MIT
#pragma once
#include "longhand/math/scalar.hpp"

/// One element of an optimizer's step (docs/derivations/optimizers.md). Each is swept once over a
/// flat buffer: theta, g and up to two moments of the same layout. Error: theta 4, moments 3, of
/// the sum of the sizes of their terms.
namespace longhand {

/// What every optimizer does to the raw gradient first: the clip factor of [OPT-10], then the
/// penalties.
struct Penalty {
  double l1 = 0;
  double l2 = 0;
  template <class T>
  LONGHAND_HD LONGHAND_INLINE T gradient(const T& theta, const T& g, const T& clip) const {
    T total = clip * g + T(l2) * theta;                // [OPT-8]
    if (l1 != 0) total = total + T(l1) * sign(theta);  // [OPT-9]
    return total;
  }
};

/// A moment without news: 0 below 1e-30. Where the gradient stays 0 (a pixel that is always black,
/// a unit that died) a moment decays into the subnormal numbers and, rounded up at every step,
/// never out of them; arithmetic there is an order of magnitude slower. Next to any epsilon 1e-30
/// is 0.
template <class T>
LONGHAND_HD LONGHAND_INLINE T settled(const T& moment) {
  return choose(abs(moment) < T(1e-30), T(0), moment);
}

/// The same for a moment of squares, which is never negative.
template <class T>
LONGHAND_HD LONGHAND_INLINE T settled_square(const T& moment) {
  return choose(moment < T(1e-30), T(0), moment);
}

struct Sgd {
  static constexpr const char* name = "sgd";
  static constexpr int moments = 0;
  Penalty penalty = {};
  template <class T>
  LONGHAND_HD LONGHAND_INLINE void operator()(const T& g, const T& lr, const T& clip,
                                              T& theta) const {
    theta = theta - lr * penalty.gradient(theta, g, clip);  // [OPT-1]
  }
};

struct Momentum {
  static constexpr const char* name = "momentum";
  static constexpr int moments = 1;
  Penalty penalty = {};
  double rho = 0.9;
  template <class T>
  LONGHAND_HD LONGHAND_INLINE void operator()(const T& g, const T& lr, const T& clip, T& theta,
                                              T& u) const {
    u = settled(T(rho) * u + penalty.gradient(theta, g, clip));  // [OPT-2]
    theta = theta - lr * u;
  }
};

/// Adam, and AdamW when weight_decay is not 0. c1 = 1/(1 - b1^t), c2 = 1/(1 - b2^t).
struct Adam {
  static constexpr const char* name = "adam";
  static constexpr int moments = 2;
  Penalty penalty = {};
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;
  template <class T>
  LONGHAND_HD LONGHAND_INLINE void operator()(const T& g, const T& lr, const T& clip, const T& c1,
                                              const T& c2, T& theta, T& m, T& v) const {
    const T total = penalty.gradient(theta, g, clip);
    m = settled(T(beta1) * m + T(1 - beta1) * total);                 // [OPT-3]
    v = settled_square(T(beta2) * v + T(1 - beta2) * total * total);  // [OPT-4]
    theta = theta - lr * T(weight_decay) * theta;                     // [OPT-6]
    theta = theta - lr * (c1 * m) / (sqrt(c2 * v) + T(epsilon));      // [OPT-5]
  }
};

struct RmsProp {
  static constexpr const char* name = "rmsprop";
  static constexpr int moments = 1;
  Penalty penalty = {};
  double alpha = 0.99;
  double epsilon = 1e-8;
  template <class T>
  LONGHAND_HD LONGHAND_INLINE void operator()(const T& g, const T& lr, const T& clip, T& theta,
                                              T& v) const {
    const T total = penalty.gradient(theta, g, clip);
    v = settled_square(T(alpha) * v + T(1 - alpha) * total * total);  // [OPT-7]
    theta = theta - lr * total / (sqrt(v) + T(epsilon));              // [OPT-7]
  }
};

}  // namespace longhand
