// SPDX-License-Identifier: MIT
// One right and one wrong check, for the adapters of test frameworks.
#pragma once
#include <longhand/gradcheck.hpp>

inline longhand::GradientReport check_cube(double factor) {
  return longhand::check_formula<1>(
      "cube", {{0.3}, {-1.2}}, [](const auto& x) { return std::array{x[0] * x[0] * x[0]}; },
      [=](const auto& x, const auto& dy) { return std::array{factor * x[0] * x[0] * dy[0]}; });
}
