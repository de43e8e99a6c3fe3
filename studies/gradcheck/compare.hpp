// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

namespace longhand::study {

/// The rules of other checkers beside this one, on the same cases: prints which share of right
/// gradients each rejects and which share of wrong ones.
void run_compare(std::size_t cases, std::uint64_t first_seed);

/// Writes the cases of run_compare as JSON lines, for the Python programs beside this file.
void export_cases(const std::string& path, std::size_t cases);

}  // namespace longhand::study
