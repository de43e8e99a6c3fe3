// SPDX-License-Identifier: MIT
#pragma once
#include "longhand/math/scalar.hpp"

namespace longhand {

/// The cost of one class of one sample under a softmax, and its gradient by the logit
/// (docs/derivations/classifier.md). y is 1 for the class that the sample has and 0 for the others,
/// p the softmax and lse the log-sum-exp of the sample's logits, w the sample's weight in the
/// objective. Error: 2 of their terms.
struct CrossEntropy {
  template <class T>
  LONGHAND_HD void operator()(const T& logit, const T& lse, const T& p, const T& y, const T& w,
                              T& dlogit, T& summand) const {
    summand = y * (lse - logit);  // [CLS-2]
    dlogit = w * (p - y);         // [CLS-3]
  }
};

/// The same without the gradient.
struct CrossEntropyValue {
  template <class T>
  LONGHAND_HD void operator()(const T& logit, const T& lse, const T& y, T& summand) const {
    summand = y * (lse - logit);  // [CLS-2]
  }
};

/// 1 where the class with the largest logit is the one that the sample has. Error: 0.
struct RightClass {
  template <class T>
  LONGHAND_HD void operator()(const T& chosen, const T& y, T& right) const {
    right = chosen * y;  // [CLS-4]
  }
};

}  // namespace longhand
