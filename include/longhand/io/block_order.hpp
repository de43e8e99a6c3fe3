// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "longhand/core/params.hpp"

// A block of parameters may keep the axes of its weights in another order than a file has them
// (ParamBlock::order).
namespace longhand::io {

/// The extents that a part of a block has in a file.
inline std::vector<std::uint64_t> file_shape(const ParamBlock& block,
                                             const ParamBlock::Part& part) {
  std::vector<std::uint64_t> shape{static_cast<std::uint64_t>(part.outputs)};
  for (const Index extent : block.inner) shape.push_back(static_cast<std::uint64_t>(extent));
  return shape;
}

namespace detail {
/// values[from(i)] at place i, for each output of a block; `to_memory`: the other way.
template <class S>
std::vector<S> reordered(const ParamBlock& block, std::vector<S> values, bool to_memory) {
  if (block.order.empty()) return values;
  const auto rows = static_cast<std::size_t>(block.rows());
  std::vector<std::size_t> row_of(rows);
  for (std::size_t i = 0; i < rows; ++i)
    row_of[i] = static_cast<std::size_t>(block.row_of(static_cast<Index>(i)));
  std::vector<S> result(values.size());
  for (std::size_t output = 0; output < values.size(); output += rows)
    for (std::size_t i = 0; i < rows; ++i) {
      const std::size_t in_file = output + i, in_memory = output + row_of[i];
      if (to_memory)
        result[in_memory] = values[in_file];
      else
        result[in_file] = values[in_memory];
    }
  return result;
}
}  // namespace detail

/// Numbers of some outputs of a block, one output after the other, from the order of memory to that
/// of the file.
template <class S>
std::vector<S> in_file_order(const ParamBlock& block, std::vector<S> in_memory) {
  return detail::reordered(block, std::move(in_memory), false);
}
/// Numbers of some outputs of a block, from the order of the file to that of memory.
template <class S>
std::vector<S> in_memory_order(const ParamBlock& block, std::vector<S> in_file) {
  return detail::reordered(block, std::move(in_file), true);
}

}  // namespace longhand::io
