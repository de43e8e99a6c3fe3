// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "longhand/io/safetensors.hpp"
#include "longhand/models/vae_config.hpp"

/// What a model file says, without the model: a safetensors file whose tensors bear the names of a
/// PyTorch state dict and whose metadata entry "longhand" describes the model in JSON. The model
/// itself is made by io/model_file.hpp. This part is compiled once, hence free of Eigen: a config
/// is plain data.
namespace longhand::io {

/// A tensor of a file, without its data.
struct TensorInfo {
  std::string name;
  Dtype dtype = Dtype::f32;
  std::vector<std::uint64_t> shape;

  bool operator==(const TensorInfo&) const = default;
};

/// A file's description of its model.
struct ModelHeader {
  /// Everything but `init` and `seed`, which end with training; the given one for a bare file.
  VaeConfig config;
  std::string scalar;     ///< of the weights, "float32" or "float64"
  std::string library;    ///< version of longhand that wrote it; empty if another program did
  bool bare = false;      ///< a state dict without description: `config` is what the caller gave
  bool verified = false;  ///< has checksums of weights and description, and both are right
  std::vector<TensorInfo> tensors;  ///< sorted by name
};

/// A whole file, its tensors proven to be those of header.config, each number finite.
struct ModelContent {
  ModelHeader header;
  Tensors tensors;
};

/// Reads a file's description and proves it against the whole file. `bare_config` describes a state
/// dict that has no description; without it such a file yields a header with bare = true, its
/// tensors and a default config. Throws FileError, and FormatError naming the field or tensor that
/// is wrong.
ModelHeader read_model_header(const std::filesystem::path& path,
                              const VaeConfig* bare_config = nullptr);

/// Reads everything, or throws as read_model_header does; here a bare file needs `bare_config`.
ModelContent read_model(const std::filesystem::path& path, const VaeConfig* bare_config = nullptr);
/// The same from memory; `name` stands for the file in messages.
ModelContent read_model(std::span<const std::byte> bytes, std::string_view name,
                        const VaeConfig* bare_config = nullptr);

/// The file of a model, with description and checksums; equal models give equal bytes. Throws
/// FormatError for whatever read_model would refuse: nothing is written that cannot be read.
std::vector<std::byte> encode_model(const VaeConfig& config, const Tensors& tensors,
                                    std::string_view name = "model");
/// The same into a file, atomically. Throws FileError, FormatError.
void write_model(const std::filesystem::path& path, const VaeConfig& config,
                 const Tensors& tensors);

/// Refuses weights of another type than the model's, unless `convert` is given and they all survive
/// the conversion (a float64 may be too large for float32). Throws FormatError.
void require_dtype(const ModelContent& content, Dtype dtype, bool convert, std::string_view name);

/// The tensors of the model that `config` describes, sorted by name: weights are [out, in], biases
/// [out]. Throws FormatError naming the field of `config` that is wrong.
std::vector<TensorInfo> model_tensors(const VaeConfig& config, Dtype dtype = Dtype::f32);

/// The description alone, as one JSON object (docs/model_file.md). Numbers survive exactly.
/// Throws FormatError for a configuration that describes no model.
std::string config_to_json(const VaeConfig& config);
/// Back. Strict: every key is there once, no other key, every value in its range. Throws
/// FormatError; `name` stands for the file in messages.
VaeConfig config_from_json(std::string_view text, std::string_view name = "configuration");

}  // namespace longhand::io
