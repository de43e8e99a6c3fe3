// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <iomanip>
#include <sstream>
#include <string>
#include <string_view>

#include "longhand/io/error.hpp"

namespace longhand::io {

/// The parts one after the other, as a stream prints them.
template <class... Parts>
std::string cat(const Parts&... parts) {
  std::ostringstream out;
  out.imbue(std::locale::classic());
  (out << ... << parts);
  return out.str();
}

/// A number as 0x and at least `digits` hexadecimal digits.
template <class Number>
std::string hex(Number value, int digits) {
  std::ostringstream out;
  out.imbue(std::locale::classic());
  out << "0x" << std::hex << std::setw(digits) << std::setfill('0') << value;
  return out.str();
}

/// Text from a file, fit for a terminal: quoted, cut short, printable.
inline std::string shown(std::string_view text) {
  constexpr std::size_t longest = 64;
  std::size_t length = std::min(text.size(), longest);
  // Not within a character: its other bytes begin with the bits 10.
  while (length < text.size() && length > longest - 4 && (text[length] & 0xc0) == 0x80) --length;
  return "\"" + printable(text.substr(0, length)) + (length < text.size() ? "…\"" : "\"");
}

/// "[2,3]"
template <class Numbers>
std::string list(const Numbers& numbers) {
  std::string out = "[";
  for (const auto& number : numbers) out += (out.size() > 1 ? "," : "") + std::to_string(number);
  return out + "]";
}

}  // namespace longhand::io
