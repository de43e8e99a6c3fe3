// SPDX-License-Identifier: MIT
#pragma once

#include <nlohmann/json.hpp>

#include "json.hpp"
#include "longhand/models/vae_spec.hpp"

/// The JSON of what the specs of several kinds of models have in common: nets, and an autoencoder
/// as a whole. Each kind has a file of its own beside this one (vae_spec.cpp, aae_spec.cpp).
namespace longhand::io {

/// A transform, whether of the input or of the condition.
nlohmann::ordered_json transform_json(const InputTransform& transform);
/// The reverse, for `rows` numbers per sample. Throws FormatError.
InputTransform transform_from(const Node& node, Index rows);

/// The hidden stages of a net, a list.
nlohmann::ordered_json net_json(const NetSpec& net);
/// The reverse. Throws FormatError.
NetSpec net_from(const Node& node);

/// A list of `count` different names, or an empty one. Throws FormatError.
std::vector<std::string> names_from(const Node& node, Index count);

/// Adds the keys "input", "encoder", "decoder", "latent" and "likelihood" of an agreed spec.
void add_autoencoder(nlohmann::ordered_json& object, const VaeSpec& spec);
/// Reads these keys into a spec whose condition_dim is there already. Throws FormatError.
void read_autoencoder(const Node& root, VaeSpec& spec);

/// The units of a net's hidden stages.
Index units_in(const NetSpec& net);
/// The units of an autoencoder's layers, inputs and the prior's net included.
Index units_in(const VaeSpec& spec);
/// Refuses a model whose layers have more units in all than any memory holds.
void require_units(const Node& root, Index units);

}  // namespace longhand::io
