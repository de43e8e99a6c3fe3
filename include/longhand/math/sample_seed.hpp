// SPDX-License-Identifier: MIT
#pragma once
#include "longhand/math/scalar.hpp"

namespace longhand {

/// Where backward starts (docs/derivations/elbo.md): what one sample's NLL and KL weigh in the
/// objective. w is the sample's own weight.
struct SampleSeed {
  template <class T>
  LONGHAND_HD void operator()(const T& w, const T& inverse_samples, const T& beta, T& w_nll,
                              T& w_kl) const {
    w_nll = w * inverse_samples;  // [ELBO-2]
    w_kl = beta * w_nll;          // [ELBO-3]
  }
};

/// A sample's value with its weight, for the sums that are reported.
struct WeighSample {
  template <class T>
  LONGHAND_HD void operator()(const T& value, const T& w, T& weighed) const {
    weighed = w * value;
  }
};

}  // namespace longhand
