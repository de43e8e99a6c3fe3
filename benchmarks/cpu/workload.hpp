// SPDX-License-Identifier: MIT
#pragma once
#include <limits>
#include <vector>

#include "longhand/io/model_file.hpp"
#include "longhand/io/npy.hpp"
#include "protocol.hpp"

/// What a setup request names: a net, its weights, the rows.
namespace longhand::benchmark {

/// {"input": D, "hidden": [widths], "latent": L}, with ReLU, Bernoulli pixels and, as in the peers,
/// an unbounded log variance.
inline VaeConfig config_of(const Json& net) {
  return {.input_dim = net.at("input"),
          .hidden = net.at("hidden").get<std::vector<Index>>(),
          .latent_dim = net.at("latent"),
          .logvar_bound = std::numeric_limits<double>::infinity()};
}

/// The first `rows` rows of an array of bytes, as numbers in [0, 1]; owns them.
struct Rows {
  std::vector<float> values;
  Index count = 0;
  Index dim = 0;

  Samples<float> samples() const { return samples_in_memory(values.data(), count, dim); }
  Samples<float> first(Index n) const { return samples_in_memory(values.data(), n, dim); }
};
inline Rows read_rows(const Json& setup) {
  const io::Tensor all = io::read_npy(setup.at("data").get<std::string>());
  Rows rows{.values = all.as<float>(),
            .count = setup.at("rows"),
            .dim = static_cast<Index>(all.shape.at(1))};
  require(rows.count <= static_cast<Index>(all.shape[0]),
          "the data have fewer rows than asked for");
  rows.values.resize(static_cast<std::size_t>(rows.count * rows.dim));
  for (float& value : rows.values) value /= 255.0f;
  return rows;
}

}  // namespace longhand::benchmark
