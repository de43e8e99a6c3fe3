// SPDX-License-Identifier: MIT
#include "support/allocation_count.hpp"

#include <doctest/doctest.h>

#include <Eigen/Core>
#include <atomic>
#include <cstdlib>
#include <memory>
#include <new>

using longhand::test::AllocationCount;

namespace {

// Where the compiler cannot follow a pointer to: else it removes a malloc whose memory goes unused.
void* volatile sink = nullptr;

void keep(void* memory) { sink = memory; }

}  // namespace

TEST_CASE("allocation count: nothing allocated, nothing counted") {
  double on_the_stack[64] = {};
  AllocationCount count;
  keep(on_the_stack);
  CHECK(count.get() == 0);
}

TEST_CASE("allocation count: the C functions") {
  AllocationCount count;
  void* memory = std::malloc(100);
  keep(memory);
  CHECK(count.get() == 1);

  memory = std::realloc(memory, 1 << 16);
  keep(memory);
  std::free(memory);
  CHECK(count.get() == 2);

  memory = std::calloc(3, 100);
  keep(memory);
  std::free(memory);
  CHECK(count.get() == 3);

  memory = std::aligned_alloc(64, 128);
  keep(memory);
  std::free(memory);
  CHECK(count.get() == 4);

  REQUIRE(posix_memalign(&memory, 64, 100) == 0);
  keep(memory);
  std::free(memory);
  CHECK(count.get() == 5);
}

TEST_CASE("allocation count: operator new") {
  AllocationCount count;
  auto one = std::make_unique<int>(1);
  keep(one.get());
  CHECK(count.get() == 1);

  auto many = std::make_unique<double[]>(1000);
  keep(many.get());
  CHECK(count.get() == 2);

  struct alignas(128) Wide {
    double values[16];
  };
  auto wide = std::make_unique<Wide>();
  keep(wide.get());
  CHECK(count.get() == 3);
}

TEST_CASE("allocation count: Eigen") {
  AllocationCount count;
  Eigen::MatrixXf matrix = Eigen::MatrixXf::Zero(40, 30);
  keep(matrix.data());
  CHECK(count.get() == 1);

  matrix.resize(100, 100);
  keep(matrix.data());
  CHECK(count.get() == 2);

  Eigen::Matrix4f fixed = Eigen::Matrix4f::Identity();
  keep(fixed.data());
  CHECK(count.get() == 2);
}

#ifdef _OPENMP
TEST_CASE("allocation count: the threads of a parallel region") {
  // Not `omp for`: libomp (clang) allocates for every worksharing loop.
  const auto allocate_in_parallel = [] {
    std::atomic<int> threads = 0;
#pragma omp parallel num_threads(3)
    {
      void* const memory = std::malloc(100);
      keep(memory);
      std::free(memory);
      ++threads;
    }
    return threads.load();
  };
  const int threads = allocate_in_parallel();  // starts, and allocates, the threads themselves
  AllocationCount count;
  REQUIRE(allocate_in_parallel() == threads);
  CHECK(count.get() == threads);
}
#endif
