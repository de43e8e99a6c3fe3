// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <numbers>
#include <ostream>

namespace longhand {

/// A number and its derivative along one direction (forward-mode differentiation): exact, without a
/// step. Runs through every templated formula and through Reference<Dual>. Comparisons look at the
/// value alone, so that the derivative is that of the branch the code takes; at a kink that is the
/// convention of the code, not a proof. docs/gradient_checking.md, section 6.
struct Dual {
  double value = 0;
  double slope = 0;

  constexpr Dual() = default;
  constexpr Dual(double v, double s = 0) : value(v), slope(s) {}
  explicit constexpr operator double() const { return value; }

  friend constexpr Dual operator+(Dual a) { return a; }
  friend constexpr Dual operator-(Dual a) { return {-a.value, -a.slope}; }
  friend constexpr Dual operator+(Dual a, Dual b) { return {a.value + b.value, a.slope + b.slope}; }
  friend constexpr Dual operator-(Dual a, Dual b) { return {a.value - b.value, a.slope - b.slope}; }
  friend constexpr Dual operator*(Dual a, Dual b) {
    return {a.value * b.value, a.slope * b.value + a.value * b.slope};
  }
  friend constexpr Dual operator/(Dual a, Dual b) {
    const double q = a.value / b.value;
    return {q, (a.slope - q * b.slope) / b.value};
  }
  constexpr Dual& operator+=(Dual b) { return *this = *this + b; }
  constexpr Dual& operator-=(Dual b) { return *this = *this - b; }
  constexpr Dual& operator*=(Dual b) { return *this = *this * b; }
  constexpr Dual& operator/=(Dual b) { return *this = *this / b; }

  friend constexpr bool operator==(Dual a, Dual b) { return a.value == b.value; }
  friend constexpr auto operator<=>(Dual a, Dual b) { return a.value <=> b.value; }

  friend std::ostream& operator<<(std::ostream& out, Dual a) {
    return out << a.value << " (slope " << a.slope << ")";
  }
};

/// The elementary functions, found by argument-dependent lookup.
inline Dual exp(Dual a) {
  const double e = std::exp(a.value);
  return {e, e * a.slope};
}
inline Dual expm1(Dual a) { return {std::expm1(a.value), std::exp(a.value) * a.slope}; }
inline Dual log(Dual a) { return {std::log(a.value), a.slope / a.value}; }
inline Dual log1p(Dual a) { return {std::log1p(a.value), a.slope / (1 + a.value)}; }
inline Dual tanh(Dual a) {
  const double t = std::tanh(a.value), c = std::cosh(a.value);
  return {t, a.slope / (c * c)};
}
inline Dual sqrt(Dual a) {
  const double r = std::sqrt(a.value);
  return {r, a.slope / (2 * r)};
}
inline Dual sin(Dual a) { return {std::sin(a.value), std::cos(a.value) * a.slope}; }
inline Dual cos(Dual a) { return {std::cos(a.value), -std::sin(a.value) * a.slope}; }
inline Dual pow(Dual a, double k) {
  return {std::pow(a.value, k), k * std::pow(a.value, k - 1) * a.slope};
}
inline Dual erf(Dual a) {
  return {std::erf(a.value), 2 * std::numbers::inv_sqrtpi * std::exp(-a.value * a.value) * a.slope};
}
inline Dual lgamma(Dual) = delete;  // its derivative, digamma, is not in the standard library
inline bool isfinite(Dual a) { return std::isfinite(a.value); }

/// The branch a condition picks (longhand::choose for plain numbers and packs).
constexpr Dual choose(bool condition, Dual yes, Dual no) { return condition ? yes : no; }

}  // namespace longhand
