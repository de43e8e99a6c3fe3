// SPDX-License-Identifier: MIT
// Weights of other programs as a model file.
#include <map>

#include "commands.hpp"
#include "config_file.hpp"
#include "longhand/io/file.hpp"
#include "model.hpp"
#include "output.hpp"
#include "paths.hpp"

namespace longhand::cli {
namespace {

/// The beginnings of foreign names and what stands for them here. Of two that fit, the longer one
/// comes first in this order.
using Names = std::map<std::string, std::string, std::greater<>>;

const std::map<std::string, Names> kKnown = {{"pytorch-examples",
                                              {{"fc1.", "encoder.0."},
                                               {"fc21.", "mu."},
                                               {"fc22.", "logvar."},
                                               {"fc3.", "decoder.0."},
                                               {"fc4.", "decoder.2."}}},
                                             {"pythae",
                                              {{"encoder.layers.0.0.", "encoder.0."},
                                               {"encoder.embedding.", "mu."},
                                               {"encoder.log_var.", "logvar."},
                                               {"decoder.layers.0.0.", "decoder.0."},
                                               {"decoder.layers.1.0.", "decoder.2."}}}};

Names names_in(const std::string& source) {
  if (source.empty()) return {};
  if (const auto known = kKnown.find(source); known != kKnown.end()) return known->second;
  require_there(source, "file, pytorch-examples or pythae (--names)");
  Names names;
  for (const auto& [theirs, ours] : read_config_file(source)) names.emplace(theirs, ours);
  return names;
}

std::string renamed(const std::string& name, const Names& names) {
  for (const auto& [theirs, ours] : names)
    if (name.starts_with(theirs)) return ours + name.substr(theirs.size());
  return name;
}

}  // namespace

ExitCode run(const ImportArguments& a) {
  if (a.out.empty())
    throw Failure(ExitCode::usage, "--out is missing, expected the name of the model file");
  const Names names = names_in(a.names);
  io::ModelFile file = io::read_model_file(a.model.path);
  if (!file.header.bare)
    throw Failure(ExitCode::bad_input, a.model.path,
                  ": is a model of longhand already, expected weights of another program");
  io::Tensors tensors;
  for (auto& [name, tensor] : file.tensors) {
    const std::string ours = renamed(name, names);
    if (!tensors.emplace(ours, std::move(tensor)).second)
      throw Failure(ExitCode::bad_input, a.model.path, ": two tensors become ", ours,
                    ", expected another name for each (--names)");
  }
  file.tensors = std::move(tensors);
  for (io::TensorInfo& tensor : file.header.tensors) tensor.name = renamed(tensor.name, names);

  const ModelOptions options = a.model.bare.value_or(ModelOptions());
  const ModelSpec spec = describe_bare(options, file.header, a.model.path);
  std::visit(
      [&](const auto& own) {
        io::spec_of(file, &own);
        writing([&] { io::write_file(a.out, io::encode_model(own, file.tensors, a.out)); });
      },
      spec);
  if (bounds_logvar(spec))
    say(a.common, text("warning: log variances of the model stay within ", options.logvar_bound,
                       ", which other programs do not do: with logvar-bound = \"none\" in --config "
                       "it computes what they compute"));
  say(a.common, text("wrote ", a.out));
  return ExitCode::ok;
}

}  // namespace longhand::cli
