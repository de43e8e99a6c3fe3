// SPDX-License-Identifier: MIT
#include "support/allocation_count.hpp"

#include <atomic>
#include <cerrno>
#include <cstddef>

#ifndef __has_feature
#define __has_feature(name) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
    __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define LONGHAND_TEST_SANITIZER_ALLOCATOR
#endif

namespace {

// Constant-initialised: malloc runs before any constructor does.
constinit std::atomic<std::int64_t> allocation_count{0};

void count() { allocation_count.fetch_add(1, std::memory_order_relaxed); }

}  // namespace

std::int64_t longhand::test::allocations() {
  return allocation_count.load(std::memory_order_relaxed);
}

#ifdef LONGHAND_TEST_SANITIZER_ALLOCATOR

// A sanitizer brings its own malloc, which must not be replaced; it offers a hook instead.
extern "C" int __sanitizer_install_malloc_and_free_hooks(void (*)(const volatile void*,
                                                                  std::size_t),
                                                         void (*)(const volatile void*));

[[maybe_unused]] static const int hooks_installed = __sanitizer_install_malloc_and_free_hooks(
    [](const volatile void*, std::size_t) { count(); }, [](const volatile void*) {});

#else

// The program's own definitions come before glibc's, for the program and for every shared library
// in it; glibc keeps its own under these names. What is allocated is freed by glibc's free.
extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);

void* malloc(std::size_t size) {
  count();
  return __libc_malloc(size);
}

void* calloc(std::size_t number, std::size_t size) {
  count();
  return __libc_calloc(number, size);
}

void* realloc(void* old, std::size_t size) {
  count();
  return __libc_realloc(old, size);
}

void* memalign(std::size_t alignment, std::size_t size) {
  count();
  return __libc_memalign(alignment, size);
}

void* aligned_alloc(std::size_t alignment, std::size_t size) {
  count();
  return __libc_memalign(alignment, size);
}

int posix_memalign(void** out, std::size_t alignment, std::size_t size) {
  const bool power_of_two = alignment != 0 && (alignment & (alignment - 1)) == 0;
  if (!power_of_two || alignment % sizeof(void*) != 0) return EINVAL;
  count();
  void* const memory = __libc_memalign(alignment, size);
  if (memory == nullptr) return ENOMEM;
  *out = memory;
  return 0;
}
}  // extern "C"

#endif
