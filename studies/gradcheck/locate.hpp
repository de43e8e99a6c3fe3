// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>

namespace longhand::study {

/// One wrong entry in a tensor of rows x cols, so many times: prints how many derivatives were
/// needed to name it. False if one was not named.
bool run_locate(std::size_t rows, std::size_t cols, std::size_t times, std::uint64_t first_seed);

}  // namespace longhand::study
