// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>

namespace longhand::study {

/// Wrong gradients, `cases` of every class: prints how many were found, and what the diagnosis said
/// about those it has words for. `only`: one class alone. False if one was missed.
bool run_wrong(std::size_t cases, std::uint64_t first_seed, std::optional<std::size_t> only = {});

/// Prints the report about one case of one class.
void show_wrong(std::size_t class_index, std::uint64_t seed);

}  // namespace longhand::study
