// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace longhand::test {

/// Allocations made by this process since it started: malloc and its relatives, and with them
/// operator new, Eigen's buffers and what libraries allocate, in every thread.
[[nodiscard]] std::int64_t allocations();

/// Counts the allocations since its construction, in every thread:
///
///     AllocationCount count;
///     model.step(...);
///     CHECK(count.get() == 0);
///
/// A reallocation counts as one. What a library does once (starting OpenMP's threads) counts too:
/// run the code once before counting.
class AllocationCount {
 public:
  AllocationCount() : start_(allocations()) {}
  [[nodiscard]] std::int64_t get() const { return allocations() - start_; }

 private:
  std::int64_t start_;
};

}  // namespace longhand::test
