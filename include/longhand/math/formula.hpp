// SPDX-License-Identifier: MIT
#pragma once
#include "longhand/core/macros.hpp"

/// The formulas that every sweep is made with, whatever it is about.
namespace longhand {

/// A formula that hands its input on; the plain sums are reductions of it.
struct Value {
  template <class T>
  LONGHAND_HD void operator()(const T& x, T& v) const {
    v = x;
  }
};
struct Square {
  template <class T>
  LONGHAND_HD void operator()(const T& x, T& v) const {
    v = x * x;
  }
};

/// Calls a formula's forward, or backward, as the operator() a sweep expects.
template <class F>
struct Forward {
  F f;
  template <class... T>
  LONGHAND_HD void operator()(T&&... t) const {
    f.forward(t...);
  }
};
template <class F>
struct Backward {
  F f;
  template <class... T>
  LONGHAND_HD void operator()(T&&... t) const {
    f.backward(t...);
  }
};
template <class F>
Forward(F) -> Forward<F>;
template <class F>
Backward(F) -> Backward<F>;

}  // namespace longhand
