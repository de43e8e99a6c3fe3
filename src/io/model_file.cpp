// SPDX-License-Identifier: MIT
#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <set>
#include <utility>

#include "description.hpp"
#include "json.hpp"
#include "longhand/core/version.hpp"
#include "longhand/io/block_order.hpp"
#include "longhand/io/error.hpp"
#include "longhand/io/model_header.hpp"
#include "message.hpp"
#include "training_entry.hpp"

namespace longhand::io {
namespace {

constexpr const char* description_key = "longhand";
/// The checksum of the description, which holds that of the weights: together they cover all.
constexpr const char* checksum_key = "longhand_checksum";

std::uint32_t text_checksum(const std::string& text) {
  return static_cast<std::uint32_t>(
      ::crc32_z(0, reinterpret_cast<const Bytef*>(text.data()), text.size()));
}

std::string scalar_name(Dtype dtype) { return dtype == Dtype::f64 ? "float64" : "float32"; }
Dtype scalar_dtype(const std::string& scalar) {
  return scalar == "float64" ? Dtype::f64 : Dtype::f32;
}

/// "F32 [2,5]"
std::string kind(Dtype dtype, const std::vector<std::uint64_t>& shape) {
  return cat(dtype_name(dtype), " ", list(shape));
}

/// The index of the first number that is NaN or infinite.
template <class T>
std::optional<std::size_t> first_not_finite(const std::vector<T>& values) {
  const auto found = std::ranges::find_if(values, [](T value) { return !std::isfinite(value); });
  if (found == values.end()) return std::nullopt;
  return static_cast<std::size_t>(found - values.begin());
}

void check_finite(const std::string& name, const Tensor& tensor, std::string_view file) {
  const auto at = tensor.dtype == Dtype::f64 ? first_not_finite(tensor.as<double>())
                                             : first_not_finite(tensor.as<float>());
  if (at) {
    throw FormatError(
        file, shown(name),
        cat("number ", *at, " is ", tensor.as<double>()[*at], ", expected a finite number"));
  }
}

/// The tensors of a layout, sorted by name.
std::vector<TensorInfo> infos(const ParamLayout& layout, Dtype dtype, std::string_view file) {
  std::vector<TensorInfo> tensors;
  for (const ParamBlock& block : layout.blocks())
    for (const ParamBlock::Part& part : block.parts)
      tensors.push_back({part.name, dtype, file_shape(block, part)});
  std::ranges::sort(tensors, {}, &TensorInfo::name);
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const std::string& name = tensors[i].name;
    if (name.starts_with(training_prefix))
      throw FormatError(file, shown(name),
                        cat("is a tensor of the model, expected no name in ", training_prefix,
                            "*, which is kept for the state of a training"));
    if (i > 0 && name == tensors[i - 1].name)
      throw FormatError(file, shown(name),
                        "is the name of two tensors of the model, expected one of each name");
  }
  return tensors;
}

std::vector<TensorInfo> infos(const Tensors& tensors) {
  std::vector<TensorInfo> all;
  for (const auto& [name, tensor] : tensors) all.push_back({name, tensor.dtype, tensor.shape});
  return all;
}

/// Proves that these are the tensors of a layout, all of one type.
void check_tensors(const ParamLayout& layout, const Tensors& tensors, std::string_view file,
                   Dtype dtype) {
  std::set<std::string_view> known;
  const std::vector<TensorInfo> expected = infos(layout, dtype, file);
  for (const auto& [name, type, shape] : expected) {
    known.insert(name);
    const auto found = tensors.find(name);
    if (found == tensors.end())
      throw FormatError(file, shown(name), cat("is missing, expected ", kind(type, shape)));
    const Tensor& tensor = found->second;
    if (tensor.dtype != type || tensor.shape != shape) {
      throw FormatError(
          file, shown(name),
          cat("is ", kind(tensor.dtype, tensor.shape), ", expected ", kind(type, shape)));
    }
    check_finite(name, tensor, file);
  }
  for (const auto& [name, tensor] : tensors) {
    if (known.contains(name)) continue;
    throw FormatError(file, shown(name),
                      cat("is ", kind(tensor.dtype, tensor.shape),
                          ", expected no tensor of this name in the model"));
  }
}

/// The type of the first tensor says which type all should have, where nothing else does.
Dtype guessed_dtype(const Tensors& tensors) {
  return !tensors.empty() && tensors.begin()->second.dtype == Dtype::f64 ? Dtype::f64 : Dtype::f32;
}

/// Weights in half precision become float32, which holds them exactly.
void widen_halves(Tensors& tensors) {
  for (auto& [name, tensor] : tensors)
    if (tensor.dtype == Dtype::f16 || tensor.dtype == Dtype::bf16)
      tensor = Tensor::of<float>(std::move(tensor.shape), tensor.as<float>());
}

/// What PyTorch's wrappers put before every name of a state dict is taken off; returns it.
std::string strip_prefixes(Tensors& tensors) {
  std::string all;
  for (bool found = !tensors.empty(); found;) {
    found = false;
    for (const std::string_view prefix : {"_orig_mod.", "module."}) {
      const auto wrapped = [&](const auto& item) { return item.first.starts_with(prefix); };
      if (!std::ranges::all_of(tensors, wrapped)) continue;
      Tensors bare;
      for (auto& [name, tensor] : tensors) bare[name.substr(prefix.size())] = std::move(tensor);
      tensors = std::move(bare);
      all += prefix;
      found = true;
    }
  }
  return all;
}

ModelFile opened(Safetensors content, std::string file) {
  ModelFile result{std::move(file), {}, std::move(content.tensors), {}, {}};
  ModelHeader& header = result.header;
  header.tensors = infos(result.tensors);
  header.scalar = scalar_name(guessed_dtype(result.tensors));
  const auto entry = content.metadata.find(description_key);
  header.bare = entry == content.metadata.end();
  if (header.bare) {
    header.prefix = strip_prefixes(result.tensors);
    if (!header.prefix.empty()) header.tensors = infos(result.tensors);
    widen_halves(result.tensors);
    return result;
  }
  const std::string& text = entry->second;
  const auto checksum = content.metadata.find(checksum_key);
  if (checksum != content.metadata.end() &&
      checksum->second != checksum_text(text_checksum(text))) {
    throw FormatError(result.path, checksum_key,
                      cat("is ", shown(checksum->second), ", expected ",
                          checksum_text(text_checksum(text)), ": the description is damaged"));
  }
  Description description = parse_description(text, result.path);
  const std::uint32_t data = data_checksum(result.tensors);
  if (description.checksum && *description.checksum != data) {
    throw FormatError(result.path, "checksum",
                      cat("is ", checksum_text(*description.checksum), ", expected ",
                          checksum_text(data), ": the weights are damaged"));
  }
  header.kind = std::move(description.kind);
  header.spec_json = std::move(description.spec_json);
  header.library = std::move(description.library);
  header.verified = description.checksum && checksum != content.metadata.end();
  result.training_json = std::move(description.training_json);
  if (!result.training_json.empty()) {
    for (auto item = result.tensors.begin(); item != result.tensors.end();)
      if (item->first.starts_with(training_prefix))
        result.training.insert(result.tensors.extract(item++));
      else
        ++item;
    header.tensors = infos(result.tensors);
  }
  if (!description.scalar.empty()) header.scalar = std::move(description.scalar);
  return result;
}

}  // namespace

