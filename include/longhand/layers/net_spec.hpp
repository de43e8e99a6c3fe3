// SPDX-License-Identifier: MIT
#pragma once
#include <initializer_list>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "longhand/layers/activation.hpp"

namespace longhand {

/// A dense layer: `out` numbers per sample, whatever comes in.
struct DenseSpec {
  static constexpr const char* name = "dense";
  Index out = 0;
  bool operator==(const DenseSpec&) const = default;
};

/// One hidden stage of a net: a linear map, then an activation, then dropout while training.
struct StageSpec {
  std::variant<DenseSpec> linear;
  Activation activation = Relu{};
  double dropout = 0;  ///< probability of dropping a unit, in [0, 1)

  /// Numbers per sample that the stage hands on.
  Index out() const {
    return std::visit([](const auto& l) { return l.out; }, linear);
  }
};

/// The hidden stages of a net, as plain data. The last, linear stage is not among them: its width
/// is what the net's user needs (a latent's head, a likelihood's parameters).
struct NetSpec {
  std::vector<StageSpec> stages;

  NetSpec() = default;
  NetSpec(std::vector<StageSpec> of_stages) : stages(std::move(of_stages)) {}
  /// Dense stages of these widths with ReLU: .hidden = {400, 200}.
  NetSpec(std::initializer_list<Index> widths) {
    for (const Index width : widths) stages.push_back({DenseSpec{width}, Relu{}, 0});
  }

  /// The stages in the opposite order: the decoder that mirrors an encoder.
  NetSpec reversed() const {
    return NetSpec(std::vector<StageSpec>(stages.rbegin(), stages.rend()));
  }
};

/// Dense stages of these widths, all with the same activation and dropout.
inline NetSpec mlp(const std::vector<Index>& widths, const Activation& activation = Relu{},
                   double dropout = 0) {
  NetSpec spec;
  for (const Index width : widths) spec.stages.push_back({DenseSpec{width}, activation, dropout});
  return spec;
}

/// The outputs of a net's last stage: named runs ("mu", "logvar"), or one run that gets the number
/// of the stage as its name.
struct OutputSpec {
  std::vector<std::pair<std::string, Index>> parts;

  Index size() const {
    Index n = 0;
    for (const auto& part : parts) n += part.second;
    return n;
  }
};
inline OutputSpec outputs(Index count) { return {{{"", count}}}; }

}  // namespace longhand
