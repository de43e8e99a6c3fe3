// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "longhand/core/check.hpp"
#include "longhand/core/memory.hpp"

namespace longhand {

/// Index of a block in its layout.
enum class BlockId : std::uint32_t {};

/// A weight or a bias as one contiguous matrix, rows x outputs, column-major: column j holds what
/// output j owns. In a file it is an array whose first extent counts the outputs and whose others
/// are `inner`: none for a bias, {inputs} for a dense weight. Read row-major, that array has the
/// very bytes of the matrix, as long as `order` is empty.
struct ParamBlock {
  /// A named run of outputs: the head's block holds "mu.weight" and "logvar.weight" side by side.
  struct Part {
    std::string name;
    Index first = 0;
    Index outputs = 0;
  };
  std::vector<Index> inner = {};  ///< extents in the file after the first one; empty: a bias
  Index outputs = 0;
  Index offset = 0;  ///< in scalars, a multiple of one cache line; set by the layout
  Index fan_in = 0;  ///< of the layer that the block belongs to, for initialisation
  std::vector<Part> parts = {};
  /// The axes of `inner` in the order in which they lie in a column, slowest first; empty: as in
  /// the file. A convolution keeps (C, kh, kw) as (kh, kw, C): {1, 2, 0}.
  std::vector<int> order = {};

  bool bias() const { return inner.empty(); }
  Index rows() const {
    Index n = 1;
    for (const Index extent : inner) n *= extent;
    return n;
  }
  Index size() const { return rows() * outputs; }

  /// The row of the matrix that holds element `i` of an output, counted in the file's order.
  Index row_of(Index i) const {
    if (order.empty()) return i;
    std::vector<Index> at(inner.size());
    for (std::size_t axis = inner.size(); axis-- > 0; i /= inner[axis]) at[axis] = i % inner[axis];
    Index row = 0;
    for (const int axis : order) {
      const auto a = static_cast<std::size_t>(axis);
      row = row * inner[a] + at[a];
    }
    return row;
  }
};

/// Scalars [first, first + count) of a flat buffer.
struct ParamRange {
  Index first = 0;
  Index count = 0;
};

/// Names, shapes and places of all parameters of one model. Parameters, gradients and the
/// optimizer's moments share it. Blocks stand in named segments ("encoder", "discriminator"), each
/// of which is contiguous, so that an optimizer may own some of them. The layout also hands out the
/// noise streams of the parts that are built on it, so that no two of them share one.
class ParamLayout {
 public:
  struct SegmentRange {
    std::string name;
    ParamRange range;
    std::size_t first_block = 0, blocks = 0;
  };

  /// Starts a segment: blocks that are added from here on belong to it. Throws
  /// std::invalid_argument if there is one of this name already.
  void begin_segment(std::string name) {
    require(find(name) == nullptr, "the layout has a segment '", name, "' already");
    segments_.push_back({std::move(name), {size_, 0}, blocks_.size(), 0});
  }

  /// Adds a block to the segment that was begun last ("model" if none was).
  BlockId add(ParamBlock block) {
    require(block.rows() > 0 && block.outputs > 0, "parameter block '",
            block.parts.empty() ? std::string("?") : block.parts.front().name, "' is ",
            block.rows(), " x ", block.outputs, ", expected at least 1 x 1");
    if (segments_.empty()) begin_segment("model");
    constexpr Index per_line = kAlignment / 4;  // room for the narrowest scalar, float
    const Index room = (block.size() + per_line - 1) / per_line * per_line;
    block.offset = size_;
    size_ += room;
    segments_.back().range.count += room;
    ++segments_.back().blocks;
    blocks_.push_back(std::move(block));
    return static_cast<BlockId>(blocks_.size() - 1);
  }

  const std::vector<ParamBlock>& blocks() const { return blocks_; }
  const ParamBlock& operator[](BlockId id) const { return blocks_[static_cast<std::size_t>(id)]; }
  const std::vector<SegmentRange>& segments() const { return segments_; }
  /// Throws std::invalid_argument if there is no segment of this name.
  const SegmentRange& segment(std::string_view name) const {
    const SegmentRange* const found = find(name);
    require(found != nullptr, "the layout has no segment '", name, "'");
    return *found;
  }
  bool has_segment(std::string_view name) const { return find(name) != nullptr; }

  /// The number of a noise stream that no other part of the model has, the first of `count`
  /// neighbouring ones.
  std::uint16_t noise_streams(Index count) {
    const Index first = next_stream_;
    require(first + count <= 0x10000, "the model needs more than ", 0x10000 - kFirstStream,
            " noise streams");
    next_stream_ += count;
    return static_cast<std::uint16_t>(first);
  }

