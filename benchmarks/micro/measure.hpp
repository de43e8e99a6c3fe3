// SPDX-License-Identifier: MIT
// What all micro-benchmarks share: names, figures, matrices.
#pragma once

#include <benchmark/benchmark.h>

#include <random>
#include <string>
#include <type_traits>
#include <vector>

#include "longhand/backend/cpu.hpp"

namespace longhand::micro {

template <class S>
inline const std::string scalar_name = std::is_same_v<S, float> ? "float" : "double";

/// Times `body`, which handles `values` values of `bytes` bytes in all and `flops` operations.
template <class Body>
void measure(const std::string& name, double values, double bytes, double flops, const Body& body) {
  using benchmark::Counter;
  benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) {
    const auto run = body();  // what is measured, with all it needs
    run();
    for (auto _ : state) {
      run();
      benchmark::ClobberMemory();
    }
    constexpr auto rate = Counter::kIsIterationInvariantRate;
    if (values > 0) state.counters["ns"] = Counter(values * 1e-9, rate | Counter::kInvert);
    if (bytes > 0) state.counters["GB/s"] = Counter(bytes * 1e-9, rate);
    if (flops > 0) state.counters["GFLOP/s"] = Counter(flops * 1e-9, rate);
  });
}

/// rows x cols numbers of (0.05, 0.95), which every formula takes; columns `ld` apart.
template <class S>
class Numbers {
 public:
  Numbers(Index rows, Index cols, Index ld = 0)
      : rows_(rows), cols_(cols), ld_(ld > 0 ? ld : rows), buffer_(ld_ * cols) {
    std::mt19937 random(1);
    for (Index k = 0; k < buffer_.size(); ++k)
      buffer_.data()[k] = S(0.05) + S(0.9) * static_cast<S>(random()) * S(0x1p-32);
  }
  View<Cpu<S>> view() const { return {buffer_.data(), rows_, cols_, ld_}; }

 private:
  Index rows_, cols_, ld_;
  Buffer<Cpu<S>> buffer_;
};

// One file each.
void add_peaks();
void add_products();
void add_sweeps();
void add_rows();
void add_columns();

}  // namespace longhand::micro
