// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "case.hpp"

namespace longhand::study {

/// A random case whose gradient is right, with what the tables sort by.
struct CorrectCase {
  Case checked;
  double offset = 0;
  bool planted = false;
  std::string activation = {};
};
/// `family`: vae, formula, net or library.
CorrectCase correct_case(const std::string& family, std::uint64_t seed);

struct CorrectSize {
  std::size_t vae, formula, net, library;
};

/// Right gradients: prints verdicts, resolution and cost. False if one was rejected.
bool run_correct(const CorrectSize& size, std::uint64_t first_seed);

}  // namespace longhand::study
