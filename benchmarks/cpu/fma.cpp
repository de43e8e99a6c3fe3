// SPDX-License-Identifier: MIT
#include <array>
#include <cstddef>

#include "in_parallel.hpp"
#include "jobs.hpp"
#include "protocol.hpp"

// The most float operations per second: independent chains of multiply-adds, long enough to hide
// their latency (4 cycles, 2 per cycle: 8 chains), in registers. Assembly, so that no compiler can
// shorten, split or spill them. Sixteen registers exist everywhere: 14 chains and two constants.
namespace longhand::benchmark {

namespace {

constexpr long kLoops = 100'000;
constexpr double kChains = 14;
// x <- x/2 + 1 goes to 2: no infinity, no denormal number.
constexpr std::array<float, 2> kFactorAndTerm{0.5f, 1.0f};

#if defined(__x86_64__)

// clang-format off
#define LONGHAND_CHAINS(w)                                                          \
  long loops = kLoops;                                                              \
  asm volatile(                                                                     \
      "vbroadcastss (%1), %%" w "14\n"                                              \
      "vbroadcastss 4(%1), %%" w "15\n"                                             \
      ".irp i, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13\n"                      \
      "vxorps %%xmm\\i, %%xmm\\i, %%xmm\\i\n"                                       \
      ".endr\n"                                                                     \
      ".p2align 6\n"                                                                \
      "1:\n"                                                                        \
      ".irp i, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13\n"                      \
      "vfmadd213ps %%" w "15, %%" w "14, %%" w "\\i\n"                              \
      ".endr\n"                                                                     \
      "dec %0\n"                                                                    \
      "jnz 1b\n"                                                                    \
      "vzeroupper\n"                                                                \
      : "+r"(loops)                                                                 \
      : "r"(kFactorAndTerm.data())                                                  \
      : "cc", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6",     \
        "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15")
// clang-format on

void chains_of_16() { LONGHAND_CHAINS("zmm"); }
void chains_of_8() { LONGHAND_CHAINS("ymm"); }

/// Floating point operations of one call.
double multiply_add() {
  static const bool wide = __builtin_cpu_supports("avx512f");
  wide ? chains_of_16() : chains_of_8();
  return kLoops * kChains * 2 * (wide ? 16 : 8);
}
const char* instructions() {
  return __builtin_cpu_supports("avx512f") ? "AVX-512" : "AVX2 and FMA";
}

#else

// Elsewhere the compiler is trusted with vectors of 4; the recurrence it cannot shorten.
double multiply_add() {
  using Four = float __attribute__((vector_size(16)));
  Four x[static_cast<std::size_t>(kChains)] = {};
  for (long i = 0; i < kLoops; ++i)
    for (Four& chain : x) chain = chain * kFactorAndTerm[0] + kFactorAndTerm[1];
  volatile float sink = 0;
  for (const Four& chain : x) sink = sink + chain[0];
  return kLoops * kChains * 2 * 4;
}
const char* instructions() { return "128-bit vectors"; }

#endif

}  // namespace

void measure_fma(int threads) {
  while (const Request request = next_request())
    answer({{"flops", rate(threads, request->at("seconds"), [](int) { return multiply_add(); })},
            {"instructions", instructions()}});
}

}  // namespace longhand::benchmark
