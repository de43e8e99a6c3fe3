// SPDX-License-Identifier: MIT
#pragma once
#include "longhand/math/scalar.hpp"

/// Formulas of adversarial models (docs/derivations/adversarial.md).
namespace longhand {

/// How often a discriminator is right about one real and one fake sample: 0, 1/2 or 1. It calls a
/// sample real where its logit is above 0, that is, its probability above 1/2.
struct DiscriminatorAccuracy {
  template <class T>
  LONGHAND_HD void operator()(const T& real_logit, const T& fake_logit, T& accuracy) const {
    accuracy = choose(real_logit > T(0), T(0.5), T(0)) +
               choose(fake_logit > T(0), T(0), T(0.5));  // [ADV-10]
  }
};

}  // namespace longhand
