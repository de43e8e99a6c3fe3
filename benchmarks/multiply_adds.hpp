// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <type_traits>

/// The most floating point operations per second of a processor: independent chains of
/// multiply-adds, enough of them to hide their latency (4 cycles, 2 per cycle: 8 chains), in
/// registers. Assembly, so that no compiler can shorten, split or spill them. Sixteen registers
/// exist everywhere: 14 chains and two constants.
namespace longhand::peak {

/// SSE2 has no multiply-add: half of its instructions multiply, half add.
enum class Vectors { sse2, avx2, avx512 };

inline constexpr int kChains = 14;

#if defined(__x86_64__)

/// The widest that this processor can run.
inline Vectors widest_vectors() {
  if (__builtin_cpu_supports("avx512f")) return Vectors::avx512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return Vectors::avx2;
  return Vectors::sse2;
}
inline const char* name_of(Vectors vectors) {
  return vectors == Vectors::avx512 ? "AVX-512"
         : vectors == Vectors::avx2 ? "AVX2 and FMA"
                                    : "SSE2";
}

// x <- x/2 + 1 goes to 2: no infinity, no denormal number.
// clang-format off
#define LONGHAND_CHAINS(clear, load_factor, load_term, body, leave)                     \
  asm volatile(                                                                         \
      load_factor load_term                                                             \
      ".irp r, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13\n" clear "\n.endr\n"        \
      ".p2align 6\n"                                                                    \
      "1:\n" body                                                                       \
      "dec %0\n"                                                                        \
      "jnz 1b\n" leave                                                                  \
      : "+r"(loops)                                                                     \
      : "m"(factor), "m"(term)                                                          \
      : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",   \
        "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15")
#define LONGHAND_FUSED_CHAINS(w, p, s)                                                  \
  LONGHAND_CHAINS("vxorps %%xmm\\r, %%xmm\\r, %%xmm\\r",                                \
      "vbroadcast" s " %1, %%" w "14\n", "vbroadcast" s " %2, %%" w "15\n",             \
      ".irp r, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13\n"                          \
      "vfmadd213" p " %%" w "15, %%" w "14, %%" w "\\r\n.endr\n", "vzeroupper\n")
#define LONGHAND_PLAIN_CHAINS(p, s)                                                     \
  LONGHAND_CHAINS("xorps %%xmm\\r, %%xmm\\r", "mov" s " %1, %%xmm14\n",                 \
      "mov" s " %2, %%xmm15\n",                                                         \
      ".irp r, 0, 1, 2, 3, 4, 5, 6\nmul" p " %%xmm14, %%xmm\\r\n.endr\n"                \
      ".irp r, 7, 8, 9, 10, 11, 12, 13\nadd" p " %%xmm15, %%xmm\\r\n.endr\n", "")
// clang-format on

/// Runs `loops` > 0 rounds of all chains; returns how many operations they were.
template <class S>
double multiply_adds(Vectors vectors, long loops) {
  static_assert(std::is_same_v<S, float> || std::is_same_v<S, double>);
  constexpr bool is_float = std::is_same_v<S, float>;
  const S factor = S(0.5), term = S(1);
  const double rounds = static_cast<double>(loops) * kChains / sizeof(S);
  if (vectors == Vectors::avx512) {
    if constexpr (is_float)
      LONGHAND_FUSED_CHAINS("zmm", "ps", "ss");
    else
      LONGHAND_FUSED_CHAINS("zmm", "pd", "sd");
    return rounds * 2 * 64;
  }
  if (vectors == Vectors::avx2) {
    if constexpr (is_float)
      LONGHAND_FUSED_CHAINS("ymm", "ps", "ss");
    else
      LONGHAND_FUSED_CHAINS("ymm", "pd", "sd");
    return rounds * 2 * 32;
  }
  if constexpr (is_float)
    LONGHAND_PLAIN_CHAINS("ps", "ss");
  else
    LONGHAND_PLAIN_CHAINS("pd", "sd");
  return rounds * 16;
}

#undef LONGHAND_PLAIN_CHAINS
#undef LONGHAND_FUSED_CHAINS
#undef LONGHAND_CHAINS

#else

inline Vectors widest_vectors() { return Vectors::sse2; }
inline const char* name_of(Vectors) { return "128-bit vectors"; }

// Elsewhere the compiler is trusted with vectors of 16 bytes; the recurrence it cannot shorten.
template <class S>
double multiply_adds(Vectors, long loops) {
  using Register = S __attribute__((vector_size(16)));
  Register x[kChains] = {};
  for (long i = 0; i < loops; ++i)
    for (Register& chain : x) chain = chain * S(0.5) + S(1);
  volatile S sink = 0;
  for (const Register& chain : x) sink = sink + chain[0];
  return static_cast<double>(loops) * kChains * 2 * 16 / sizeof(S);
}

#endif

}  // namespace longhand::peak
