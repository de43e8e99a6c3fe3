// SPDX-License-Identifier: MIT
// The formulas that the tests of backends sweep; nvcc compiles them too (tests/cuda/formulas.cu).
#pragma once

#include <longhand/core/backend.hpp>
#include <longhand/math/scalar.hpp>

namespace longhand::test {

/// A formula of four inputs and two outputs plus a summand: exact to compare, in that it adds,
/// multiplies and chooses, and with an output that differs from the summand.
struct Mix {
  template <class T>
  LONGHAND_HD void operator()(const T& a, const T& b, const T& c, const T& d, T& p, T& q) const {
    p = a * b + c;
    q = choose(a > T(0), d - a, b);
  }
};
struct MixAndSum {
  template <class T>
  LONGHAND_HD void operator()(const T& a, const T& b, const T& c, const T& d, T& p, T& q,
                              T& sum) const {
    Mix{}(a, b, c, d, p, q);
    sum = a * c - d;
  }
};
struct SumOnly {
  template <class T>
  LONGHAND_HD void operator()(const T& a, const T& b, T& sum) const {
    sum = a * b;
  }
};
/// What follows a product: a sum in place, and the product kept.
struct AddAndKeep {
  template <class T>
  LONGHAND_HD void operator()(const T& product, const T& add, T& sum, T& keep) const {
    sum = product + add;
    keep = product;
  }
};

}  // namespace longhand::test
