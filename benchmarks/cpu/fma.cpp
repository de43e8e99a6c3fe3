// SPDX-License-Identifier: MIT
#include "../multiply_adds.hpp"
#include "in_parallel.hpp"
#include "jobs.hpp"
#include "protocol.hpp"

namespace longhand::benchmark {

void measure_fma(int threads) {
  const peak::Vectors vectors = peak::widest_vectors();
  const auto work = [vectors](int) { return peak::multiply_adds<float>(vectors, 100'000); };
  while (const Request request = next_request())
    answer({{"flops", rate(threads, request->at("seconds"), work)},
            {"instructions", peak::name_of(vectors)}});
}

}  // namespace longhand::benchmark
