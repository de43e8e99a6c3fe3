// SPDX-License-Identifier: MIT
// The main function of tests that need a GPU: without one they are skipped, and say why.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>
#include <longhand/backend/cuda.hpp>
#include <string>

int main(int argc, char** argv) {
  const std::string reason = longhand::cuda::unavailable();
  if (!reason.empty()) {
    std::printf("skipped: %s\n", reason.c_str());
    return 77;
  }
  return doctest::Context(argc, argv).run();
}
