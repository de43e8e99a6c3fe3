// SPDX-License-Identifier: MIT
// What the machine can do at most with the instructions of this build: multiply-adds on independent
// sums, so that none waits for another, and reading from each level of memory.
#include <memory>

#include "measure.hpp"

namespace longhand::micro {
namespace {

constexpr int kTurns = 10'000;

// One turn is one instruction per sum. SSE2 has no fused multiply-add: half of its instructions
// multiply, half add.
#if defined(__AVX512F__)
constexpr int kFlops = 16 * 2 * 64;  // sums, operations, bytes of a register
#define LONGHAND_TURNS(type)                                                                      \
  asm volatile(                                                                                   \
      "vpxorq %%zmm0, %%zmm0, %%zmm0\n"                                                           \
      ".irp r,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"                                  \
      "vpxorq %%zmm\\r, %%zmm\\r, %%zmm\\r\n.endr\n"                                              \
      "1:\n.irp r,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"                              \
      "vfmadd231" type                                                                            \
      " %%zmm0, %%zmm0, %%zmm\\r\n.endr\n"                                                        \
      "dec %0\njnz 1b\n"                                                                          \
      : "+r"(turns)::"cc", "xmm0", "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", \
        "xmm23", "xmm24", "xmm25", "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31")
#elif defined(__FMA__)
constexpr int kFlops = 14 * 2 * 32;
#define LONGHAND_TURNS(type)                                                                       \
  asm volatile(                                                                                    \
      ".irp r,0,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"                                               \
      "vpxor %%ymm\\r, %%ymm\\r, %%ymm\\r\n.endr\n"                                                \
      "1:\n.irp r,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"                                             \
      "vfmadd231" type                                                                             \
      " %%ymm0, %%ymm0, %%ymm\\r\n.endr\n"                                                         \
      "dec %0\njnz 1b\n"                                                                           \
      : "+r"(turns)::"cc", "xmm0", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", \
        "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15")
#else
constexpr int kFlops = 14 * 1 * 16;
#define LONGHAND_TURNS(type)                                                                       \
  asm volatile(                                                                                    \
      ".irp r,0,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"                                               \
      "xorps %%xmm\\r, %%xmm\\r\n.endr\n"                                                          \
      "1:\n.irp r,2,3,4,5,6,7,8\nmul" type                                                         \
      " %%xmm0, %%xmm\\r\n.endr\n"                                                                 \
      ".irp r,9,10,11,12,13,14,15\nadd" type                                                       \
      " %%xmm0, %%xmm\\r\n.endr\n"                                                                 \
      "dec %0\njnz 1b\n"                                                                           \
      : "+r"(turns)::"cc", "xmm0", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", \
        "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15")
#endif

template <class S>
void multiply_adds() {
  measure("peak multiply-add/" + scalar_name<S>, 0, 0,
          1.0 * kTurns * kFlops / static_cast<double>(sizeof(S)), [] {
            return [] {
              long turns = kTurns;
              if constexpr (std::is_same_v<S, float>)
                LONGHAND_TURNS("ps");
              else
                LONGHAND_TURNS("pd");
            };
          });
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
