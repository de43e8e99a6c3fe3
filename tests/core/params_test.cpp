// SPDX-License-Identifier: MIT
#include "longhand/core/params.hpp"

#include <doctest/doctest.h>

#include <cstdint>

#include "longhand/backend/reference.hpp"

namespace {
using namespace longhand;
using B = Reference<float>;

ParamLayout layout_of_two() {
  ParamLayout layout;
  layout.add({.rows = 3, .outputs = 5, .fan_in = 3, .parts = {{"a.weight", 0, 5}}});
  layout.add({.rows = 1, .outputs = 5, .fan_in = 3, .bias = true, .parts = {{"a.bias", 0, 5}}});
  return layout;
}
}  // namespace

TEST_CASE("blocks start on cache lines in one flat buffer; padding is not counted") {
  const Params<B> params(layout_of_two());
  CHECK(params.layout().count() == 20);
  CHECK(params.layout().size() == 32);
  for (const std::uint32_t b : {0u, 1u})
    CHECK(reinterpret_cast<std::uintptr_t>(params[BlockId{b}].data) % kAlignment == 0);
  CHECK(params[BlockId{0}].rows == 3);
  CHECK(params[BlockId{0}].cols == 5);
  CHECK(params.flat().rows == 32);
}

TEST_CASE("a block without elements is refused by name") {
  ParamLayout layout;
  CHECK_THROWS_WITH_AS(layout.add({.rows = 0, .outputs = 4, .parts = {{"x.weight", 0, 4}}}),
                       "longhand: parameter block 'x.weight' is 0 x 4, expected at least 1 x 1",
                       std::invalid_argument);
}

TEST_CASE("the first write assigns, later ones add, unwritten blocks become zero") {
  const B backend;
  Grads<B> grads(layout_of_two());
  const BlockId weight{0}, bias{1};
  CHECK(grads.next_write(weight) == Store::assign);
  CHECK(grads.next_write(weight) == Store::accumulate);
  CHECK(grads.next_write(bias) == Store::assign);
  backend.fill(grads[weight], 4);
  backend.fill(grads[bias], 5);
  grads.clear();
  CHECK(grads.next_write(bias) == Store::assign);
  grads.zero_unwritten(backend);
  CHECK(grads[weight](2, 4) == 0);
  CHECK(grads[bias](0, 4) == 5);
}
