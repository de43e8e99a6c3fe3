// SPDX-License-Identifier: MIT
#pragma once
#include "longhand/likelihood/per_element.hpp"
#include "longhand/math/bernoulli.hpp"

namespace longhand {

/// x in {0, 1} (or grey values in [0, 1], then a loss and not a density), the decoder emits logits.
using Bernoulli = PerElement<BernoulliLogits>;

}  // namespace longhand
