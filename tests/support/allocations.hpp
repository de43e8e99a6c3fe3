// SPDX-License-Identifier: MIT
#pragma once

// Counts the heap allocations of a test program, Eigen's and operator new's alike, by standing in
// for malloc and its relatives. Include it in one source file of a program. Only with glibc and
// without sanitizers, which need malloc for themselves: elsewhere `counts_allocations` is false.

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdlib>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LONGHAND_TEST_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define LONGHAND_TEST_SANITIZED 1
#endif
#endif

namespace longhand::test {
inline std::atomic<long> allocations{0};
#if defined(__GLIBC__) && !defined(LONGHAND_TEST_SANITIZED)
constexpr bool counts_allocations = true;
#else
constexpr bool counts_allocations = false;
#endif
}  // namespace longhand::test

#if defined(__GLIBC__) && !defined(LONGHAND_TEST_SANITIZED)
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* old, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);

void* malloc(std::size_t size) {
  ++longhand::test::allocations;
  return __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) {
  ++longhand::test::allocations;
  return __libc_calloc(count, size);
}
void* realloc(void* old, std::size_t size) {
  ++longhand::test::allocations;
  return __libc_realloc(old, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) {
  ++longhand::test::allocations;
  return __libc_memalign(alignment, size);
}
int posix_memalign(void** out, std::size_t alignment, std::size_t size) {
  *out = aligned_alloc(alignment, size);
  return *out != nullptr ? 0 : ENOMEM;
}
}
#endif
