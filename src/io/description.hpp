// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace longhand::io {

/// The metadata entry "longhand" of a model file (docs/model_file.md): what every kind of model
/// has, around the spec of one.
struct Description {
  std::string kind;       ///< the spec's key "model"
  std::string spec_json;  ///< the spec alone, an object
  std::string scalar;     ///< "float32" or "float64"; may be absent, like the next two
  std::string library;    ///< a version
  std::optional<std::uint32_t> checksum;  ///< data_checksum of the tensors
  std::string training_json;              ///< the key "training" of a checkpoint
};

/// A description as JSON text: the format, the keys of the spec in their order, and what else is
/// there.
std::string describe(const Description& description);

/// A description read from JSON text, strictly but for the keys of the spec. Throws FormatError
/// naming `file`.
Description parse_description(std::string_view text, std::string_view file);

/// How a checksum is written: "crc32:" and 8 hexadecimal digits.
std::string checksum_text(std::uint32_t checksum);

}  // namespace longhand::io
