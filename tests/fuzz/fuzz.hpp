// SPDX-License-Identifier: MIT
#pragma once

// Fuzz targets for libFuzzer, one per reader; each is built with
//   clang++ -std=c++20 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all
//     -Iinclude tests/fuzz/fuzz_npy.cpp src/io/*.cpp -lpng -lz -o fuzz_npy
// and run with -malloc_limit_mb=64, so that memory taken on a file's word counts as a crash.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <span>

#include "longhand/io/error.hpp"

namespace fuzz {

inline void require(bool condition) {
  if (!condition) std::abort();
}

/// Bytes are read or refused with an Error and nothing else; what was read is `checked`.
template <class Read, class Check>
int one_input(const std::uint8_t* data, std::size_t size, Read read, Check check) {
  const auto bytes = std::as_bytes(std::span(data, size));
  std::optional<decltype(read(bytes))> content;
  try {
    content = read(bytes);
  } catch (const longhand::io::Error& error) {
    require((error.file() == "fuzz" || error.file().starts_with("fuzz:")) &&
            !error.field().empty());
  }
  if (content) check(*content);
  return 0;
}

}  // namespace fuzz