  /// Scalars in the flat buffer, padding included.
  Index size() const { return size_; }
  /// Parameters, padding not counted.
  Index count() const {
    Index n = 0;
    for (const ParamBlock& b : blocks_) n += b.size();
    return n;
  }

 private:
  /// The first noise stream that a layout hands out; those below are the named ones of
  /// core/philox.hpp.
  static constexpr Index kFirstStream = 1024;

  const SegmentRange* find(std::string_view name) const {
    for (const SegmentRange& s : segments_)
      if (s.name == name) return &s;
    return nullptr;
  }

  std::vector<ParamBlock> blocks_;
  std::vector<SegmentRange> segments_;
  Index size_ = 0;
  Index next_stream_ = kFirstStream;
};

/// The ranges of some segments of a layout, neighbours joined: what an optimizer that owns these
/// segments sweeps over.
inline std::vector<ParamRange> ranges_of(const ParamLayout& layout,
                                         const std::vector<std::string>& segments) {
  std::vector<ParamRange> ranges;
  for (const std::string& name : segments) ranges.push_back(layout.segment(name).range);
  std::ranges::sort(ranges, {}, &ParamRange::first);
  std::vector<ParamRange> joined;
  for (const ParamRange& r : ranges) {
    if (r.count == 0) continue;
    if (!joined.empty() && joined.back().first + joined.back().count == r.first) {
      joined.back().count += r.count;
    } else {
      joined.push_back(r);
    }
  }
  return joined;
}

/// One flat buffer in backend memory with a layout: the parameters of a model, or anything shaped
/// like them. Padding between blocks is zero and stays zero.
template <class B>
class Params {
 public:
  using Scalar = typename B::Scalar;

  Params() = default;
  explicit Params(ParamLayout layout) : layout_(std::move(layout)), buffer_(layout_.size()) {
    for (const ParamBlock& b : layout_.blocks())
      views_.push_back({buffer_.data() + b.offset, b.rows(), b.outputs, b.rows()});
  }

  const ParamLayout& layout() const { return layout_; }
  View<B> operator[](BlockId id) const { return views_[static_cast<std::size_t>(id)]; }
  /// The whole buffer as one column, for an optimizer's single sweep.
  View<B> flat() const { return buffer_.column(); }
  /// A range of the buffer as one column.
  View<B> flat(const ParamRange& r) const { return flat().middle_rows(r.first, r.count); }

 private:
  ParamLayout layout_;
  Buffer<B> buffer_;
  std::vector<View<B>> views_;  ///< of the blocks
};

/// What a product or a reduction does with its destination.
enum class Store { assign, accumulate };

/// The gradients of the loss by the parameters, in one flat buffer of their layout. The first write
/// of a pass to a block assigns, later ones add, so that no memory has to be zeroed.
template <class B>
class Grads {
 public:
  Grads() = default;
  explicit Grads(const ParamLayout& layout)
      : values_(layout), written_(layout.blocks().size(), 0) {}

  const Params<B>& values() const { return values_; }
  View<B> operator[](BlockId id) const { return values_[id]; }
  View<B> flat() const { return values_.flat(); }
  View<B> flat(const ParamRange& r) const { return values_.flat(r); }

  /// Starts a new sum in all blocks.
  void clear() { written_.assign(written_.size(), 0); }
  /// Starts a new sum in the blocks of a segment.
  void clear(const ParamLayout::SegmentRange& s) {
    std::fill_n(written_.begin() + static_cast<std::ptrdiff_t>(s.first_block), s.blocks, char(0));
  }
  /// How the next write to block `id` is stored: the first one since clear() assigns, later ones
  /// add. Marks the block as written.
  Store next_write(BlockId id) {
    const auto i = static_cast<std::size_t>(id);
    return std::exchange(written_[i], 1) != 0 ? Store::accumulate : Store::assign;
  }
  /// Zeroes the blocks that nobody wrote since clear(): a gradient never holds an old value.
  void zero_unwritten(const B& backend) { zero_unwritten(backend, 0, written_.size()); }
  void zero_unwritten(const B& backend, const ParamLayout::SegmentRange& s) {
    zero_unwritten(backend, s.first_block, s.blocks);
  }

 private:
  void zero_unwritten(const B& backend, std::size_t first, std::size_t count) {
    for (std::size_t i = first; i < first + count; ++i)
      if (written_[i] == 0) backend.fill(values_[static_cast<BlockId>(i)], 0);
  }

  Params<B> values_;
  std::vector<char> written_;  // not vector<bool>: std::exchange needs a reference
};

}  // namespace longhand
