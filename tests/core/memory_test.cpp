// SPDX-License-Identifier: MIT
#include "longhand/core/memory.hpp"

#include <doctest/doctest.h>

#include <cstdint>

#include "longhand/backend/reference.hpp"
#include "support/allocation_count.hpp"

namespace {
using namespace longhand;
using B = Reference<float>;
bool on_a_line(const void* p) { return reinterpret_cast<std::uintptr_t>(p) % kAlignment == 0; }
}  // namespace

TEST_CASE("a buffer is zeroed, starts on a cache line, and moves without copying") {
  Buffer<B> a(37);
  CHECK(on_a_line(a.data()));
  for (Index i = 0; i < a.size(); ++i) CHECK(a.data()[i] == 0);
  float* const place = a.data();
  Buffer<B> b = std::move(a);
  CHECK(b.data() == place);
  CHECK(a.data() == nullptr);
  a = std::move(b);
  CHECK(a.data() == place);
  CHECK(Buffer<B>(0).data() == nullptr);
}

TEST_CASE("a workspace hands out separate, aligned places and allocates only while it grows") {
  Workspace<B> workspace;
  const auto use = [&](Index batch) {
    workspace.reset();
    const View<B> a = workspace.matrix(17, batch), b = workspace.matrix(3, batch);
    const auto caches = workspace.host<View<B>>(5);
    const View<B> c = workspace.matrix(1000, batch);
    for (const View<B>& v : {a, b, c}) CHECK(on_a_line(v.data));
    CHECK(caches.size() == 5);
    CHECK(!caches[0].present());
    for (Index i = 0; i < a.size(); ++i) a.data[i] = 1;
    for (Index i = 0; i < b.size(); ++i) b.data[i] = 2;
    for (Index i = 0; i < c.size(); ++i) c.data[i] = 3;
    CHECK(a.data[a.size() - 1] == 1);
    CHECK(b.data[b.size() - 1] == 2);
    return a.data;
  };
  float* const first = use(64);
  longhand::test::AllocationCount count;
  CHECK(use(64) == first);
  CHECK(use(7) == first);
  CHECK(use(64) == first);
  CHECK(count.get() == 0);
  CHECK(workspace.matrix(0, 5).present());  // an empty matrix is not an absent one
}

TEST_CASE("a frame hands back what was taken since, and nothing else") {
  Workspace<B> workspace;
  const View<B> kept = workspace.matrix(10, 10);
  const auto ids = workspace.sample_ids(5);
  for (Index i = 0; i < kept.size(); ++i) kept.data[i] = 7;
  float* inside = nullptr;
  const auto work = [&](Index batch) {
    const Workspace<B>::Frame frame(workspace);
    const View<B> a = workspace.matrix(100, batch);
    CHECK(workspace.sample_ids(9).data != ids.data);
    workspace.host<View<B>>(30);
    {
      const Workspace<B>::Frame inner(workspace);
      inside = workspace.matrix(1000, batch).data;
    }
    CHECK(workspace.matrix(1000, batch).data == inside);
    for (Index i = 0; i < a.size(); ++i) a.data[i] = 1;
    return a.data;
  };
  float* const first = work(40);
  longhand::test::AllocationCount count;
  CHECK(work(40) == first);
  CHECK(work(40) == first);
  work(3);
  CHECK(count.get() == 0);
  for (Index i = 0; i < kept.size(); ++i) CHECK(kept.data[i] == 7);
}
