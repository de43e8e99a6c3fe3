// SPDX-License-Identifier: MIT
#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <set>
#include <utility>

#include "description.hpp"
#include "longhand/core/version.hpp"
#include "longhand/io/error.hpp"
#include "longhand/io/file.hpp"
#include "longhand/io/model_header.hpp"
#include "message.hpp"

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

/// "F32 [2,5]"
std::string kind(Dtype dtype, const std::vector<std::uint64_t>& shape) {
  return cat(dtype_name(dtype), " ", list(shape));
}

/// The tensors of a configuration that is known to be right.
class Expected {
 public:
  Expected(const VaeConfig& config, Dtype dtype) : dtype_(dtype) {
    const Index latent = config.latent_dim, condition = config.condition_dim;
    const Index encoded = hidden("encoder", config.input_dim + condition, config.hidden);
    dense("mu", encoded, latent);
    if (config.latent == LatentKind::gaussian) dense("logvar", encoded, latent);
    net("decoder", latent + condition, config.decoder_widths(),
        config.likelihood.output_rows(config.input_dim));
    if (config.prior == PriorKind::conditional)
      net("prior", condition, config.prior_hidden, 2 * latent);
    std::ranges::sort(tensors, {}, &TensorInfo::name);
  }

  std::vector<TensorInfo> tensors;

 private:
  /// torch.nn.Sequential counts the activations too: 0, 2, 4, …
  static std::string numbered(const std::string& prefix, std::size_t layer) {
    return prefix + "." + std::to_string(2 * layer);
  }
  void dense(const std::string& name, Index in, Index out) {
    const auto inputs = static_cast<std::uint64_t>(in), outputs = static_cast<std::uint64_t>(out);
    tensors.push_back({name + ".weight", dtype_, {outputs, inputs}});
    tensors.push_back({name + ".bias", dtype_, {outputs}});
  }
  /// The hidden layers; returns the width of the last one.
  Index hidden(const std::string& prefix, Index in, const std::vector<Index>& widths) {
    for (std::size_t l = 0; l < widths.size(); ++l) {
      dense(numbered(prefix, l), in, widths[l]);
      in = widths[l];
    }
    return in;
  }
  void net(const std::string& prefix, Index in, const std::vector<Index>& widths, Index out) {
    const Index last = hidden(prefix, in, widths);
    dense(numbered(prefix, widths.size()), last, out);
  }

  Dtype dtype_;
};

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

