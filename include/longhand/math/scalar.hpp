// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <concepts>
#include <type_traits>

#include "longhand/core/macros.hpp"

/// The elementary functions a formula may use. For plain numbers they are those of the standard
/// library, made visible here, in namespace longhand and before every formula, because with <cmath>
/// alone an unqualified call in a template picks abs(int) or exp(double). They are the same
/// entities and not functions of longhand's own, so that a file with `using namespace longhand;`
/// calls exp(0.5) as before. Packs and dual numbers bring their own by argument-dependent lookup.
///
/// The "Error" of a formula, here and in the other headers of math/, is a bound that tests/math
/// checks against long double, for plain numbers and packs, float and double: so many machine
/// epsilons of the output, or of the stated size where terms cancel, plus (1 + the largest |input|)
/// times the smallest normal number for what underflows. It holds where e^a and e^-a are normal
/// numbers, |a| <= 87 in float and 708 in double; beyond, values are tabulated in the tests.
namespace longhand {

using std::erf;
using std::exp;
using std::expm1;
using std::log;
using std::log1p;
using std::sqrt;
using std::tanh;

/// The one conditional of a formula: both branches are evaluated, the condition picks one.
template <std::floating_point T>
LONGHAND_HD LONGHAND_INLINE constexpr T choose(bool condition, const T& yes,
                                               const std::type_identity_t<T>& no) {
  return condition ? yes : no;
}

/// log1p of a number in [0, 1], as e^-|a| is; packs compute it in half the time. Error: 2.
template <class T>
LONGHAND_HD LONGHAND_INLINE T log1p_unit(const T& x) {
  return log1p(x);
}

/// |x| by the same comparison for every value type, so that a dual number differentiates the very
/// branch the hand-derived gradient takes at exactly 0.
template <class T>
LONGHAND_HD LONGHAND_INLINE T abs(const T& x) {
  return choose(x > T(0), x, -x);
}

/// The sign of x: -1, 0 or 1.
template <class T>
LONGHAND_HD LONGHAND_INLINE T sign(const T& x) {
  return choose(x > T(0), T(1), choose(x < T(0), T(-1), T(0)));
}

template <class T>
LONGHAND_HD LONGHAND_INLINE T square(const T& x) {
  return x * x;
}

/// 1 / (1 + e^-a) without overflow in either tail. Error: 4.
template <class T>
LONGHAND_HD T sigmoid(const T& a) {
  const T e = exp(-abs(a));
  const T q = T(1) / (T(1) + e);
  return choose(a > T(0), q, e * q);
}

}  // namespace longhand
