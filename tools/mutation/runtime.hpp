// SPDX-License-Identifier: MIT
#pragma once
#include <cstdlib>
#include <type_traits>

/// What the mutated headers call (docs/mutation.md). Each function stands for one place of the
/// source and knows its mutants, numbered from `first`; the environment variable LONGHAND_MUTANT
/// chooses one of all mutants of a program. Operands are computed once, whichever is chosen, so
/// that a thousand mutants cost little time to compile.
namespace longhand::mutation {

inline constexpr int kMost = 1 << 14;

/// 0: the original code. -1: the original code, and `reached` is kept.
inline const int chosen = [] {
  const char* number = std::getenv("LONGHAND_MUTANT");
  return number != nullptr ? std::atoi(number) : 0;
}();
inline bool reached[kMost] = {};

/// Which of `count` mutants is chosen, counted from 0; -1: none.
inline int which(int first, int count) {
  if (chosen < 0)
    for (int i = 0; i < count; ++i) reached[first + i] = true;
  const int i = chosen - first;
  return 0 <= i && i < count ? i : -1;
}
inline bool on(int mutant) { return which(mutant, 1) == 0; }

template <class A, class B>
auto plus(int first, const A& a, const B& b) {
  using R = std::decay_t<decltype(a + b)>;
  switch (which(first, 3)) {
    case 0:
      return R(a - b);
    case 1:
      return R(a);
    case 2:
      return R(b);
    default:
      return R(a + b);
  }
}
template <class A, class B>
auto minus(int first, const A& a, const B& b) {
  using R = std::decay_t<decltype(a - b)>;
  switch (which(first, 4)) {
    case 0:
      return R(a + b);
    case 1:
      return R(b - a);
    case 2:
      return R(a);
    case 3:
      return R(-b);
    default:
      return R(a - b);
  }
}
template <class A, class B>
auto times(int first, const A& a, const B& b) {
  using R = std::decay_t<decltype(a * b)>;
  switch (which(first, 3)) {
    case 0:
      return R(a / b);
    case 1:
      return R(a);
    case 2:
      return R(b);
    default:
      return R(a * b);
  }
}
template <class A, class B>
auto divided(int first, const A& a, const B& b) {
  using R = std::decay_t<decltype(a / b)>;
  switch (which(first, 3)) {
    case 0:
      return R(a * b);
    case 1:
      return R(b / a);
    case 2:
      return R(a);
    default:
      return R(a / b);
  }
}
template <class A>
auto negated(int first, const A& a) {
  using R = std::decay_t<decltype(-a)>;
  return on(first) ? R(a) : R(-a);
}

/// A whole term: doubled, halved; `signed_term` also with the other sign.
template <class A>
A term(int first, const A& a) {
  switch (which(first, 2)) {
    case 0:
      return A(a + a);
    case 1:
      return A(a * A(0.5));
    default:
      return a;
  }
}
template <class A>
A signed_term(int first, const A& a) {
  return on(first) ? A(-a) : term(first + 1, a);
}

/// f(a), or a itself.
template <class A, class F>
auto function(int first, const A& a, const F& f) {
  using R = std::decay_t<decltype(f(a))>;
  return on(first) ? R(a) : R(f(a));
}

template <class A, class B>
auto less(int first, const A& a, const B& b) {
  const int i = which(first, 2);
  return i == 0 ? a <= b : i == 1 ? a >= b : a < b;
}
template <class A, class B>
auto less_equal(int first, const A& a, const B& b) {
  const int i = which(first, 2);
  return i == 0 ? a < b : i == 1 ? a > b : a <= b;
}
template <class A, class B>
auto greater(int first, const A& a, const B& b) {
  const int i = which(first, 2);
  return i == 0 ? a >= b : i == 1 ? a <= b : a > b;
}
template <class A, class B>
auto greater_equal(int first, const A& a, const B& b) {
  const int i = which(first, 2);
  return i == 0 ? a > b : i == 1 ? a < b : a >= b;
}
template <class A, class B>
bool equal(int first, const A& a, const B& b) {
  return on(first) ? a != b : a == b;
}
template <class A, class B>
bool not_equal(int first, const A& a, const B& b) {
  return on(first) ? a == b : a != b;
}
template <class C>
bool condition(int first, const C& c) {
  const int i = which(first, 2);
  return i == 0 ? true : i == 1 ? false : static_cast<bool>(c);
}

/// The original, or one of the others of its type.
template <class T, class... Others>
const T& one_of(int first, const T& original, const Others&... others) {
  static_assert((std::is_same_v<T, Others> && ...));
  const T* const all[] = {&others...};
  const int i = which(first, sizeof...(others));
  return i < 0 ? original : *all[i];
}

}  // namespace longhand::mutation
