// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>
#include <longhand/core/permutation.hpp>
#include <map>
#include <vector>

using namespace longhand;

namespace {

Permutation epoch_order(std::uint32_t epoch, std::int64_t n) {
  return Permutation({.seed = 42, .step = epoch, .stream = Stream::order}, n);
}

std::vector<int> all(const Permutation& order) {
  std::vector<int> rows;
  for (std::uint32_t i = 0; i < order.size(); ++i) rows.push_back(static_cast<int>(order(i)));
  return rows;
}

/// How many standard deviations a chi-square statistic lies above its mean.
double excess(double chi2, double freedom) { return (chi2 - freedom) / std::sqrt(2 * freedom); }

}  // namespace

TEST_CASE("epoch order: the worked numbers [NOI-4]") {
  CHECK(all(epoch_order(0, 10)) == std::vector<int>{4, 0, 2, 7, 6, 3, 8, 9, 5, 1});
  CHECK(all(epoch_order(1, 10)) == std::vector<int>{4, 0, 9, 5, 8, 3, 1, 6, 2, 7});
  CHECK(epoch_order(0, 200)(0) == 161);
  CHECK(epoch_order(0, 200)(11) == 104);
}

TEST_CASE("epoch order: every row exactly once [NOI-4]") {
  for (const int n : {1, 2, 3, 5, 10, 128, 129, 255, 256, 257, 511, 1000, 60000, 65536, 65537}) {
    for (std::uint32_t epoch = 0; epoch < 3; ++epoch) {
      std::vector<int> times(static_cast<std::size_t>(n));
      const Permutation order = epoch_order(epoch, n);
      for (int i = 0; i < n; ++i) ++times.at(order(static_cast<std::uint32_t>(i)));
      CHECK(times == std::vector<int>(static_cast<std::size_t>(n), 1));
    }
  }
}

TEST_CASE("epoch order: up to 2^32 rows [NOI-4]") {
  const std::int64_t n = std::int64_t{1} << 32;
  const Permutation order = epoch_order(0, n);
  CHECK(order.size() == n);
  CHECK(order(0) != order(0xFFFFFFFF));
  CHECK(epoch_order(0, n - 1)(0xFFFFFFFE) < n - 1);
}

TEST_CASE("epoch order: all orders of 2, 3, 4 and 5 rows are equally frequent [NOI-4]") {
  int orders = 1;
  for (const int n : {2, 3, 4, 5}) {
    orders *= n;
    const int epochs = 200 * orders;
    std::map<std::vector<int>, int> times;
    for (int e = 0; e < epochs; ++e) ++times[all(epoch_order(static_cast<std::uint32_t>(e), n))];
    CHECK(times.size() == static_cast<std::size_t>(orders));
    double chi2 = 0;
    for (const auto& [order, count] : times) chi2 += (count - 200.0) * (count - 200.0) / 200;
    CHECK_FALSE(!(excess(chi2, orders - 1) <= 5));
  }
}

TEST_CASE("epoch order: every row visits every position, every pair follows [NOI-4]") {
  for (const int n : {7, 33, 130}) {
    const int epochs = 4000;
    const auto at = [n](std::uint32_t a, std::uint32_t b) {
      return a * static_cast<std::size_t>(n) + b;
    };
    const auto cells = static_cast<std::size_t>(n) * static_cast<std::size_t>(n);
    std::vector<double> position(cells), pair(cells);
    int shared = 0;  // rows at the same position in two epochs running: 1 expected
    for (int e = 0; e < epochs; ++e) {
      const Permutation order = epoch_order(static_cast<std::uint32_t>(e), n);
      const Permutation next = epoch_order(static_cast<std::uint32_t>(e + 1), n);
      for (std::uint32_t i = 0; i < static_cast<std::uint32_t>(n); ++i) {
        ++position[at(i, order(i))];
        shared += order(i) == next(i);
        if (i > 0) ++pair[at(order(i - 1), order(i))];
      }
    }
    double chi2 = 0, pair_chi2 = 0;
    const double each = static_cast<double>(epochs) / n;
    for (const double count : position) chi2 += (count - each) * (count - each) / each;
    CHECK_FALSE(!(excess(chi2, (n - 1.0) * (n - 1.0)) <= 5));
    for (std::uint32_t a = 0; a < static_cast<std::uint32_t>(n); ++a) {
      CHECK(pair[at(a, a)] == 0);
      for (std::uint32_t b = 0; b < static_cast<std::uint32_t>(n); ++b) {
        if (a != b) pair_chi2 += (pair[at(a, b)] - each) * (pair[at(a, b)] - each) / each;
      }
    }
    CHECK_FALSE(!(std::abs(excess(pair_chi2, n * (n - 1.0) - 1)) <= 6));
    CHECK_FALSE(!(std::abs(shared - epochs) <= 5 * std::sqrt(epochs)));
  }
}

TEST_CASE("epoch order: no trace of the original order in 60000 rows [NOI-4]") {
  const int n = 60000;
  const std::vector<int> rows = all(epoch_order(0, n));
  double place = 0, next = 0;  // serial correlations, in standard deviations
  const double mean = (n - 1) / 2.0, variance = (static_cast<double>(n) * n - 1) / 12;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    place += (static_cast<double>(i) - mean) * (rows[i] - mean);
    if (i > 0) next += (rows[i - 1] - mean) * (rows[i] - mean);
  }
  CHECK_FALSE(!(std::abs(place / variance / std::sqrt(n)) <= 5));
  CHECK_FALSE(!(std::abs(next / variance / std::sqrt(n)) <= 5));
}

TEST_CASE("epoch order: seed, epoch and stream each change it; look-up and loop agree [NOI-4]") {
  const std::vector<int> order = all(epoch_order(3, 1000));
  CHECK(order != all(epoch_order(4, 1000)));
  CHECK(order != all(Permutation({.seed = 43, .step = 3, .stream = Stream::order}, 1000)));
  CHECK(order != all(Permutation({.seed = 42, .step = 3, .stream = Stream::split}, 1000)));
  for (int i = 0; i < 1000; i += 37) {
    CHECK(permuted_index(42, 3, i, 1000) == order[static_cast<std::size_t>(i)]);
  }
}

TEST_CASE("epoch order: refuses positions and sizes out of range") {
  CHECK(epoch_order(0, 0).size() == 0);
  CHECK_THROWS_AS(epoch_order(0, -1), std::out_of_range);
  CHECK_THROWS_AS(epoch_order(0, (std::int64_t{1} << 32) + 1), std::out_of_range);
  CHECK_THROWS_AS(permuted_index(0, 0, 5, 5), std::out_of_range);
  CHECK_THROWS_AS(permuted_index(0, 0, -1, 5), std::out_of_range);
}
