// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cmath>
#include <vector>

#include "longhand/core/names.hpp"
#include "longhand/core/params.hpp"
#include "longhand/core/uniform.hpp"

namespace longhand {

/// How weights start (docs/derivations/optimizers.md).
enum class Init { pytorch, glorot, he };
constexpr std::array<NamedChoice<Init>, 3> names_in(Init) {
  return {{{Init::pytorch, "pytorch"}, {Init::glorot, "glorot"}, {Init::he, "he"}}};
}

/// Half-width of the uniform distribution a block starts from; 0 = zeros.
inline double init_half_width(Init init, const ParamBlock& block) {
  const double fan_in = static_cast<double>(block.fan_in);
  switch (init) {
    case Init::pytorch:
      return 1 / std::sqrt(fan_in);  // [INIT-1]
    case Init::glorot:
      return block.bias() ? 0
                        : std::sqrt(6 / (fan_in + static_cast<double>(block.outputs)));  // [INIT-2]
    case Init::he:
      return block.bias() ? 0 : std::sqrt(6 / fan_in);  // [INIT-3]
  }
  return 0;
}

/// Fills all parameters; the numbers depend on (seed, block, element) alone.
template <class B>
void initialize(const B& backend, Init init, std::uint64_t seed, const Params<B>& params) {
  using S = typename B::Scalar;
  const NoiseKey key{.seed = seed, .step = 0, .stream = Stream::init, .draw = 0};
  const std::vector<ParamBlock>& blocks = params.layout().blocks();
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    const ParamBlock& block = blocks[b];
    const double half_width = init_half_width(init, block);
    std::vector<float> uniform(static_cast<std::size_t>(block.size()));
    uniform_column(key, static_cast<std::int64_t>(b), static_cast<std::int64_t>(uniform.size()),
                   uniform.data());
    std::vector<S> values;
    values.reserve(uniform.size());
    for (const float u : uniform)
      values.push_back(S(half_width * (2 * static_cast<double>(u) - 1)));
    backend.upload(values.data(), params[static_cast<BlockId>(b)]);
  }
}

}  // namespace longhand
