// SPDX-License-Identifier: MIT
// The gradient checker alone: this header and the folder gradcheck/ need nothing but the standard
// library. docs/gradient_checking.md.
#pragma once

#if (defined(_MSVC_LANG) ? _MSVC_LANG : __cplusplus) < 202002L
#error "longhand needs C++20: compile with -std=c++20 or later"
#endif

#include "longhand/gradcheck/check_formula.hpp"
#include "longhand/gradcheck/check_gradient.hpp"
#include "longhand/gradcheck/check_part.hpp"
#include "longhand/gradcheck/dual.hpp"
#include "longhand/gradcheck/prove_power.hpp"
#include "longhand/gradcheck/rounding_bound.hpp"
