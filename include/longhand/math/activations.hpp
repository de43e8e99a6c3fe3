// SPDX-License-Identifier: MIT
#pragma once
#include "longhand/math/scalar.hpp"

/// Activations, value and derivative side by side (docs/derivations/activations.md).
/// `a` is the input, `y` the output; backward turns dy into da from whichever of the two the
/// activation declares as `saved`.
namespace longhand {

enum class Saved { output, input };

/// y = a, exactly.
struct Identity {
  static constexpr const char* name = "identity";
  static constexpr Saved saved = Saved::output;
  template <class T>
  LONGHAND_HD void forward(const T& a, T& y) const {
    y = a;  // [ACT-17]
  }
  template <class T>
  LONGHAND_HD void backward(const T& /*y*/, const T& dy, T& da) const {
    da = dy;  // [ACT-18]
  }
};

/// y = 0 where a <= 0, else a, exactly. The <= lets NaN survive (a max turns it into 0, and a NaN
/// weight would train to a finite loss), and value and derivative take the same branch at exactly
/// 0.
struct Relu {
  static constexpr const char* name = "relu";
  static constexpr Saved saved = Saved::output;
  template <class T>
  LONGHAND_HD void forward(const T& a, T& y) const {
    y = choose(a <= T(0), T(0), a);  // [ACT-1]
  }
  template <class T>
  LONGHAND_HD void backward(const T& y, const T& dy, T& da) const {
    da = choose(y <= T(0), T(0), dy);  // [ACT-2]
  }
};

/// y = a, or slope a where a <= 0. Error: value 1, slope 1.
struct LeakyRelu {
  static constexpr const char* name = "leaky-relu";
  static constexpr Saved saved = Saved::output;
  double slope = 0.01;
  template <class T>
  LONGHAND_HD void forward(const T& a, T& y) const {
    y = choose(a > T(0), a, T(slope) * a);  // [ACT-3]
  }
  template <class T>
  LONGHAND_HD void backward(const T& y, const T& dy, T& da) const {
    da = choose(y > T(0), dy, T(slope) * dy);  // [ACT-4]
  }
};

/// y = tanh(a). Error: value 5, slope 1 of dy (1 + y^2).
struct Tanh {
  static constexpr const char* name = "tanh";
  static constexpr Saved saved = Saved::output;
  template <class T>
  LONGHAND_HD void forward(const T& a, T& y) const {
    y = tanh(a);  // [ACT-5]
  }
  template <class T>
  LONGHAND_HD void backward(const T& y, const T& dy, T& da) const {
    da = dy * (T(1) - y * y);  // [ACT-6]
  }
};

/// y = 1 / (1 + e^-a). Error: value 4, slope 2.
struct Sigmoid {
  static constexpr const char* name = "sigmoid";
  static constexpr Saved saved = Saved::output;
  template <class T>
  LONGHAND_HD void forward(const T& a, T& y) const {
    y = sigmoid(a);  // [ACT-7]
  }
  template <class T>
  LONGHAND_HD void backward(const T& y, const T& dy, T& da) const {
    da = dy * y * (T(1) - y);  // [ACT-8]
  }
};

/// y = log(1 + e^a). Error: value 4, slope 4.
struct Softplus {
  static constexpr const char* name = "softplus";
  static constexpr Saved saved = Saved::output;
  template <class T>
  LONGHAND_HD void forward(const T& a, T& y) const {
    y = choose(a <= T(0), T(0), a) + log1p_unit(exp(-abs(a)));  // [ACT-9]
  }
  template <class T>
  LONGHAND_HD void backward(const T& y, const T& dy, T& da) const {
    da = -dy * expm1(-y);  // [ACT-10]
  }
};

/// y = a, or alpha (e^a - 1) where a <= 0. Error: value 4, slope 2.
struct Elu {
  static constexpr const char* name = "elu";
  static constexpr Saved saved = Saved::output;
  double alpha = 1;
  template <class T>
  LONGHAND_HD void forward(const T& a, T& y) const {
    y = choose(a > T(0), a, T(alpha) * expm1(a));  // [ACT-11]
  }
  template <class T>
  LONGHAND_HD void backward(const T& y, const T& dy, T& da) const {
    da = choose(y > T(0), dy, dy * (y + T(alpha)));  // [ACT-12]
  }
};

/// y = a s(a), with s the sigmoid. Error: value 4, slope 4 of dy s (1 + |a|).
struct Silu {
  static constexpr const char* name = "silu";
  static constexpr Saved saved = Saved::input;
  template <class T>
  LONGHAND_HD void forward(const T& a, T& y) const {
    y = a * sigmoid(a);  // [ACT-13]
  }
  template <class T>
  LONGHAND_HD void backward(const T& a, const T& dy, T& da) const {
    const T s = sigmoid(a);
    da = dy * s * (T(1) + a * (T(1) - s));  // [ACT-14]
  }
};

/// y = a Phi(a), the exact form with erf, not the tanh approximation. Error: value 3 of a, slope 3
/// of dy (1 + |a| phi).
struct Gelu {
  static constexpr const char* name = "gelu";
  static constexpr Saved saved = Saved::input;
  static constexpr double kSqrtHalf = 0.70710678118654752440;
  static constexpr double kInverseSqrtTwoPi = 0.39894228040143267794;
  template <class T>
  LONGHAND_HD void forward(const T& a, T& y) const {
    y = T(0.5) * a * (T(1) + erf(a * T(kSqrtHalf)));  // [ACT-15]
  }
  template <class T>
  LONGHAND_HD void backward(const T& a, const T& dy, T& da) const {
    const T Phi = T(0.5) * (T(1) + erf(a * T(kSqrtHalf)));
    const T phi = T(kInverseSqrtTwoPi) * exp(T(-0.5) * a * a);
    da = dy * (Phi + a * phi);  // [ACT-16]
  }
};

}  // namespace longhand
