// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <utility>
#include <variant>
#include <vector>

#include "longhand/core/check.hpp"
#include "longhand/io/error.hpp"
#include "longhand/io/model_header.hpp"
#include "longhand/models/vae.hpp"

// Models to and from files. Needs Eigen like every model, and the compiled longhand-io. A layer's
// weights lie in memory in the file's order, so both ways are copies.
namespace longhand::io {

/// Writes a model into one file, atomically: input transform, architecture and weights, so that
/// encoding in a new process cannot differ (docs/model_file.md). PyTorch loads the same file
/// (docs/pytorch.md). Throws FileError, and FormatError when a weight is not finite; the old file
/// then stays as it was. Models with a likelihood or latent of your own type have no file.
template <class B>
void save_model(const std::filesystem::path& path, const Vae<B>& vae) {
  using S = typename B::Scalar;
  VaeConfig config = vae.config();
  config.likelihood = vae.likelihood();
  const auto* gaussian = std::get_if<GaussianLatent>(&vae.latent().variant());
  require((gaussian != nullptr) == (config.latent == LatentKind::gaussian) &&
              (gaussian == nullptr || gaussian->bound.c == config.logvar_bound),
          "save_model: the latent is not the one its config describes");

  Tensors tensors;
  const std::vector<ParamBlock>& blocks = vae.params().layout().blocks();
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    const View<B> block = vae.params()[static_cast<BlockId>(b)];
    for (const ParamBlock::Part& part : blocks[b].parts) {
      std::vector<S> values(static_cast<std::size_t>(block.rows * part.outputs));
      vae.backend().download(block.middle_cols(part.first, part.outputs), values.data());
      std::vector<std::uint64_t> shape{static_cast<std::uint64_t>(part.outputs)};
      if (!blocks[b].bias) shape.push_back(static_cast<std::uint64_t>(block.rows));
      tensors.emplace(part.name, Tensor::of<S>(std::move(shape), values));
    }
  }
  write_model(path, config, tensors);
}

/// Reads a model. Everything is verified before anything is built: the description, every tensor's
/// name, type and shape, the checksums.
///
/// `foreign` is the configuration of a bare PyTorch state dict, which has no description of its
/// own. `convert` allows weights of the other precision (float32, float64); without it they are an
/// error. Throws FileError, and FormatError naming the field or tensor that is wrong.
template <class B>
Vae<B> load_model(const std::filesystem::path& path, B backend = B(),
                  const VaeConfig* foreign = nullptr, bool convert = false) {
  using S = typename B::Scalar;
  const ModelContent content = read_model(path, foreign);
  require_dtype(content, dtype_of<S>, convert, path.string());
  Vae<B> vae(content.header.config, backend);
  const std::vector<ParamBlock>& blocks = vae.params().layout().blocks();
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    const View<B> block = vae.params()[static_cast<BlockId>(b)];
    for (const ParamBlock::Part& part : blocks[b].parts) {
      const std::vector<S> values = content.tensors.at(part.name).template as<S>();
      backend.upload(values.data(), block.middle_cols(part.first, part.outputs));
    }
  }
  return vae;
}

}  // namespace longhand::io
