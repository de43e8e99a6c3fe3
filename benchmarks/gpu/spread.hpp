// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <vector>

namespace longhand::benchmark {

/// What is told of repeats.
struct Spread {
  double median, least, most;
};
/// Of at least one value.
inline Spread spread(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  const double median =
      values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
  return {median, values.front(), values.back()};
}

}  // namespace longhand::benchmark
