// SPDX-License-Identifier: MIT
#include "longhand/core/params.hpp"

#include <doctest/doctest.h>

#include <cstdint>

#include "longhand/backend/reference.hpp"

namespace {
using namespace longhand;
using B = Reference<float>;

ParamBlock weight(std::string name, Index in, Index out) {
  return {.inner = {in}, .outputs = out, .fan_in = in, .parts = {{std::move(name), 0, out}}};
}

ParamLayout layout_of_two() {
  ParamLayout layout;
  layout.add(weight("a.weight", 3, 5));
  layout.add({.outputs = 5, .fan_in = 3, .parts = {{"a.bias", 0, 5}}});
  return layout;
}

/// Four segments of one 4 x 4 block each, 16 scalars without padding.
ParamLayout layout_of_segments() {
  ParamLayout layout;
  for (const char* name : {"encoder", "decoder", "prior", "discriminator"}) {
    layout.begin_segment(name);
    layout.add(weight(name, 4, 4));
  }
  return layout;
}

std::vector<std::pair<Index, Index>> pairs(const std::vector<ParamRange>& ranges) {
  std::vector<std::pair<Index, Index>> all;
  for (const ParamRange& r : ranges) all.emplace_back(r.first, r.count);
  return all;
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
  CHECK(params[BlockId{1}].rows == 1);
  CHECK(params[BlockId{1}].cols == 5);
  CHECK(!params.layout()[BlockId{0}].bias());
  CHECK(params.layout()[BlockId{1}].bias());
  CHECK(params.flat().rows == 32);
}

TEST_CASE("a block without elements is refused by name") {
  ParamLayout layout;
  CHECK_THROWS_WITH_AS(layout.add(weight("x.weight", 0, 4)),
                       "longhand: parameter block 'x.weight' is 0 x 4, expected at least 1 x 1",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(layout.add({.inner = {3, 0}, .outputs = 4}),
                       "longhand: parameter block '?' is 0 x 4, expected at least 1 x 1",
                       std::invalid_argument);
  CHECK_THROWS_AS(layout.add(weight("x.weight", 4, 0)), std::invalid_argument);
}

TEST_CASE("blocks of more axes: a column holds an output's elements, in the block's own order") {
  // (outputs, C, kh, kw) in the file; a column has (kh, kw, C), channels fastest.
  const ParamBlock conv{.inner = {2, 3, 4}, .outputs = 5, .order = {1, 2, 0}};
  CHECK(conv.rows() == 24);
  CHECK(conv.size() == 120);
  CHECK(!conv.bias());
  std::vector<bool> hit(24, false);
  for (Index c = 0; c < 2; ++c)
    for (Index h = 0; h < 3; ++h)
      for (Index w = 0; w < 4; ++w) {
        const Index in_file = (c * 3 + h) * 4 + w, in_column = (h * 4 + w) * 2 + c;
        CHECK(conv.row_of(in_file) == in_column);
        hit[static_cast<std::size_t>(conv.row_of(in_file))] = true;
      }
  CHECK(std::count(hit.begin(), hit.end(), true) == 24);

  // Axes whose permutation is not its own inverse tell `order` from its inverse; by hand, all 6:
  const ParamBlock small{.inner = {1, 2, 3}, .outputs = 1, .order = {2, 0, 1}};  // (w, c, h)
  const Index rows[] = {0, 2, 4, 1, 3, 5};
  for (Index i = 0; i < 6; ++i) CHECK(small.row_of(i) == rows[i]);

  // A dense layer after a flatten of (C, H, W) that reads (H, W, C).
  const ParamBlock flattened{.inner = {3, 2, 2}, .outputs = 1, .order = {1, 2, 0}};
  CHECK(flattened.row_of(0) == 0);
  CHECK(flattened.row_of(1) == 3);
  CHECK(flattened.row_of(4) == 1);
  CHECK(flattened.row_of(11) == 11);

  const ParamBlock plain{.inner = {2, 3}, .outputs = 2},
      same{.inner = {2, 3}, .outputs = 2, .order = {0, 1}};
  for (Index i = 0; i < 6; ++i) {
    CHECK(plain.row_of(i) == i);
    CHECK(same.row_of(i) == i);
  }
  const ParamBlock bias{.outputs = 3};
  CHECK(bias.rows() == 1);
  CHECK(bias.row_of(0) == 0);
}

TEST_CASE("segments are named, contiguous, and begin once") {
  ParamLayout layout;
  layout.begin_segment("encoder");
  layout.add(weight("a", 3, 5));
  layout.add({.outputs = 5, .parts = {{"b", 0, 5}}});
  layout.begin_segment("empty");
  layout.begin_segment("decoder");
  layout.add(weight("c", 4, 4));
  REQUIRE(layout.segments().size() == 3);
  const auto &encoder = layout.segment("encoder"), &empty = layout.segment("empty"),
             &decoder = layout.segment("decoder");
  CHECK(encoder.range.first == 0);
  CHECK(encoder.range.count == 32);  // padding included
  CHECK(encoder.first_block == 0);
  CHECK(encoder.blocks == 2);
  CHECK(empty.range.first == 32);
  CHECK(empty.range.count == 0);
  CHECK(empty.blocks == 0);
  CHECK(decoder.range.first == 32);
  CHECK(decoder.range.count == 16);
  CHECK(decoder.first_block == 2);
  CHECK(layout.size() == 48);
  CHECK(layout.has_segment("empty"));
  CHECK(!layout.has_segment("prior"));
  CHECK_THROWS_WITH_AS(layout.begin_segment("encoder"),
                       "longhand: the layout has a segment 'encoder' already",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(layout.segment("prior"), "longhand: the layout has no segment 'prior'",
                       std::invalid_argument);
  CHECK(layout.segments().size() == 3);
}

TEST_CASE("blocks of a layout without segments are those of \"model\"") {
  const ParamLayout layout = layout_of_two();
  REQUIRE(layout.segments().size() == 1);
  CHECK(layout.segment("model").range.count == layout.size());
  CHECK(layout.segment("model").blocks == 2);
}

TEST_CASE("ranges of segments: neighbours join, gaps stay, the order of names does not matter") {
  const ParamLayout layout = layout_of_segments();
  using Pairs = std::vector<std::pair<Index, Index>>;
  CHECK(pairs(ranges_of(layout, {"encoder", "decoder", "prior", "discriminator"})) ==
        Pairs{{0, 64}});
  CHECK(pairs(ranges_of(layout, {"encoder", "prior"})) == Pairs{{0, 16}, {32, 16}});
  CHECK(pairs(ranges_of(layout, {"prior", "encoder"})) == Pairs{{0, 16}, {32, 16}});
  CHECK(pairs(ranges_of(layout, {"discriminator", "decoder", "prior"})) == Pairs{{16, 48}});
  CHECK(pairs(ranges_of(layout, {"decoder", "encoder", "discriminator"})) ==
        Pairs{{0, 32}, {48, 16}});
  CHECK(ranges_of(layout, {}).empty());
  CHECK_THROWS_AS(ranges_of(layout, {"encoder", "generator"}), std::invalid_argument);

  ParamLayout with_empty = layout_of_segments();
  with_empty.begin_segment("empty");
  CHECK(ranges_of(with_empty, {"empty"}).empty());
  CHECK(pairs(ranges_of(with_empty, {"empty", "discriminator"})) == Pairs{{48, 16}});
  const Params<B> params(with_empty);
  const View<B> prior = params.flat(layout.segment("prior").range);
  CHECK(prior.data == params[BlockId{2}].data);
  CHECK(prior.rows == 16);
  CHECK(prior.cols == 1);
}

TEST_CASE("noise streams: none is handed out twice, none is a named one") {
  ParamLayout layout;
  const int first = layout.noise_streams(3), second = layout.noise_streams(0),
            third = layout.noise_streams(1), fourth = layout.noise_streams(2);
  CHECK(first == 1024);  // part of the format: masks are keyed by it
  CHECK(second == 1027);
  CHECK(third == 1027);
  CHECK(fourth == 1028);
  CHECK(first > static_cast<int>(Stream::augment_noise));
  CHECK(layout.noise_streams(0x10000 - 1030) == 1030);
  CHECK_THROWS_WITH_AS(layout.noise_streams(1),
                       "longhand: the model needs more than 64512 noise streams",
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

TEST_CASE("a segment's gradients begin anew and are zeroed alone") {
  const B backend;
  const ParamLayout layout = layout_of_segments();
  Grads<B> grads(layout);
  for (std::uint32_t b = 0; b < 4; ++b) {
    CHECK(grads.next_write(BlockId{b}) == Store::assign);
    backend.fill(grads[BlockId{b}], 7);
  }
  grads.clear(layout.segment("decoder"));
  CHECK(grads.next_write(BlockId{0}) == Store::accumulate);
  CHECK(grads.next_write(BlockId{1}) == Store::assign);
  CHECK(grads.next_write(BlockId{2}) == Store::accumulate);
  CHECK(grads.next_write(BlockId{3}) == Store::accumulate);

  grads.clear();
  grads.zero_unwritten(backend, layout.segment("prior"));
  for (std::uint32_t b = 0; b < 4; ++b) CHECK(grads[BlockId{b}](3, 3) == (b == 2 ? 0.f : 7.f));
  CHECK(grads.flat(layout.segment("prior").range).data == grads[BlockId{2}].data);
}
