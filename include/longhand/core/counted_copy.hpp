// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "longhand/core/view.hpp"

namespace longhand {

/// A copy whose place depends on a number n in backend memory: `bytes` bytes from
/// `from + n from_step` to `to + n to_step`, steps in bytes. So a training step that takes no
/// argument reads what is meant for it, and leaves its results where nobody else's are.
template <class Memory>
struct CountedCopy {
  const void* from = nullptr;
  Index from_step = 0;
  void* to = nullptr;
  Index to_step = 0;
  Index bytes = 0;
};

/// The copy of column n of `columns` to `to`, which is contiguous and may be shorter.
template <class T, class Memory>
CountedCopy<Memory> from_column(const MatrixView<T, Memory>& columns,
                                const MatrixView<T, Memory>& to) {
  static_assert(sizeof(T) % 4 == 0, "a device copies words");
  constexpr Index size = sizeof(T);
  return {columns.data, columns.ld * size, to.data, 0, to.size() * size};
}

/// The copy of `from`, which is contiguous, to column n of `columns`.
template <class T, class Memory>
CountedCopy<Memory> into_column(const MatrixView<T, Memory>& from,
                                const MatrixView<std::remove_const_t<T>, Memory>& columns) {
  static_assert(sizeof(T) % 4 == 0, "a device copies words");
  constexpr Index size = sizeof(T);
  return {from.data, 0, columns.data, columns.ld * size, from.size() * size};
}

/// Makes the copies, then n += add, on backends of host memory.
template <std::size_t N>
void copy_at(std::uint32_t* n, const std::array<CountedCopy<HostMemory>, N>& copies,
             std::uint32_t add) {
  const Index at = static_cast<Index>(*n);
  for (const CountedCopy<HostMemory>& c : copies)
    std::memcpy(static_cast<std::byte*>(c.to) + at * c.to_step,
                static_cast<const std::byte*>(c.from) + at * c.from_step,
                static_cast<std::size_t>(c.bytes));
  *n += add;
}

}  // namespace longhand
