// SPDX-License-Identifier: MIT
#pragma once
#include "case.hpp"
#include "draw.hpp"

namespace longhand::study {

/// One elementwise formula of the library (an activation, a likelihood, a divergence, a
/// reparameterisation, dropout) over up to 64 x 4 numbers.
Case any_formula(Draw& draw);

}  // namespace longhand::study
