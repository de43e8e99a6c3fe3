// SPDX-License-Identifier: MIT
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "model.hpp"
#include "output.hpp"

namespace longhand::cli {
namespace {

std::string shape_text(const std::vector<std::uint64_t>& shape) {
  std::string out;
  for (const std::uint64_t n : shape) out += (out.empty() ? "" : " x ") + std::to_string(n);
  return out.empty() ? "scalar" : out;
}

std::string widths_text(const std::vector<Index>& list) {
  std::string out;
  for (const Index n : list) out += (out.empty() ? "" : ", ") + std::to_string(n);
  return out.empty() ? "none" : out;
}

std::uint64_t elements(const io::TensorInfo& tensor) {
  std::uint64_t n = 1;
  for (const std::uint64_t extent : tensor.shape) n *= extent;
  return n;
}

std::string kind_of(const VaeConfig& config) {
  if (config.latent == LatentKind::deterministic) return "ae";
  return config.condition_dim > 0 ? "cvae" : "vae";
}

nlohmann::ordered_json tensors_json(const io::ModelHeader& header) {
  nlohmann::ordered_json tensors = nlohmann::ordered_json::array();
  for (const io::TensorInfo& tensor : header.tensors) {
    nlohmann::ordered_json entry;
    entry["name"] = tensor.name;
    entry["dtype"] = io::dtype_name(tensor.dtype);
    entry["shape"] = tensor.shape;
    tensors.push_back(std::move(entry));
  }
  return tensors;
}

std::string table(const std::string& path, const io::ModelHeader& header, std::uint64_t count) {
  const VaeConfig& c = header.config;
  std::string out = text("file          ", path, "\n");
  const bool unknown = header.bare && header.config.input_dim == 0;
  if (unknown) {
    out += "model         unknown: weights without a description\n";
  } else {
    const char* const transforms[] = {"none", "unit", "symmetric", "standardize"};
    out += text("model         ", kind_of(c), "\n", "input         ", c.input_dim, " numbers");
    if (c.image[0] > 0)
      out += text(", pictures of ", c.image[0], " x ", c.image[1], " x ", c.image[2]);
    out += text("\ntransform     ", transforms[static_cast<int>(c.transform.kind)], "\n");
    out += text("encoder       ", widths_text(c.hidden), "\n");
    out += text("decoder       ", widths_text(c.decoder_widths()), "\n");
    out += text("activation    ", name_of(c.activation), "\n");
    out += text("latent        ", c.latent_dim, "\n");
    out += text("likelihood    ", c.likelihood.name(), "\n");
    if (c.condition_dim > 0) out += text("classes       ", c.condition_dim, "\n");
    out += text("logvar bound  ", c.logvar_bound, "\n");
    out += text("written by    ",
                header.library.empty() ? "another program" : "longhand " + header.library, "\n");
  }
  out += text("scalar        ", header.scalar, "\n", "checksum      ",
              header.verified ? "verified" : "none", "\n", "parameters    ", count, "\n\n");
  for (const io::TensorInfo& tensor : header.tensors)
    out +=
        text(tensor.name, "  ", io::dtype_name(tensor.dtype), "  ", shape_text(tensor.shape), "\n");
  return out;
}

}  // namespace

ExitCode run(const InfoArguments& a) {
  const io::ModelHeader header = read_header(a.model);
  std::uint64_t count = 0;
  for (const io::TensorInfo& tensor : header.tensors) count += elements(tensor);
  if (!a.common.json) {
    print(table(a.model.path, header, count));
    return ExitCode::ok;
  }
  nlohmann::ordered_json json;
  json["file"] = a.model.path;
  json["bare"] = header.bare;
  json["verified"] = header.verified;
  json["library"] = header.library;
  json["scalar"] = header.scalar;
  json["parameters"] = count;
  json["config"] = nullptr;
  if (header.config.input_dim > 0)
    json["config"] = nlohmann::ordered_json::parse(io::config_to_json(header.config));
  json["tensors"] = tensors_json(header);
  print(json.dump(2) + "\n");
  return ExitCode::ok;
}

}  // namespace longhand::cli
