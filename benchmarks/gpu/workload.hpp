// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "longhand/models/vae_spec.hpp"

/// What every contender trains, and on what; work.py and start.py say the same to the peers.
namespace longhand::benchmark {

inline constexpr Index kRows = 60'000, kPixels = 784, kLatent = 20;
inline constexpr std::array<Index, 3> kBatches = {128, 1024, 8192};

struct Net {
  std::string_view name;
  std::vector<Index> hidden;

  /// (in, out) of every layer, first of the encoder, then of the decoder.
  std::vector<std::pair<Index, Index>> layers() const {
    std::vector<std::pair<Index, Index>> all;
    Index in = kPixels;
    const auto add = [&](Index out) { all.emplace_back(std::exchange(in, out), out); };
    for (const Index width : hidden) add(width);
    add(2 * kLatent);
    in = kLatent;
    for (auto width = hidden.rbegin(); width != hidden.rend(); ++width) add(*width);
    add(kPixels);
    return all;
  }
};

inline Net net_called(std::string_view name) {
  for (const Net& net : {Net{"classic", {400}}, Net{"deep", {64, 16}}, Net{"wide", {1600}}})
    if (net.name == name) return net;
  throw std::invalid_argument("no net is called '" + std::string(name) +
                              "', only classic, deep and wide");
}

/// As in the peers the log variance is unbounded.
inline VaeSpec config_of(const Net& net) {
  return {.input_dim = kPixels,
          .hidden = mlp(net.hidden),
          .latent_dim = kLatent,
          .latent = GaussianLatentSpec{.logvar_bound = std::numeric_limits<double>::infinity()}};
}

/// `rows` made-up pictures of 28 x 28, one after the other: a spot of light, here or there, larger
/// or smaller. Something to learn, so that losses tell a training from none.
inline std::vector<std::uint8_t> pictures(Index rows) {
  std::vector<std::uint8_t> x(static_cast<std::size_t>(rows * kPixels));
  for (Index j = 0; j < rows; ++j) {
    const Index top = 4 + j % 20, left = 4 + j / 20 % 20, fall = 1 + j / 400 % 7;
    for (Index i = 0; i < kPixels; ++i) {
      const Index down = i / 28 - top, across = i % 28 - left;
      x[static_cast<std::size_t>(j * kPixels + i)] = static_cast<std::uint8_t>(
          std::max<Index>(0, 255 - fall * (down * down + across * across)));
    }
  }
  return x;
}

}  // namespace longhand::benchmark
