// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

namespace longhand::io {

/// Reverses the bytes of every element of this size: from big-endian to little-endian and back.
inline void swap_bytes(std::span<std::byte> data, std::size_t size) {
  if (size == 1) return;
  for (; !data.empty(); data = data.subspan(size)) std::ranges::reverse(data.first(size));
}

}  // namespace longhand::io
