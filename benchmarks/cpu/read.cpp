// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstddef>
#include <vector>

#include "in_parallel.hpp"
#include "jobs.hpp"
#include "protocol.hpp"

// The most bytes per second that can be read, over and over, from a block of a given size: the
// bound of a product with one column, which does nothing but read its weights.
namespace longhand::benchmark {

namespace {

struct alignas(64) Line {
  float value[16];
};
using Lanes = float __attribute__((vector_size(64)));

/// Reads the lines once and returns the bytes.
double read(const Line* lines, std::size_t count) {
  constexpr std::size_t chains = 8;  // independent sums, so that additions do not wait
  Lanes sum[chains] = {};
  for (std::size_t i = 0; i + chains <= count; i += chains)
    for (std::size_t k = 0; k < chains; ++k)
      sum[k] += *reinterpret_cast<const Lanes*>(lines[i + k].value);
  for (const Lanes& lanes : sum)
    asm volatile("" : : "m"(lanes) : "memory");  // is wanted, each time
  return static_cast<double>(count / chains * chains * sizeof(Line));
}

}  // namespace

void measure_read(int threads) {
  while (const Request request = next_request()) {
    const std::size_t bytes = request->at("bytes");
    const std::size_t share =
        std::max<std::size_t>(bytes / sizeof(Line) / static_cast<std::size_t>(threads) / 8 * 8, 8);
    const std::vector<Line> lines(share * static_cast<std::size_t>(threads));
    answer({{"bytes_per_second", rate(threads, request->at("seconds"), [&](int t) {
               return read(lines.data() + share * static_cast<std::size_t>(t), share);
             })}});
  }
}

}  // namespace longhand::benchmark
