// SPDX-License-Identifier: MIT
#pragma once

#include <charconv>
#include <optional>
#include <string>
#include <system_error>

namespace longhand::cli {

/// The number that a whole text is, or nothing.
inline std::optional<double> number(const std::string& value) {
  double parsed = 0;
  const char* const end = value.data() + value.size();
  const auto [stop, error] = std::from_chars(value.data(), end, parsed);
  if (error != std::errc() || stop != end) return std::nullopt;
  return parsed;
}

}  // namespace longhand::cli
