// SPDX-License-Identifier: MIT
// Compiled for any x86-64, unlike the rest: it asks whether the processor can run that.
#include <cstdio>

namespace longhand::micro {
int run(int argc, char** argv);
}

int main(int argc, char** argv) {
  const bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                  __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
  if (LONGHAND_MICRO_LEVEL >= (v4 ? 5 : v3 ? 4 : 3)) {
    std::fprintf(stderr, "this processor cannot run code for x86-64-v%d\n", LONGHAND_MICRO_LEVEL);
    return 77;
  }
  return longhand::micro::run(argc, argv);
}
