// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "longhand/io/error.hpp"
#include "longhand/io/safetensors.hpp"
#include "longhand/models/aae_spec.hpp"
#include "longhand/models/vae_layout.hpp"

/// What a model file says, without the model: a safetensors file whose tensors bear the names of a
/// PyTorch state dict and whose metadata entry "longhand" describes the model in JSON. The model
/// itself is made by io/model_file.hpp. This part is compiled once, hence free of Eigen: a spec is
/// plain data.
///
/// A model may be of any kind that has a spec: a type S with these three functions in its namespace
/// (or here, for a VaeSpec and an AaeSpec).
///
///     std::string spec_to_json(const S&);   one JSON object; its key "model" names the kind
///     void spec_from_json(std::string_view text, std::string_view file, S& spec);   the reverse
///     ParamLayout layout_of(const S&);      names and shapes of all tensors
///
/// A reader throws FormatError with `file` and the key that is wrong. The keys "format", "scalar",
/// "library", "checksum" and "training" are the file's own and never among those of a spec.
namespace longhand::io {

/// A tensor of a file, without its data.
struct TensorInfo {
  std::string name;
  Dtype dtype = Dtype::f32;
  std::vector<std::uint64_t> shape;

  bool operator==(const TensorInfo&) const = default;
};

/// What a file says of itself and of its model.
struct ModelHeader {
  std::string kind;       ///< the key "model"; empty for a bare file
  std::string spec_json;  ///< the model, as spec_to_json gave it; empty for a bare file
  std::string scalar;     ///< of the weights, "float32" or "float64"
  std::string library;    ///< version of longhand that wrote it; empty if another program did
  bool bare = false;      ///< a PyTorch state dict without a description
  bool verified = false;  ///< has checksums of weights and description, and both are right
  std::string prefix;  ///< of every name in a bare file, "module." or "_orig_mod.", left out here
  std::vector<TensorInfo> tensors;  ///< sorted by name, with the types of the file
};

/// A whole file. Its checksums are right, but its tensors may be those of any model. Of a bare
/// state dict, weights in float16 and bfloat16 are here in float32, which holds them exactly, and
/// names without the prefixes of PyTorch's wrappers (torch.compile, DataParallel).
struct ModelFile {
  std::string path;  ///< for messages
  ModelHeader header;
  Tensors tensors;
  /// What a training needs beside the model, where the file is a checkpoint (io/checkpoint.hpp);
  /// else both are empty.
  std::string training_json = {};
  Tensors training = {};
};

/// A whole file, its tensors proven to be those of `spec`, each number finite.
template <class Spec>
struct ModelContent {
  ModelHeader header;
  Spec spec;
  Tensors tensors;
};

/// Reads a file as far as that is the same for every kind of model. Throws FileError, FormatError.
ModelFile read_model_file(const std::filesystem::path& path);
/// Reads bytes in memory as read_model_file(path) reads a file; `name` stands for the file in
/// messages.
ModelFile read_model_file(std::span<const std::byte> bytes, std::string_view name);

// ---- the spec of a Vae --------------------------------------------------------------------------

/// The likelihoods that a file can hold: all but types of the user's program.
using FileLikelihood = OwnLikelihoodSpec;

/// "ae" (the latent has no density), "cvae" (there is a condition), else "vae".
std::string kind_of(const VaeSpec& spec);
/// The spec as JSON, in which every number survives exactly. A spec that describes no model gives a
/// text that spec_from_json refuses.
std::string spec_to_json(const VaeSpec& spec);
/// Reads everything of a spec but `init` and `seed`, which end with training. It is strict: no
/// unknown key, every value in its range; an absent key means its default (docs/model_file.md).
/// Throws FormatError.
void spec_from_json(std::string_view text, std::string_view file, VaeSpec& spec);

// ---- the spec of an Aae -------------------------------------------------------------------------

/// "aae".
std::string kind_of(const AaeSpec& spec);
/// As for a Vae.
std::string spec_to_json(const AaeSpec& spec);
/// As for a Vae; `init` and `seed` are the autoencoder's.
void spec_from_json(std::string_view text, std::string_view file, AaeSpec& spec);

// ---- any spec -----------------------------------------------------------------------------------

/// Proves that the file's tensors are those of a layout, all of the file's scalar type, each number
/// finite. Throws FormatError naming the tensor that is wrong.
void require_tensors(const ModelFile& file, const ParamLayout& layout);

/// Refuses weights of another type than the model's, unless `convert` is given and they all survive
/// the conversion (a float64 may be too large for float32). Throws FormatError.
void require_dtype(const ModelHeader& header, const Tensors& tensors, Dtype dtype, bool convert,
                   std::string_view name);

/// The tensors of a layout, sorted by name, with their extents in the file. Throws FormatError if
/// two have one name, or one that is reserved.
std::vector<TensorInfo> tensors_of(const ParamLayout& layout, Dtype dtype = Dtype::f32);

namespace detail {
/// Refuses a spec with a number that weights of this type could not be computed with: infinite in
/// float32, or 0 in it and not in the spec. Throws FormatError naming the field.
void require_numbers(std::string_view spec_json, Dtype dtype, std::string_view file);
/// The description of a file without the file's own keys; these are checked where they are there.
std::string spec_text(std::string_view description, std::string_view file);
/// The description that consists of a spec and the format number.
std::string description_text(std::string_view spec_json);
std::vector<std::byte> encode(const std::string& spec_json, const ParamLayout& layout,
                              const Tensors& tensors, std::string_view name);
[[noreturn]] void refuse_layout(const std::exception& error, std::string_view file);

/// layout_of(spec), whose std::invalid_argument becomes a FormatError about the file.
template <class Spec>
ParamLayout layout_in_file(const Spec& spec, std::string_view file) {
  try {
    return layout_of(spec);
  } catch (const std::invalid_argument& error) {
    refuse_layout(error, file);
  }
}
template <class Spec>
Spec spec_in_file(std::string_view text, std::string_view file) {
  Spec spec;
  spec_from_json(text, file, spec);
  return spec;
}
}  // namespace detail

/// A spec as the description of a model file has it, a JSON object of the keys "format" and its
/// own.
template <class Spec>
std::string describe(const Spec& spec) {
  return detail::description_text(spec_to_json(spec));
}
/// The spec that a description holds, which may have all the keys of a file's. Throws FormatError;
/// `name` stands for the file in messages.
template <class Spec>
Spec spec_from_description(std::string_view text, std::string_view name = "description") {
  return detail::spec_in_file<Spec>(detail::spec_text(text, name), name);
}

/// The spec of a file, the tensors proven to be its own. `bare` describes a state dict that has no
/// description. Throws FormatError naming the field or tensor that is wrong.
template <class Spec>
Spec spec_of(const ModelFile& file, const Spec* bare = nullptr) {
  if (file.header.bare && bare == nullptr)
    throw FormatError(file.path, "description",
                      "is missing, expected a longhand model, or a spec given for this state dict");
  if (!file.header.bare && bare != nullptr)
    throw FormatError(file.path, "description",
                      "is in the file, expected a bare state dict with the given spec");
  Spec spec = file.header.bare ? detail::spec_in_file<Spec>(spec_to_json(*bare), "spec")
                               : detail::spec_in_file<Spec>(file.header.spec_json, file.path);
  detail::require_numbers(file.header.bare ? spec_to_json(*bare) : file.header.spec_json,
                          file.header.scalar == "float64" ? Dtype::f64 : Dtype::f32,
                          file.header.bare ? "spec" : file.path);
  require_tensors(file, detail::layout_in_file(spec, file.path));
  return spec;
}

/// Refuses a spec that no file can hold beside weights of this type, as save_model would after the
/// training: more layers than the format has, a number that is not finite or not one in float32, a
/// likelihood of your own. Throws FormatError naming the field.
template <class Spec>
void require_savable(const Spec& spec, Dtype dtype = Dtype::f32, std::string_view name = "model") {
  const std::string text = spec_to_json(spec);
  detail::layout_in_file(detail::spec_in_file<Spec>(text, name), name);
  detail::require_numbers(text, dtype, name);
}

/// Reads a whole model file: its description, spec and tensors, all verified. Throws FileError, and
/// FormatError as spec_of does.
template <class Spec = VaeSpec>
ModelContent<Spec> read_model(const std::filesystem::path& path, const Spec* bare = nullptr) {
  ModelFile file = read_model_file(path);
  Spec spec = spec_of(file, bare);
  return {std::move(file.header), std::move(spec), std::move(file.tensors)};
}
/// Reads bytes in memory as read_model(path) reads a file; `name` stands for the file in messages.
template <class Spec = VaeSpec>
ModelContent<Spec> read_model(std::span<const std::byte> bytes, std::string_view name,
                              const Spec* bare = nullptr) {
  ModelFile file = read_model_file(bytes, name);
  Spec spec = spec_of(file, bare);
  return {std::move(file.header), std::move(spec), std::move(file.tensors)};
}

/// The bytes of a model file, description and checksums included; equal models give equal bytes.
/// Throws FormatError for whatever read_model would refuse: nothing is written that cannot be read.
template <class Spec>
std::vector<std::byte> encode_model(const Spec& spec, const Tensors& tensors,
                                    std::string_view name = "model") {
  // What is checked is what a reader will see, not what the caller holds.
  const std::string text = spec_to_json(spec);
  const Spec seen = detail::spec_in_file<Spec>(text, name);
  return detail::encode(text, detail::layout_in_file(seen, name), tensors, name);
}

}  // namespace longhand::io
