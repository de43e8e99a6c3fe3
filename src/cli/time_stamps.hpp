// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

namespace longhand::cli {

/// What to say of the time stamps of a series' rows: where its steps are unequal (windows take rows
/// as they come and nothing is resampled), or that stamps are neither numbers nor dates. Throws
/// Failure (bad_input) for rows that are not in the order of time.
std::vector<std::string> remarks_on_times(const std::string& path,
                                          const std::vector<std::string>& times);

}  // namespace longhand::cli
