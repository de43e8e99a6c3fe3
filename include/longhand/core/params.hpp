// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "longhand/core/check.hpp"
#include "longhand/core/memory.hpp"

namespace longhand {

/// Which part of a model a parameter belongs to; an optimizer may own one segment.
enum class Segment : std::uint8_t { encoder, decoder, prior };

/// Index of a block in its layout.
enum class BlockId : std::uint32_t {};

/// A weight or a bias as one contiguous block: fan_in x outputs, column-major, which is byte for
/// byte PyTorch's row-major (out, in). A bias is the 1 x outputs case.
struct ParamBlock {
  /// A named run of outputs: the head's block holds "mu.weight" and "logvar.weight" side by side.
  struct Part {
    std::string name;
    Index first = 0;
    Index outputs = 0;
  };
  Index rows = 0;
  Index outputs = 0;
  Index offset = 0;  ///< in scalars, a multiple of one cache line
  Index fan_in = 0;  ///< of the layer it belongs to, for initialisation
  bool bias = false;
  Segment segment = Segment::encoder;
  std::vector<Part> parts = {};
};

/// Names, shapes and places of all parameters of one model. Parameters, gradients and the
/// optimizer's moments share it.
class ParamLayout {
 public:
  /// Adds a block; blocks of one segment are added one after the other.
  BlockId add(ParamBlock block) {
    require(block.rows > 0 && block.outputs > 0, "parameter block '",
            block.parts.empty() ? std::string("?") : block.parts.front().name, "' is ", block.rows,
            " x ", block.outputs, ", expected at least 1 x 1");
    constexpr Index per_line = kAlignment / 4;  // room for the narrowest scalar, float
    block.offset = size_;
    size_ += (block.rows * block.outputs + per_line - 1) / per_line * per_line;
    blocks_.push_back(std::move(block));
    return static_cast<BlockId>(blocks_.size() - 1);
  }

  const std::vector<ParamBlock>& blocks() const { return blocks_; }
  const ParamBlock& operator[](BlockId id) const { return blocks_[static_cast<std::size_t>(id)]; }
  /// Scalars in the flat buffer, padding included.
  Index size() const { return size_; }
  /// Parameters, padding not counted.
  Index count() const {
    Index n = 0;
    for (const ParamBlock& b : blocks_) n += b.rows * b.outputs;
    return n;
  }

 private:
  std::vector<ParamBlock> blocks_;
  Index size_ = 0;
};

/// One flat buffer in backend memory with a layout: the parameters of a model, or anything shaped
/// like them. Padding between blocks is zero and stays zero.
template <class B>
class Params {
 public:
  using Scalar = typename B::Scalar;

  Params() = default;
  explicit Params(ParamLayout layout) : layout_(std::move(layout)), buffer_(layout_.size()) {}

  const ParamLayout& layout() const { return layout_; }
  View<B> operator[](BlockId id) const {
    const ParamBlock& b = layout_[id];
    return {buffer_.data() + b.offset, b.rows, b.outputs, b.rows};
  }
  /// All of it as one column, for an optimizer's single sweep.
  View<B> flat() const { return buffer_.column(); }

 private:
  ParamLayout layout_;
  Buffer<B> buffer_;
};

/// What a product or a reduction does with its destination.
enum class Store { assign, accumulate };

/// Gradients by the parameters. The first write of a pass assigns, later ones add, so that nothing
/// has to be cleared.
template <class B>
class Grads {
 public:
  Grads() = default;
  explicit Grads(const ParamLayout& layout)
      : values_(layout), written_(layout.blocks().size(), 0) {}

  const Params<B>& values() const { return values_; }
  View<B> operator[](BlockId id) const { return values_[id]; }
  View<B> flat() const { return values_.flat(); }

  /// Starts a new sum.
  void clear() { written_.assign(written_.size(), 0); }
  /// How the next write to block `id` is stored: the first one since clear() assigns, later ones
  /// add. Marks the block as written.
  Store next_write(BlockId id) {
    const auto i = static_cast<std::size_t>(id);
    return std::exchange(written_[i], 1) != 0 ? Store::accumulate : Store::assign;
  }
  /// Zeroes the blocks that nobody wrote since clear(): a gradient never holds an old value.
  void zero_unwritten(const B& backend) {
    for (std::size_t i = 0; i < written_.size(); ++i)
      if (written_[i] == 0) backend.fill(values_[static_cast<BlockId>(i)], 0);
  }

 private:
  Params<B> values_;
  std::vector<char> written_;  // not vector<bool>: std::exchange needs a reference
};

}  // namespace longhand
