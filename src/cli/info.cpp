// SPDX-License-Identifier: MIT
#include <algorithm>
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

/// "400, 200": the widths of the hidden stages.
std::string stages_text(const NetSpec& net) {
  std::string out;
  for (const StageSpec& stage : net.stages)
    out += (out.empty() ? "" : ", ") + std::to_string(stage.out());
  return out.empty() ? "none" : out;
}

/// The activations of the hidden stages, each once.
std::string activations_text(const std::vector<NetSpec>& nets) {
  std::vector<std::string> names;
  for (const NetSpec& net : nets)
    for (const StageSpec& stage : net.stages)
      if (std::ranges::find(names, name_of(stage.activation)) == names.end())
        names.push_back(name_of(stage.activation));
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + name;
  return out.empty() ? "none" : out;
}

std::uint64_t elements(const io::TensorInfo& tensor) {
  std::uint64_t n = 1;
  for (const std::uint64_t extent : tensor.shape) n *= extent;
  return n;
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

std::string table(const std::string& path, const DescribedFile& file, std::uint64_t count) {
  std::vector<InfoLine> lines = {{"file", path}};
  const io::ModelHeader& header = file.header;
  if (!file.spec) {
    lines.push_back({"model", "unknown: weights without a description"});
  } else {
    std::visit(
        [&](const auto& spec) {
          lines.push_back({"model", io::kind_of(spec)});
        },
        *file.spec);
    for (InfoLine& line : std::visit([](const auto& s) { return info_lines(s); }, *file.spec))
      lines.push_back(std::move(line));
    lines.push_back(
        {"written by", header.library.empty() ? "another program" : "longhand " + header.library});
  }
  lines.push_back({"scalar", header.scalar});
  lines.push_back({"checksum", header.verified ? "verified" : "none"});
  lines.push_back({"parameters", std::to_string(count)});
  std::string out;
  for (const auto& [name, value] : lines)
    out += name + std::string(14 - name.size(), ' ') + io::printable(value) + "\n";
  out += "\n";
  for (const io::TensorInfo& tensor : header.tensors)
    out += text(io::printable(tensor.name), "  ", io::dtype_name(tensor.dtype), "  ",
                shape_text(tensor.shape), "\n");
  return out;
}

/// At most ten names.
std::string list_text(const std::vector<std::string>& names) {
  constexpr std::size_t most = 10;
  std::string out;
  for (std::size_t i = 0; i < std::min(names.size(), most); ++i)
    out += (i == 0 ? "" : ", ") + names[i];
  return names.size() > most ? out + ", …" : out;
}

std::string latent_text(const LatentSpec& latent) {
  const auto* choices = std::get_if<CategoricalLatentSpec>(&latent);
  if (choices == nullptr) return std::to_string(z_rows(latent));
  return text(choices->variables, " variables of ", choices->classes, " classes, ",
              name_of(choices->estimator));
}

std::string prior_text(const SampledPriorSpec& prior) {
  if (const auto* normal = std::get_if<NormalPrior>(&prior))
    return text("normal, scale ", normal->scale);
  const RingPrior& ring = std::get<RingPrior>(prior);
  return text("ring of ", ring.components, ", radius ", ring.radius, ", deviation ",
              ring.deviation);
}

/// The lines of encoder, decoder and what lies between them; `nets`: all nets of the model.
std::vector<InfoLine> autoencoder_lines(const VaeSpec& spec, const std::vector<NetSpec>& nets) {
  std::string input = text(spec.input_dim, " numbers");
  if (spec.image[0] > 0)
    input += text(", pictures of ", spec.image[0], " x ", spec.image[1], " x ", spec.image[2]);
  if (spec.window > 0)
    input += text(", windows of ", spec.window, " time steps of ", spec.input_dim / spec.window);
  if (!spec.names.empty()) input += ": " + list_text(spec.names);
  return {{"input", input},
          {"transform", name_of(spec.transform.kind)},
          {"encoder", stages_text(spec.hidden)},
          {"decoder", stages_text(spec.decoder_net())},
          {"activation", activations_text(nets)},
          {"latent", latent_text(spec.latent)},
          {"likelihood", name_of(spec.likelihood)}};
}

}  // namespace

std::vector<InfoLine> info_lines(const VaeSpec& spec) {
  std::vector<InfoLine> lines = autoencoder_lines(spec, {spec.hidden, spec.decoder_net()});
  if (!spec.condition_names.empty())
    lines.push_back({"condition", list_text(spec.condition_names)});
  else if (spec.condition_dim > 0)
    lines.push_back({"classes", std::to_string(spec.condition_dim)});
  if (!spec.class_names.empty()) lines.push_back({"class names", list_text(spec.class_names)});
  if (const auto* gaussian = std::get_if<GaussianLatentSpec>(&spec.latent)) {
    lines.push_back({"prior", name_of(gaussian->prior)});
    lines.push_back({"logvar bound", text(gaussian->logvar_bound)});
  }
  return lines;
}

std::vector<InfoLine> info_lines(const AaeSpec& spec) {
  const VaeSpec& own = spec.autoencoder;
  std::vector<InfoLine> lines =
      autoencoder_lines(own, {own.hidden, own.decoder_net(), spec.discriminator});
  if (const auto* gaussian = std::get_if<GaussianLatentSpec>(&own.latent))
    lines.push_back({"logvar bound", text(gaussian->logvar_bound)});
  lines.push_back({"prior", prior_text(spec.prior)});
  lines.push_back({"discriminator", stages_text(spec.discriminator)});
  return lines;
}

ExitCode run(const InfoArguments& a) {
  const DescribedFile file = read_described(a.model);
  const io::ModelHeader& header = file.header;
  std::uint64_t count = 0;
  for (const io::TensorInfo& tensor : header.tensors) count += elements(tensor);
  if (!a.common.json) {
    print(table(a.model.path, file, count));
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
  if (file.spec)
    json["config"] = nlohmann::ordered_json::parse(
        std::visit([](const auto& spec) { return io::describe(spec); }, *file.spec));
  json["tensors"] = tensors_json(header);
  print(json_text(json, 2) + "\n");
  return ExitCode::ok;
}

}  // namespace longhand::cli
