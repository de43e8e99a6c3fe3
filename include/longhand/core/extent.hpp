// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "longhand/core/byte.hpp"
#include "longhand/core/view.hpp"

namespace longhand {

/// The range of a data set, NaN left out; low > high if nothing is left.
struct Extent {
  double low = std::numeric_limits<double>::infinity();
  double high = -low;
  bool finite = true;  ///< no NaN, no infinity
};

/// The extent of a matrix, found in one pass over its elements. 64 lanes run side by side, which
/// the compiler turns into vectors; a single running minimum would be one comparison after the
/// other.
template <class S, class X>
Extent extent_of(MatrixView<const X, HostMemory> x) {
  constexpr Index lanes = 64;
  constexpr bool bytes = std::is_same_v<X, std::uint8_t>;
  X low[lanes], high[lanes], lost[lanes];
  std::fill_n(low, lanes, static_cast<X>(bytes ? 255 : std::numeric_limits<double>::infinity()));
  std::fill_n(high, lanes, static_cast<X>(bytes ? 0 : -std::numeric_limits<double>::infinity()));
  std::fill_n(lost, lanes, X(0));
  const auto see = [&](const X* from, Index count) {
    for (Index k = 0; k < count; ++k) {
      low[k] = from[k] < low[k] ? from[k] : low[k];
      high[k] = from[k] > high[k] ? from[k] : high[k];
      if constexpr (!bytes) lost[k] = lost[k] + (from[k] - from[k]);  // 0, or NaN for ever
    }
  };
  if (x.contiguous()) x = {x.data, x.size(), 1, x.size()};
  for (Index j = 0; j < x.cols; ++j) {
    const X* const column = x.data + j * x.ld;
    const Index whole = x.rows / lanes * lanes;
    for (Index i = 0; i < whole; i += lanes) see(column + i, lanes);
    see(column + whole, x.rows - whole);
  }
  Extent extent;
  if (x.size() == 0) return extent;
  for (Index k = 0; k < lanes; ++k) {
    extent.low = std::min(extent.low, static_cast<double>(as_number<S>(low[k])));
    extent.high = std::max(extent.high, static_cast<double>(as_number<S>(high[k])));
    extent.finite = extent.finite && lost[k] == X(0);
  }
  return extent;
}

}  // namespace longhand
