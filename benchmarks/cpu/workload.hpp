// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <limits>
#include <vector>

#include "longhand/io/model_file.hpp"
#include "longhand/io/npy.hpp"
#include "protocol.hpp"

/// What a setup request names: a net, its weights, the rows.
namespace longhand::benchmark {

/// {"input": D, "hidden": [widths], "latent": L}, with ReLU, Bernoulli pixels and, as in the peers,
/// an unbounded log variance.
inline VaeSpec config_of(const Json& net) {
  return {.input_dim = net.at("input"),
          .hidden = mlp(net.at("hidden").get<std::vector<Index>>()),
          .latent_dim = net.at("latent"),
          .latent = GaussianLatentSpec{.logvar_bound = std::numeric_limits<double>::infinity()}};
}

/// The first `rows` rows of an array of bytes, pixels of value byte / 255; owns them.
struct Rows {
  std::vector<std::uint8_t> bytes;
  Index count = 0;
  Index dim = 0;

  Samples<std::uint8_t> samples() const { return samples_in_memory(bytes.data(), count, dim); }
  /// The first n as numbers.
  Samples<float> numbers(Index n) const {
    return AnySamples<float>(samples_in_memory(bytes.data(), n, dim)).numbers();
  }
};
inline Rows read_rows(const Json& setup) {
  const io::Tensor all = io::read_npy(setup.at("data").get<std::string>());
  require(all.dtype == io::Dtype::u8, "the data are not bytes");
  const auto* first = reinterpret_cast<const std::uint8_t*>(all.data.data());
  Rows rows{.bytes = {first, first + all.data.size()},
            .count = setup.at("rows"),
            .dim = static_cast<Index>(all.shape.at(1))};
  require(rows.count <= static_cast<Index>(all.shape[0]),
          "the data have fewer rows than asked for");
  return rows;
}

}  // namespace longhand::benchmark
