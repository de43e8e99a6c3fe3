// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <functional>
#include <numeric>
#include <thread>
#include <vector>

namespace longhand::benchmark {

/// Units of work per second of all threads together: thread t repeats work(t), which returns the
/// units it did, for `seconds`.
inline double rate(int threads, double seconds, const std::function<double(int)>& work) {
  using Clock = std::chrono::steady_clock;
  std::vector<double> rates(static_cast<std::size_t>(threads));
  std::vector<std::jthread> team;
  for (int t = 0; t < threads; ++t)
    team.emplace_back([&, t] {
      work(t);  // wide vectors and cold caches need a moment
      double units = 0, passed = 0;
      for (const auto start = Clock::now(); passed < seconds;) {
        units += work(t);
        passed = std::chrono::duration<double>(Clock::now() - start).count();
      }
      rates[static_cast<std::size_t>(t)] = units / passed;
    });
  team.clear();  // joins
  return std::accumulate(rates.begin(), rates.end(), 0.0);
}

}  // namespace longhand::benchmark