ModelFile read_model_file(const std::filesystem::path& path) {
  return opened(read_safetensors(path), path.string());
}

ModelFile read_model_file(std::span<const std::byte> bytes, std::string_view name) {
  return opened(read_safetensors(bytes, name), std::string(name));
}

void require_tensors(const ModelFile& file, const ParamLayout& layout) {
  check_tensors(layout, file.tensors, file.path, scalar_dtype(file.header.scalar));
}

void require_dtype(const ModelHeader& header, const Tensors& tensors, Dtype dtype, bool convert,
                   std::string_view name) {
  const std::string wanted = scalar_name(dtype);
  if (header.scalar == wanted) return;
  if (!convert) {
    throw FormatError(name, "scalar",
                      cat("is ", header.scalar, ", expected ", wanted,
                          "; ask for the conversion to load it all the same (convert = true)"));
  }
  if (dtype != Dtype::f32) return;
  for (const auto& [tensor_name, tensor] : tensors) {
    if (const auto at = first_not_finite(tensor.as<float>())) {
      throw FormatError(name, shown(tensor_name),
                        cat("number ", *at, " is ", tensor.as<double>()[*at],
                            ", expected a number in the range of float32"));
    }
  }
}

std::vector<TensorInfo> tensors_of(const ParamLayout& layout, Dtype dtype) {
  return infos(layout, dtype, "layout");
}

