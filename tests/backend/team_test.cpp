// SPDX-License-Identifier: MIT
#include "longhand/backend/team.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <numeric>
#include <stdexcept>
#include <thread>
#include <vector>

#include "longhand/backend/cpu.hpp"
#include "support/allocation_count.hpp"

using longhand::Cpu;
using longhand::Index;
using longhand::detail::Team;
using longhand::detail::Threads;

namespace {

/// How often each part of each job was done, by threads that exist.
void check_jobs(const Threads& threads) {
  for (const Index parts : {0, 1, 2, 3, 64, 1000}) {
    for (int job = 0; job < 50; ++job) {
      std::vector<int> done(static_cast<std::size_t>(parts));
      std::atomic<bool> strange = false;
      threads.run(parts, [&](Index part, int thread) {
        ++done[static_cast<std::size_t>(part)];
        if (thread < 0 || thread >= threads.count) strange = true;
      });
      CHECK_FALSE(strange);
      CHECK(std::accumulate(done.begin(), done.end(), Index{0}) == parts);
      CHECK(std::count(done.begin(), done.end(), 1) == parts);
    }
    std::vector<int> done(static_cast<std::size_t>(parts));
    threads.for_each(parts, [&](Index i) { ++done[static_cast<std::size_t>(i)]; });
    CHECK(std::count(done.begin(), done.end(), 1) == parts);
  }
}

}  // namespace

TEST_CASE("team: every part of every job is done once, with and without a team") {
  for (const int threads : {1, 2, 3, 8}) {
    CAPTURE(threads);
    check_jobs({threads, nullptr});
#ifdef _OPENMP
    Team team;
#pragma omp parallel num_threads(threads)
    if (const int thread = omp_get_thread_num(); thread == 0) {
      check_jobs({threads, &team});
      team.dismiss();
    } else {
      team.serve(thread);
    }
#endif
  }
}

TEST_CASE("team: a leader without servants does everything itself") {
  Team team;
  check_jobs({4, &team});
}

TEST_CASE("team: servants that fell asleep are woken") {
#ifdef _OPENMP
  Team team;
  std::atomic<int> met = 0;
#pragma omp parallel num_threads(2)
  if (const int thread = omp_get_thread_num(); thread == 0) {
    for (int job = 0; job < 5; ++job) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));  // longer than their patience
      // Two parts that wait for each other: both threads must take part.
      const bool alone = omp_get_num_threads() < 2;
      team.run(2, [&](Index, int) {
        ++met;
        while (!alone && met.load() < 2 * (job + 1)) {
        }
      });
    }
    team.dismiss();
  } else {
    team.serve(thread);
  }
  CHECK(met == 10);
#endif
}

TEST_CASE("together: the body runs once, on a backend with a team; what it throws comes out") {
  for (const int threads : {1, 2, 5}) {
    const Cpu<float> backend(threads);
    int runs = 0;
    longhand::together(backend, [&](const Cpu<float>& ready) {
      ++runs;
      CHECK(ready.threads() == threads);
      longhand::together(ready, [&](const Cpu<float>&) { ++runs; });  // as it is
    });
    CHECK(runs == 2);
    CHECK_THROWS_WITH_AS(
        longhand::together(backend,
                           [](const Cpu<float>&) { throw std::runtime_error("from inside"); }),
        "from inside", std::runtime_error);
  }
}

TEST_CASE("team: jobs do not allocate") {
  const Cpu<float> backend(2);
  longhand::Buffer<Cpu<float>> x(100'000);
  longhand::together(backend, [&](const Cpu<float>& ready) {
    const longhand::test::AllocationCount count;
    for (int i = 0; i < 10; ++i) ready.copy(x.column(), x.column());
    CHECK(count.get() == 0);
  });
}
