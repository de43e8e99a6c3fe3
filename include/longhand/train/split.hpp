// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

#include "longhand/core/check.hpp"
#include "longhand/core/permutation.hpp"

namespace longhand {

/// Rows of a data set in two parts, each in the order of the data.
struct SplitRows {
  std::vector<std::uint32_t> kept;
  std::vector<std::uint32_t> held_out;
};

/// Holds out a fraction of n rows, rounded to whole ones, by a permutation that the seed names
/// [NOI-4]; `draw` tells several splits of one seed apart, and 0 is the one that holds out
/// TrainOptions::validation. Throws std::invalid_argument if no row is left.
inline SplitRows split_rows(Index n, double fraction, std::uint64_t seed, std::uint16_t draw = 0) {
  SplitRows parts;
  const auto held = static_cast<std::size_t>(std::llround(fraction * static_cast<double>(n)));
  const auto rows = static_cast<std::size_t>(n);
  require(held == 0 || held < rows, "validation holds out ", held, " of ", n,
          " rows, nothing is left to train on");
  std::vector<bool> out(rows, false);
  const Permutation order({.seed = seed, .step = 0, .stream = Stream::split, .draw = draw}, n);
  for (std::uint32_t i = 0; i < held; ++i) out[order(i)] = true;
  for (std::size_t i = 0; i < rows; ++i)
    (out[i] ? parts.held_out : parts.kept).push_back(static_cast<std::uint32_t>(i));
  return parts;
}

}  // namespace longhand
