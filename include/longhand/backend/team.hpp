// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <atomic>
#include <cstdint>
#ifdef _OPENMP
#include <omp.h>
#endif

#include "longhand/core/view.hpp"

namespace longhand::detail {

/// Threads a backend uses when none are named: OpenMP's own default (OMP_NUM_THREADS, else the
/// cores), 1 without OpenMP.
inline int default_threads() {
#ifdef _OPENMP
  return omp_get_max_threads();
#else
  return 1;
#endif
}

/// The threads of one parallel region, kept ready for many short jobs: one of them leads and posts
/// jobs, the others serve. A training step is some thirty jobs of 5 to 300 microseconds each; to
/// start OpenMP's threads anew for every one costs a step a fifth of its time, and where other
/// programs want the cores, OpenMP's waiting for a thread that is not running costs a hundred times
/// that.
///
/// A job is a number of parts, claimed one by one by whoever is free: a servant that comes late
/// finds no part left and delays nobody. Which thread takes a part must not matter to its result.
/// Those who wait spin for some tens of microseconds and then sleep.
class Team {
 public:
  /// Runs body(part, thread) for every part in [0, parts), parts < 2^32, and returns when all are
  /// done. Called by the leader, thread 0. The body neither throws nor allocates.
  template <class Body>
  void run(Index parts, const Body& body) {
    job_ = {&body, parts, [](const void* what, Index part, int thread) {
              (*static_cast<const Body*>(what))(part, thread);
            }};
    done_.store(0, std::memory_order_relaxed);
    open_.store((++jobs_ << 32) | static_cast<std::uint64_t>(parts), std::memory_order_release);
    posted_.fetch_add(1);
    posted_.notify_all();
    work(0);
    const auto all = static_cast<std::uint32_t>(parts);
    wait_while(done_, [&](std::uint32_t done) { return done != all; });
  }

  /// What every thread but the leader does until dismissed.
  void serve(int thread) {
    for (;;) {
      const std::uint32_t seen = posted_.load();
      if (dismissed_.load()) return;
      work(thread);
      wait_while(posted_, [&](std::uint32_t posted) { return posted == seen; });
    }
  }

  /// Called by the leader, once, after its last job.
  void dismiss() {
    dismissed_.store(true);
    posted_.fetch_add(1);
    posted_.notify_all();
  }

 private:
  struct Job {
    const void* body;
    Index parts;
    void (*call)(const void* body, Index part, int thread);
  };

  /// Claims and does parts until none is left. `open_` counts down the parts left of job number
  /// `open_ >> 32`. Whoever has claimed a part may read `job_`: it is not written before that part
  /// is done.
  void work(int thread) {
    std::uint64_t open = open_.load(std::memory_order_acquire);
    while (static_cast<std::uint32_t>(open) != 0) {
      if (!open_.compare_exchange_weak(open, open - 1, std::memory_order_acq_rel,
                                       std::memory_order_acquire))
        continue;
      const Index left = static_cast<std::uint32_t>(open);
      const Index parts = job_.parts;
      job_.call(job_.body, parts - left, thread);
      if (static_cast<Index>(done_.fetch_add(1, std::memory_order_acq_rel)) + 1 == parts)
        done_.notify_one();
      open = open_.load(std::memory_order_acquire);
    }
  }

  template <class Wrong>
  static void wait_while(std::atomic<std::uint32_t>& word, const Wrong& wrong) {
    constexpr int patience = 1000;  // pauses: 10 to 50 microseconds
    for (int i = 0; i < patience; ++i) {
      if (!wrong(word.load(std::memory_order_acquire))) return;
      pause();
    }
    for (std::uint32_t now; wrong(now = word.load(std::memory_order_acquire));) word.wait(now);
  }

  static void pause() {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
  }

  // In a cache line of its own, so that counting down does not take it away from those who wait.
  alignas(64) std::atomic<std::uint64_t> open_{0};
  alignas(64) std::atomic<std::uint32_t> done_{0};
  alignas(64) std::atomic<std::uint32_t> posted_{0};
  std::atomic<bool> dismissed_{false};
  alignas(64) Job job_{};
  std::uint64_t jobs_ = 0;
};

/// How many threads a backend may use, and the team that waits for its jobs, if there is one.
struct Threads {
  int count = 1;
  Team* team = nullptr;

  /// These threads, but no more than a product of `work` multiplications is worth: about 2 us of
  /// work for each where a team waits for jobs, 10 us where it has to be started.
  Threads worth(Index work) const {
    const Index each = team != nullptr ? 200'000 : 1'000'000;
    return {static_cast<int>(std::min<Index>(count, 1 + work / each)), team};
  }

  /// body(part, thread) for every part in [0, parts); thread < count.
  template <class Body>
  void run(Index parts, const Body& body) const {
    if (parts > 1 && count > 1) {
      if (team != nullptr) return team->run(parts, body);
#ifdef _OPENMP
      const int threads = static_cast<int>(std::min<Index>(count, parts));
#pragma omp parallel for num_threads(threads) schedule(static)
      for (Index part = 0; part < parts; ++part) body(part, omp_get_thread_num());
      return;
#endif
    }
    for (Index part = 0; part < parts; ++part) body(part, 0);
  }

  /// body(first, count) for runs of neighbours that make up [0, n), a few per thread.
  template <class Body>
  void for_runs(Index n, const Body& body) const {
    const Index parts = std::min<Index>(n, count > 1 ? 4 * count : 1);
    run(parts, [&](Index part, int) {
      const Index first = n * part / parts;
      body(first, n * (part + 1) / parts - first);
    });
  }

  /// body(i) for i in [0, n).
  template <class Body>
  void for_each(Index n, const Body& body) const {
    for_runs(n, [&](Index first, Index length) {
      for (Index i = first; i < first + length; ++i) body(i);
    });
  }
};

}  // namespace longhand::detail
