// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "longhand/io/file.hpp"
#include "longhand/io/model_header.hpp"
#include "longhand/train/state.hpp"

/// The state of a training to and from a file (docs/model_file.md). A checkpoint is a model file as
/// well: its model has the newest weights, while what a training needs beside them stands under the
/// key and the names that begin with "training".
///
///     longhand::Trainer trainer(model, options);  // options.on_checkpoint calls:
///     longhand::io::save_checkpoint("run.safetensors", model, trainer.state());
///     …
///     trainer.resume(longhand::io::load_checkpoint("run.safetensors", model)).fit(data);
namespace longhand::io {

/// The bytes of a checkpoint of a model with this spec. `notes` is any text, for whoever reads the
/// file: the program keeps its options there. Throws FormatError for weights that are not finite.
template <class S, class Spec>
std::vector<std::byte> encode_checkpoint(const Spec& spec, const TrainState<S>& state,
                                         std::string_view notes = {},
                                         std::string_view name = "checkpoint");

/// The state in a file that was read. Everything is verified before anything is built: checksums,
/// every tensor's name, type and shape, and that the file's model has this spec. Throws FormatError
/// naming what is wrong.
template <class S, class Spec>
TrainState<S> state_in(const ModelFile& file, const Spec& spec);

/// The notes in a file that was read. Throws FormatError if it is a model's and no checkpoint.
std::string notes_in(const ModelFile& file);

/// Writes a checkpoint of a training of this model, atomically. Throws FileError, FormatError.
template <class M>
void save_checkpoint(const std::filesystem::path& path, const M& model,
                     const TrainState<typename M::Backend::Scalar>& state,
                     std::string_view notes = {}) {
  write_file(path, encode_checkpoint(model.spec(), state, notes, path.string()));
}

/// Reads the state of a training of this model. Throws FileError, and FormatError as state_in does.
template <class M>
TrainState<typename M::Backend::Scalar> load_checkpoint(const std::filesystem::path& path,
                                                        const M& model) {
  return state_in<typename M::Backend::Scalar>(read_model_file(path), model.spec());
}

// ---- compiled once ------------------------------------------------------------------------------

namespace detail {
template <class S>
std::vector<std::byte> encode_state(const std::string& spec_json, const ParamLayout& layout,
                                    const TrainState<S>& state, std::string_view notes,
                                    std::string_view name);
template <class S>
TrainState<S> decode_state(const ModelFile& file, const std::string& spec_json,
                           const ParamLayout& layout);
}  // namespace detail

template <class S, class Spec>
std::vector<std::byte> encode_checkpoint(const Spec& spec, const TrainState<S>& state,
                                         std::string_view notes, std::string_view name) {
  const std::string text = spec_to_json(spec);
  const Spec seen = detail::spec_in_file<Spec>(text, name);
  return detail::encode_state(text, detail::layout_in_file(seen, name), state, notes, name);
}

template <class S, class Spec>
TrainState<S> state_in(const ModelFile& file, const Spec& spec) {
  const ParamLayout layout = detail::layout_in_file(spec_of<Spec>(file), file.path);
  return detail::decode_state<S>(file, spec_to_json(spec), layout);
}

}  // namespace longhand::io