/// Proves that these are the tensors of `config`, all of one type; returns it.
Dtype check_tensors(const VaeConfig& config, const Tensors& tensors, std::string_view file,
                    std::optional<Dtype> dtype) {
  if (!dtype) {
    // A state dict says its precision only through its tensors.
    const auto mu = tensors.find("mu.weight");
    dtype = mu != tensors.end() && mu->second.dtype == Dtype::f64 ? Dtype::f64 : Dtype::f32;
  }
  std::set<std::string_view> known;
  const Expected expected(config, *dtype);
  for (const auto& [name, type, shape] : expected.tensors) {
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
  return *dtype;
}

std::vector<TensorInfo> infos(const Tensors& tensors) {
  std::vector<TensorInfo> all;
  for (const auto& [name, tensor] : tensors) all.push_back({name, tensor.dtype, tensor.shape});
  return all;
}

/// Everything that can be proven about a file; a bare one without `bare_config` stays unproven.
ModelHeader prove(const Safetensors& content, const std::string& file,
                  const VaeConfig* bare_config) {
  ModelHeader header;
  header.tensors = infos(content.tensors);
  const auto entry = content.metadata.find(description_key);
  header.bare = entry == content.metadata.end();
  std::optional<Dtype> dtype;
  if (header.bare) {
    if (bare_config == nullptr) return header;
    header.config = config_from_json(config_to_json(*bare_config), "configuration");
  } else {
    if (bare_config != nullptr) {
      throw FormatError(file, "description",
                        "is in the file, expected a bare state dict with the given configuration");
    }
    const std::string& text = entry->second;
    const auto checksum = content.metadata.find(checksum_key);
    if (checksum != content.metadata.end() &&
        checksum->second != checksum_text(text_checksum(text))) {
      throw FormatError(file, checksum_key,
                        cat("is ", shown(checksum->second), ", expected ",
                            checksum_text(text_checksum(text)), ": the description is damaged"));
    }
    Description description = parse_description(text, file);
    const std::uint32_t data = data_checksum(content.tensors);
    if (description.checksum && *description.checksum != data) {
      throw FormatError(file, "checksum",
                        cat("is ", checksum_text(*description.checksum), ", expected ",
                            checksum_text(data), ": the weights are damaged"));
    }
    header.config = std::move(description.config);
    header.library = std::move(description.library);
    header.verified = description.checksum && checksum != content.metadata.end();
    if (!description.scalar.empty())
      dtype = description.scalar == "float64" ? Dtype::f64 : Dtype::f32;
  }
  header.scalar = scalar_name(check_tensors(header.config, content.tensors, file, dtype));
  return header;
}

ModelContent proven(Safetensors content, const std::string& file, const VaeConfig* bare_config) {
  ModelHeader header = prove(content, file, bare_config);
  if (header.bare && bare_config == nullptr) {
    throw FormatError(file, "description",
                      "is missing, expected a longhand model, or a configuration given for this "
                      "state dict");
  }
  return {std::move(header), std::move(content.tensors)};
}

}  // namespace

ModelHeader read_model_header(const std::filesystem::path& path, const VaeConfig* bare_config) {
  return prove(read_safetensors(path), path.string(), bare_config);
}

ModelContent read_model(const std::filesystem::path& path, const VaeConfig* bare_config) {
  return proven(read_safetensors(path), path.string(), bare_config);
}

ModelContent read_model(std::span<const std::byte> bytes, std::string_view name,
                        const VaeConfig* bare_config) {
  return proven(read_safetensors(bytes, name), std::string(name), bare_config);
}

std::vector<std::byte> encode_model(const VaeConfig& config, const Tensors& tensors,
                                    std::string_view name) {
  const std::string file(name);
  // What is checked is what a reader will see, not what the caller holds.
  const VaeConfig seen = parse_description(describe(Description{config, {}, {}, {}}), file).config;
  const Dtype dtype = check_tensors(seen, tensors, file, std::nullopt);
  const std::string text =
      describe(Description{seen, scalar_name(dtype), longhand::version, data_checksum(tensors)});
  return encode_safetensors(
      {tensors, {{description_key, text}, {checksum_key, checksum_text(text_checksum(text))}}},
      name);
}

void write_model(const std::filesystem::path& path, const VaeConfig& config,
                 const Tensors& tensors) {
  write_file(path, encode_model(config, tensors, path.string()));
}

void require_dtype(const ModelContent& content, Dtype dtype, bool convert, std::string_view name) {
  const std::string wanted = scalar_name(dtype);
  if (content.header.scalar == wanted) return;
  if (!convert) {
    throw FormatError(name, "scalar",
                      cat("is ", content.header.scalar, ", expected ", wanted,
                          "; ask for the conversion to load it all the same (convert = true)"));
  }
  if (dtype != Dtype::f32) return;
  for (const auto& [tensor_name, tensor] : content.tensors) {
    if (const auto at = first_not_finite(tensor.as<float>())) {
      throw FormatError(name, shown(tensor_name),
                        cat("number ", *at, " is ", tensor.as<double>()[*at],
                            ", expected a number in the range of float32"));
    }
  }
}

std::vector<TensorInfo> model_tensors(const VaeConfig& config, Dtype dtype) {
  return Expected(config_from_json(config_to_json(config)), dtype).tensors;
}

}  // namespace longhand::io
