// SPDX-License-Identifier: MIT
#include "longhand/io/error.hpp"

#include <cstddef>
#include <cstdint>

namespace longhand::io {
namespace {

/// The bytes of the character that text begins with and its number; no bytes where it is no UTF-8:
/// cut short, longer than needed, a surrogate, or beyond Unicode.
struct Character {
  std::size_t bytes = 0;
  std::uint32_t number = 0;
};
Character first_character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {1, lead};
  const std::size_t bytes = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < bytes) return {};
  std::uint32_t number = lead & (0x7fu >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    number = number << 6 | (byte(i) & 0x3fu);
  }
  const std::uint32_t least = bytes == 4 ? 0x10000 : bytes == 3 ? 0x800 : 0x80;
  if (number < least || number > 0x10ffff || (number >= 0xd800 && number <= 0xdfff)) return {};
  return {bytes, number};
}

/// C0, C1, and the signs that turn the direction of the text after them.
bool steers(std::uint32_t c) {
  return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x2028 || c == 0x2029 ||
         (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Character character = first_character(text);
    const std::size_t bytes = character.bytes == 0 ? 1 : character.bytes;
    if (character.bytes == 0 || steers(character.number))
      out += '?';
    else
      out += text.substr(0, bytes);
    text.remove_prefix(bytes);
  }
  return out;
}

Error::Error(std::string_view file, std::string_view field, std::string_view problem)
    : std::runtime_error(
          printable(std::string(file).append(": ").append(field).append(" ").append(problem))),
      file_(file),
      field_(field) {}

}  // namespace longhand::io
