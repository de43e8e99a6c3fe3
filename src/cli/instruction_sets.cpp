// SPDX-License-Identifier: MIT
#include "model.hpp"

namespace longhand::cli {

std::vector<std::string> instruction_sets() {
  std::vector<std::string> sets;
#ifdef __SSE2__
  sets.emplace_back("sse2");
#endif
#ifdef __SSE4_2__
  sets.emplace_back("sse4.2");
#endif
#ifdef __AVX__
  sets.emplace_back("avx");
#endif
#ifdef __AVX2__
  sets.emplace_back("avx2");
#endif
#ifdef __FMA__
  sets.emplace_back("fma");
#endif
#ifdef __AVX512F__
  sets.emplace_back("avx512f");
#endif
#ifdef __ARM_NEON
  sets.emplace_back("neon");
#endif
  return sets;
}

}  // namespace longhand::cli
