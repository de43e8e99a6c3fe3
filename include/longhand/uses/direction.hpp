// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstdint>
#include <vector>

#include "longhand/core/check.hpp"
#include "longhand/core/samples.hpp"

namespace longhand {

/// The way from one class to another in the space of codes: the mean code of class `to` less the
/// mean code of class `from`. Codes are J per sample, labels one per sample. A code of `from` plus
/// this vector is decoded as a sample that has what the classes differ in (docs/guides/edit.md).
/// Throws std::invalid_argument where a class has no sample.
template <class S>
std::vector<double> class_direction(const Samples<S>& codes,
                                    const std::vector<std::int64_t>& labels, std::int64_t from,
                                    std::int64_t to) {
  require(static_cast<Index>(labels.size()) == codes.count(), "there are ", labels.size(),
          " labels for ", codes.count(), " codes");
  const auto view = codes.view();
  std::vector<double> direction(static_cast<std::size_t>(view.rows));
  for (const auto& [label, sign] : {std::pair{to, 1.0}, {from, -1.0}}) {
    double count = 0;
    std::vector<double> sum(direction.size());
    for (Index j = 0; j < view.cols; ++j) {
      if (labels[static_cast<std::size_t>(j)] != label) continue;
      count += 1;
      for (std::size_t i = 0; i < sum.size(); ++i)
        sum[i] += static_cast<double>(view(static_cast<Index>(i), j));
    }
    require(count > 0, "class ", label, " has no sample to go by");
    for (std::size_t i = 0; i < sum.size(); ++i) direction[i] += sign * sum[i] / count;
  }
  return direction;
}

}  // namespace longhand
