// SPDX-License-Identifier: MIT
// Compressed text, for readers of compressed files.
#pragma once

#include <doctest/doctest.h>
#include <zlib.h>

#include <string>

namespace files {

/// `window_bits` says the kind of stream, as zlib has it.
inline std::string compressed(const std::string& content, int level, int window_bits) {
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, level, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(content.size() + 1000, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}
inline std::string gzip(const std::string& content) { return compressed(content, 6, 15 + 16); }
/// Without a header, as members of a zip archive are.
inline std::string deflated(const std::string& content) { return compressed(content, 9, -15); }

}  // namespace files
