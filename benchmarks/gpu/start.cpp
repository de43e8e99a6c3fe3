// SPDX-License-Identifier: MIT
// Writes a net's initial weights on the processor, for a trial of the peers where there is no GPU
// (they are the numbers that gpu_step writes), and prints the loss without noise.
//
// Usage: gpu_start NET FILE
#include "start.hpp"

#include <cstdio>
#include <exception>

#include "longhand/backend/cpu.hpp"

int main(int argc, char** argv) {
  using namespace longhand;
  if (argc != 3) return std::fputs("usage: gpu_start NET FILE\n", stderr), 2;
  try {
    benchmark::write_start<Cpu<float>>(benchmark::net_called(argv[1]), argv[2]);
  } catch (const std::exception& error) {
    return std::fprintf(stderr, "gpu_start: %s\n", error.what()), 1;
  }
  return 0;
}
