// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "longhand/backend/cpu.hpp"
#include "longhand/backend/reference.hpp"
#include "longhand/core/pass.hpp"
#include "longhand/gradcheck/check_part.hpp"

namespace longhand::detail {

/// What surrounds a part of a model in a check, on any backend in host memory: parameters,
/// gradients, a workspace, noise. A part is constructed on `layout`; then ready() makes the
/// parameters.
template <class B>
struct Rig {
  using S = typename B::Scalar;

  B backend;
  ParamLayout layout;
  Params<B> theta;
  Grads<B> grads;
  Workspace<B> workspace;
  NoiseKey key{.seed = 11, .step = 2, .stream = Stream::latent, .draw = 0};
  Mode mode = Mode::train;
  HostScalars<S> scalars;
  std::vector<std::uint32_t> sample;  ///< of the last batch, by column

  /// Makes the parameters of `layout`, drawn from ±[0.1, 0.7): none near 0, where gradients would
  /// vanish behind them.
  void ready(std::uint64_t seed) {
    theta = Params<B>(layout);
    Random random(seed);
    for (const ParamBlock& block : layout.blocks())
      for (Index k = 0; k < block.size(); ++k) {
        const double magnitude = 0.1 + 0.6 * random.uniform();
        theta.flat().data[block.offset + k] = S(random.below(2) == 0 ? magnitude : -magnitude);
      }
    grads = Grads<B>(layout);
  }

  Pass<B> pass(const PartBatch& batch, Grads<B>* into = nullptr) {
    return pass(batch, theta, into);
  }
  Pass<B> pass(const PartBatch& batch, const Params<B>& at, Grads<B>* into) {
    sample = batch.sample;
    return {.backend = backend,
            .theta = at,
            .grads = into,
            .workspace = workspace,
            .key = key,
            .sample_ids = {sample.data(), 1, static_cast<Index>(sample.size()), 1},
            .mode = mode,
            .scalars = scalars.view()};
  }
  /// The destination of parameter gradients, told what to do with what it holds.
  Grads<B>* into(GradientWrite write) {
    if (write == GradientWrite::none) return nullptr;
    grads.clear();
    if (write == GradientWrite::add)
      for (std::size_t b = 0; b < grads.values().layout().blocks().size(); ++b)
        (void)grads.next_write(static_cast<BlockId>(b));
    return &grads;
  }
  /// After a backward: blocks that it left alone are zero, as in a training step; those of some
  /// segments, or all.
  void finish(const PartBatch& batch) {
    if (batch.size == 0) grads.zero_unwritten(backend);
  }
  void finish(const PartBatch& batch, const std::vector<std::string>& segments) {
    if (batch.size > 0) return;
    for (const std::string& name : segments)
      grads.zero_unwritten(backend, grads.values().layout().segment(name));
  }
};

/// The numbers of the blocks of some segments, or of all blocks where none are named.
inline std::vector<std::size_t> blocks_in(const ParamLayout& layout,
                                          const std::vector<std::string>& segments) {
  std::vector<std::size_t> blocks;
  for (const ParamLayout::SegmentRange& s : layout.segments())
    if (segments.empty() || std::ranges::find(segments, s.name) != segments.end())
      for (std::size_t b = 0; b < s.blocks; ++b) blocks.push_back(s.first_block + b);
  return blocks;
}

/// Every block of these segments (of all, where none are named) under its first part's name. All
/// gradients are guarded: a backward that writes one of another segment is found.
template <class B>
void describe_parameters(Part& part, const Params<B>& theta, const Grads<B>& grads,
                         const std::vector<std::string>& segments = {}) {
  const auto numbers = [](const View<B>& block) {
    return std::span<double>(block.data, static_cast<std::size_t>(block.size()));
  };
  for (const std::size_t b : blocks_in(theta.layout(), segments)) {
    const auto id = static_cast<BlockId>(b);
    part.parameters.push_back({theta.layout().blocks()[b].parts.front().name, numbers(theta[id]),
                               static_cast<std::size_t>(theta[id].rows)});
    part.gradients.push_back(numbers(grads[id]));
  }
  if (theta.layout().size() > 0) part.gradient_memory = numbers(grads.flat());
}

/// Parameters of the same layout, by name.
template <class B>
void take_parameters(const Params<B>& theta, const DualTensors& x,
                     const std::vector<std::string>& segments = {}) {
  for (const std::size_t b : blocks_in(theta.layout(), segments)) {
    const std::span<const Dual> values = x[theta.layout().blocks()[b].parts.front().name];
    std::copy(values.begin(), values.end(), theta[static_cast<BlockId>(b)].data);
  }
}

template <class B>
View<B> view_of(const PartMatrix& m) {
  if (!m.present()) return {};
  return {m.data, static_cast<Index>(m.rows), static_cast<Index>(m.cols),
          static_cast<Index>(std::max<std::size_t>(m.ld, 1))};
}

/// A matrix for a forward on any numbers: the double one itself, or a copy in the workspace.
template <class B>
ConstView<B> input_on(const Pass<B>& pass, const PartMatrix& m) {
  if constexpr (std::is_same_v<typename B::Scalar, double>) {
    return view_of<B>(m);
  } else {
    const View<B> copy = pass.matrix(static_cast<Index>(m.rows), static_cast<Index>(m.cols));
    for (std::size_t j = 0; j < m.cols; ++j)
      for (std::size_t i = 0; i < m.rows; ++i)
        copy(static_cast<Index>(i), static_cast<Index>(j)) = typename B::Scalar(m(i, j));
    return copy;
  }
}
/// One to differentiate by, as dual numbers.
inline ConstView<Reference<Dual>> dual_input(const DualTensors& x, std::string_view name,
                                             const PartMatrix& m) {
  return {x[name].data(), static_cast<Index>(m.rows), static_cast<Index>(m.cols),
          static_cast<Index>(std::max<std::size_t>(m.rows, 1))};
}
inline std::vector<Dual> flat(const ConstView<Reference<Dual>>& m) {
  std::vector<Dual> all;
  for (Index j = 0; j < m.cols; ++j)
    for (Index i = 0; i < m.rows; ++i) all.push_back(m(i, j));
  return all;
}

/// What `make` makes for backend B on a layout: make.template operator()<B>(layout), or for one
/// backend only make(layout).
template <class B, class Make>
auto make_on(const Make& make, ParamLayout& layout) {
  if constexpr (requires { make.template operator()<B>(layout); }) {
    return make.template operator()<B>(layout);
  } else {
    return make(layout);
  }
}
/// Whether it can be made for B as well, so that dual numbers can run through it.
template <class B, class Make>
concept MadeFor = requires(const Make& make, ParamLayout& layout) {
  make.template operator()<B>(layout);
};

}  // namespace longhand::detail
