// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "longhand/core/params.hpp"
#include "longhand/io/safetensors.hpp"

/// Where a file keeps the state of a training, beside its model.
namespace longhand::io {

/// The beginning of the names of its tensors, which no tensor of a model has.
inline constexpr std::string_view training_prefix = "training.";

namespace detail {
/// The bytes of a model file that has `training_json` under the key "training" and the tensors
/// `training` beside those of the model.
std::vector<std::byte> encode_with_training(const std::string& spec_json, const ParamLayout& layout,
                                            Tensors tensors, Tensors training,
                                            const std::string& training_json,
                                            std::string_view name);
}  // namespace detail
}  // namespace longhand::io
