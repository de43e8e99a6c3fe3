// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <map>
#include <utility>
#include <vector>

#include "longhand/core/check.hpp"
#include "longhand/core/view.hpp"

/// How well two ways to group the same samples agree, whatever the groups are called
/// (docs/guides/cluster.md).
namespace longhand {

/// How many samples are in group a of the one and group b of the other, and in each group alone.
struct Contingency {
  std::map<std::pair<Index, Index>, double> both;
  std::map<Index, double> first, second;
  double count = 0;

  /// Throws std::invalid_argument for no samples or different numbers of them.
  template <class A, class B>
  Contingency(const std::vector<A>& a, const std::vector<B>& b)
      : count(static_cast<double>(a.size())) {
    require(a.size() == b.size() && !a.empty(), "two groupings of ", a.size(), " and ", b.size(),
            " samples, expected the same number, at least 1");
    for (std::size_t j = 0; j < a.size(); ++j) {
      const Index of_a = static_cast<Index>(a[j]), of_b = static_cast<Index>(b[j]);
      both[{of_a, of_b}] += 1;
      first[of_a] += 1;
      second[of_b] += 1;
    }
  }
};

/// The mutual information of the two groupings over the mean of their entropies: 1 for the same
/// groups, near 0 for groups that have nothing to do with one another. Two groupings of one group
/// each are the same: 1.
inline double normalised_mutual_information(const Contingency& c) {
  const auto entropy = [&](const std::map<Index, double>& groups) {
    double sum = 0;
    for (const auto& [group, n] : groups) sum -= n / c.count * std::log(n / c.count);
    return sum;
  };
  double information = 0;
  for (const auto& [groups, n] : c.both)
    information += n / c.count *
                   std::log(n * c.count / (c.first.at(groups.first) * c.second.at(groups.second)));
  const double mean = (entropy(c.first) + entropy(c.second)) / 2;
  return mean > 0 ? std::clamp(information / mean, 0.0, 1.0) : 1;
}

/// The share of pairs that both groupings treat alike, corrected for chance (Hubert & Arabie 1985):
/// 1 for the same groups, 0 on average for groups at random, and less where they avoid one another.
inline double adjusted_rand_index(const Contingency& c) {
  const auto pairs = [](double n) { return n * (n - 1) / 2; };
  const auto sum = [&](const std::map<Index, double>& groups) {
    double all = 0;
    for (const auto& [group, n] : groups) all += pairs(n);
    return all;
  };
  double together = 0;
  for (const auto& [groups, n] : c.both) together += pairs(n);
  const double a = sum(c.first), b = sum(c.second), all = pairs(c.count);
  const double expected = all > 0 ? a * b / all : 0, most = (a + b) / 2;
  return most == expected ? 1 : (together - expected) / (most - expected);
}

/// The share of samples that are right if each group of the first is taken for the group of the
/// second that most of its samples are in (its "purity"). More groups make it larger: with one
/// group per sample it is 1.
inline double majority_accuracy(const Contingency& c) {
  std::map<Index, double> most;
  for (const auto& [groups, n] : c.both) most[groups.first] = std::max(most[groups.first], n);
  double right = 0;
  for (const auto& [group, n] : most) right += n;
  return right / c.count;
}

}  // namespace longhand
