// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <vector>

#include "model.hpp"

/// What is done with codes beside decoding them. Compiled with the models, and no type of Eigen
/// goes through this door either.
namespace longhand::cli {

/// Groups of rows that nobody named.
struct Groups {
  std::vector<std::int64_t> of_row;
  std::vector<double> probability;  ///< of each row's group, for a mixture; else empty
  double squares = 0;               ///< k-means: sum of squared distances to the centres
  double log_likelihood = 0;        ///< mixture: mean over the rows, in nats
};
Groups find_groups(const Rows& z, Index count, bool mixture, std::uint64_t seed);

/// How far multinomial logistic regression on codes tells a label.
struct ProbeResult {
  double accuracy = 0, nll = 0;    ///< on the rows to judge by
  double accuracy_fitted = 0;      ///< on the rows that it learned from
  std::vector<std::int64_t> told;  ///< the class of each row to judge by
};
/// Learns from the first rows and judges by the second ones; classes are 0 to `classes` - 1.
ProbeResult probe_codes(const Rows& fit, const std::vector<std::int64_t>& fit_labels,
                        const Rows& judge, const std::vector<std::int64_t>& judge_labels,
                        Index classes, std::uint64_t seed, int threads);

}  // namespace longhand::cli