namespace {

void check_numbers(const nlohmann::json& value, const std::string& field, std::string_view file) {
  if (value.is_object())
    for (const auto& item : value.items())
      check_numbers(item.value(), (field.empty() ? "" : field + ".") + item.key(), file);
  if (value.is_array())
    for (std::size_t i = 0; i < value.size(); ++i)
      check_numbers(value[i], cat(field, "[", i, "]"), file);
  if (!value.is_number_float()) return;
  using Limits = std::numeric_limits<float>;
  const double size = std::abs(value.get<double>());
  // A shift of nothing is none; whatever else becomes 0 is divided by somewhere.
  const bool shift = field.find(".shift[") != field.npos;
  if (size <= Limits::max() && (size >= Limits::min() || size == 0 || shift)) return;
  throw FormatError(file, field,
                    cat("is ", value.dump(), ", expected a number that float32 holds, 0 or from ",
                        Limits::min(), " to ", Limits::max(), " in size"));
}

}  // namespace

namespace detail {

void require_numbers(std::string_view spec_json, Dtype dtype, std::string_view file) {
  if (dtype != Dtype::f64) check_numbers(parse_json(spec_json, file), "", file);
}

std::string spec_text(std::string_view description, std::string_view file) {
  return parse_description(description, file).spec_json;
}

std::string description_text(std::string_view spec_json) {
  return describe(Description{{}, std::string(spec_json), {}, {}, {}, {}});
}

std::vector<std::byte> encode(const std::string& spec_json, const ParamLayout& layout,
                              const Tensors& tensors, std::string_view name) {
  return encode_with_training(spec_json, layout, tensors, {}, {}, name);
}

std::vector<std::byte> encode_with_training(const std::string& spec_json, const ParamLayout& layout,
                                            Tensors tensors, Tensors training,
                                            const std::string& training_json,
                                            std::string_view name) {
  const Dtype dtype = guessed_dtype(tensors);
  check_tensors(layout, tensors, name, dtype);
  require_numbers(spec_json, dtype, name);
  Safetensors content{std::move(tensors), {}};
  content.tensors.merge(training);
  const std::string text = describe(Description{{},
                                                spec_json,
                                                scalar_name(dtype),
                                                longhand::version,
                                                data_checksum(content.tensors),
                                                training_json});
  parse_description(text, name);
  content.metadata = {{description_key, text}, {checksum_key, checksum_text(text_checksum(text))}};
  return encode_safetensors(content, name);
}

void refuse_layout(const std::exception& error, std::string_view file) {
  std::string_view problem = error.what();
  const std::string_view library = "longhand: ";
  if (problem.starts_with(library)) problem.remove_prefix(library.size());
  throw FormatError(file, "description", cat("describes no model: ", problem));
}

}  // namespace detail

}  // namespace longhand::io
