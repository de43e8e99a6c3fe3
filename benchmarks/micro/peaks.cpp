// SPDX-License-Identifier: MIT
// What the machine can do at most with the instructions of this build: multiply-adds on independent
// sums, so that none waits for another, and reading from each level of memory.
#include <memory>

#include "../multiply_adds.hpp"
#include "measure.hpp"

namespace longhand::micro {
namespace {

#if defined(__AVX512F__)
constexpr peak::Vectors kVectors = peak::Vectors::avx512;
#elif defined(__FMA__)
constexpr peak::Vectors kVectors = peak::Vectors::avx2;
#else
constexpr peak::Vectors kVectors = peak::Vectors::sse2;
#endif

template <class S>
void multiply_adds() {
  constexpr long turns = 10'000;
  measure("peak multiply-add/" + scalar_name<S>, 0, 0, peak::multiply_adds<S>(kVectors, turns),
          [] { return [] { peak::multiply_adds<S>(kVectors, turns); }; });
}

/// A sum over `kilobytes`, in four parts.
void reads(const char* from, Index kilobytes) {
  const Index count = kilobytes * 256;
  measure(std::string("peak read ") + from + " " + std::to_string(kilobytes) + " KB/float", 0,
          1024.0 * static_cast<double>(kilobytes), 0, [=] {
            const auto memory = std::make_shared<Buffer<Cpu<float>>>(count);
            return [=] {
              using P = Pack<float, 16>;
              P sum[4] = {P(0), P(0), P(0), P(0)};
              for (const float* p = memory->data(); p < memory->data() + count; p += 64)
                for (int k = 0; k < 4; ++k) sum[k] += P::load(p + 16 * k);
              benchmark::DoNotOptimize(((sum[0] + sum[1]) + (sum[2] + sum[3])).sum());
            };
          });
}

}  // namespace

void add_peaks() {
  multiply_adds<float>();
  multiply_adds<double>();
  reads("L1", 16);
  reads("L2", 512);
  reads("L3", 16 * 1024);
  reads("memory", 512 * 1024);
}

}  // namespace longhand::micro
