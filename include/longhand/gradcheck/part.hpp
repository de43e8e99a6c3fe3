// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "longhand/gradcheck/options.hpp"

namespace longhand {

/// Borrowed doubles, column-major: element (i, j) is data[i + j * ld]. A sample is a column.
struct PartMatrix {
  double* data = nullptr;  ///< null: absent
  std::size_t rows = 0, cols = 0, ld = 0;

  bool present() const { return data != nullptr; }
  double& operator()(std::size_t i, std::size_t j) const { return data[i + j * ld]; }
};

/// A matrix that goes in, and which random numbers are fair for it.
struct PartInput {
  std::string name;
  std::size_t rows = 0;
  bool differentiate = true;  ///< false: data that backward gives no gradient for (targets, masks)
  double low = -1, high = 1;  ///< numbers are drawn from [low, high) …
  std::vector<double> among = {};  ///< … or from these, where there are any (a mask: 0 and 1)
};

/// The inputs of one call, in the order of Part::inputs, and which sample each column is: noise
/// belongs to the sample, not to its place in the batch.
struct PartBatch {
  std::size_t size = 0;
  std::vector<PartMatrix> inputs;
  std::vector<std::uint32_t> sample;
};

/// What backward does with the gradients of the parameters.
enum class GradientWrite {
  assign,  ///< whatever was there is overwritten
  add,     ///< added to what is there
  none,    ///< frozen parameters: nothing is written
};

/// What a forward keeps for its backward.
using PartCache = std::shared_ptr<const void>;

/// A differentiable part of a model as check_part sees it: matrices with a sample per column go in,
/// one comes out, parameters are shared by all samples. check_layer, check_latent,
/// check_likelihood, … make one of longhand's own types; a layer of another library is described by
/// hand, with nothing but the standard library:
///
///     Part part;
///     part.inputs = {{"x", 5}};
///     part.outputs = 3;
///     part.parameters = {{"W", layer.W, 3}, {"b", layer.b}};
///     part.gradients = {layer.dW, layer.db};
///     part.forward = [&](const PartBatch& in, PartMatrix y) { layer.forward(…); return nullptr; };
///     part.backward = [&](const PartBatch& in, const PartCache&, PartMatrix dy,
///                         const std::vector<PartMatrix>& dx, GradientWrite) { … };
///     part.adds = part.freezes = false;
///     const GradientReport report = check_part("my layer", part);
struct Part {
  std::vector<PartInput> inputs;
  std::size_t outputs = 0;  ///< rows of the output
  std::vector<NamedTensor> parameters;
  std::vector<std::span<double>> gradients;  ///< of the parameters, where backward writes them
  /// All memory the gradients lie in: what lies between them must never be written.
  std::span<double> gradient_memory;

  /// Assigns the output. Its cache must survive a second forward on other data.
  std::function<PartCache(const PartBatch&, PartMatrix y)> forward;
  /// Assigns the gradients of the inputs to differentiate by, in their order; an absent one is not
  /// wanted.
  std::function<void(const PartBatch&, const PartCache&, PartMatrix dy,
                     const std::vector<PartMatrix>& dinputs, GradientWrite)>
      backward;
  /// Earlier caches are no longer needed. May be empty.
  std::function<void()> forget;
  /// The forward on dual numbers: inputs to differentiate by and parameters by name, all other
  /// inputs in the batch. May be empty: no second opinion then.
  std::function<std::vector<Dual>(const PartBatch&, const DualTensors&)> dual;

  bool adds = true;     ///< GradientWrite::add is supported
  bool freezes = true;  ///< GradientWrite::none and absent gradients of inputs are supported
  bool independent_samples = true;  ///< false: samples of a batch meet, as in batch normalisation
};

}  // namespace longhand
