// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "longhand/models/vae_config.hpp"

namespace longhand::io {

/// The metadata entry "longhand" of a model file: docs/model_file.md.
struct Description {
  VaeConfig config;
  std::string scalar;   ///< "float32" or "float64"; may be absent, like the next two
  std::string library;  ///< a version
  std::optional<std::uint32_t> checksum;  ///< data_checksum of the tensors
};

/// As JSON text. A config that describes no model gives a text that parse_description refuses.
std::string describe(const Description& description);

/// Back, strictly. Throws FormatError with `file`.
Description parse_description(std::string_view text, const std::string& file);

/// How a checksum is written: "crc32:" and 8 hexadecimal digits.
std::string checksum_text(std::uint32_t checksum);

}  // namespace longhand::io
