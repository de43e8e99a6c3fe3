// SPDX-License-Identifier: MIT
// The gradient checker alone: this header and the folder gradcheck/ need nothing but the standard
// library. docs/gradient_checking.md.
#pragma once

// clang-format off
#include "longhand/core/language.hpp"  // first of all
// clang-format on

#include "longhand/gradcheck/check_formula.hpp"
#include "longhand/gradcheck/check_gradient.hpp"
#include "longhand/gradcheck/check_part.hpp"
#include "longhand/gradcheck/dual.hpp"
#include "longhand/gradcheck/prove_power.hpp"
#include "longhand/gradcheck/rounding_bound.hpp"
