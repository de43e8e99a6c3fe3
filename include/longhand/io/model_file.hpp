// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "longhand/io/block_order.hpp"
#include "longhand/io/error.hpp"
#include "longhand/io/file.hpp"
#include "longhand/io/model_header.hpp"
#include "longhand/models/vae.hpp"

// Models to and from files. Needs Eigen like every model, and the compiled longhand-io. A model is
// any type with spec(), backend() and params(), and a constructor from (Spec, Backend) to be loaded
// with; what its spec must offer is in io/model_header.hpp.
namespace longhand::io {

/// The parameters of a model as the tensors of its file.
template <class M>
Tensors tensors_in(const M& model) {
  using S = typename M::Backend::Scalar;
  Tensors tensors;
  const std::vector<ParamBlock>& blocks = model.params().layout().blocks();
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    const auto block = model.params()[static_cast<BlockId>(b)];
    for (const ParamBlock::Part& part : blocks[b].parts) {
      std::vector<S> values(static_cast<std::size_t>(block.rows * part.outputs));
      model.backend().download(block.middle_cols(part.first, part.outputs), values.data());
      values = in_file_order(blocks[b], std::move(values));
      tensors.emplace(part.name, Tensor::of<S>(file_shape(blocks[b], part), values));
    }
  }
  return tensors;
}

/// Writes a model into one file, atomically: input transform, architecture and weights, so that
/// encoding in a new process cannot differ (docs/model_file.md). PyTorch loads the same file
/// (docs/pytorch.md). Throws FileError, and FormatError when a weight is not finite or the spec has
/// no place in a file (a likelihood of your own); the old file then stays as it was.
template <class M>
void save_model(const std::filesystem::path& path, const M& model) {
  write_file(path, encode_model(model.spec(), tensors_in(model), path.string()));
}

/// The model that consists of this spec and these tensors, which read_model has proven to belong
/// together; `name` stands for the file in messages. The spec may have another transform by now.
template <class M>
M model_of(const ModelContent<typename M::Spec>& content, typename M::Backend backend,
           const std::string& name, bool convert = false) {
  using S = typename M::Backend::Scalar;
  require_dtype(content.header, content.tensors, dtype_of<S>, convert, name);
  detail::require_numbers(spec_to_json(content.spec), dtype_of<S>, name);
  M model(content.spec, backend);
  const std::vector<ParamBlock>& blocks = model.params().layout().blocks();
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    const auto block = model.params()[static_cast<BlockId>(b)];
    for (const ParamBlock::Part& part : blocks[b].parts) {
      const std::vector<S> values =
          in_memory_order(blocks[b], content.tensors.at(part.name).template as<S>());
      backend.upload(values.data(), block.middle_cols(part.first, part.outputs));
    }
  }
  return model;
}

/// Reads a model: load_model<Vae<Cpu<float>>>(path). Everything is verified before anything is
/// built: the description, every tensor's name, type and shape, the checksums.
///
/// `bare` is the spec of a bare PyTorch state dict, which has no description of its own. `convert`
/// allows weights of the other precision (float32, float64); without it they are an error. Throws
/// FileError, and FormatError naming the field or tensor that is wrong.
template <class M>
M load_model(const std::filesystem::path& path, typename M::Backend backend = typename M::Backend(),
             const typename M::Spec* bare = nullptr, bool convert = false) {
  return model_of<M>(read_model(path, bare), backend, path.string(), convert);
}

}  // namespace longhand::io
