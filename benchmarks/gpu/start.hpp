// SPDX-License-Identifier: MIT
#pragma once
#include <bit>
#include <cstdio>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "../loss_without_noise.hpp"
#include "longhand/models/vae.hpp"
#include "workload.hpp"

/// Where everyone starts: the initial weights as a file, and the loss they give.
namespace longhand::benchmark {

/// Writes the parameters as little-endian float32 and nothing else, layer by layer: the encoder's
/// (encoder.0, encoder.2, …, the head, whose outputs are those of mu and then those of logvar),
/// then the decoder's (decoder.0, decoder.2, …). Of each layer first the weight, (out, in)
/// row-major, then the bias. start.py reads it.
template <class B>
void write_weights(const Vae<B>& vae, const std::string& path) {
  static_assert(std::endian::native == std::endian::little);
  const Params<B>& params = vae.params();
  std::ofstream file(path, std::ios::binary);
  for (std::size_t b = 0; b < params.layout().blocks().size(); ++b) {
    const View<B> block = params[static_cast<BlockId>(b)];  // in x out in columns: as promised
    std::vector<float> values(static_cast<std::size_t>(block.size()));
    vae.backend().download(ConstView<B>(block), values.data());
    file.write(reinterpret_cast<const char*>(values.data()),
               static_cast<std::streamsize>(values.size() * sizeof(float)));
  }
  if (!file.flush()) throw std::runtime_error("cannot write " + path);
}

/// That of the first 128 rows.
template <class B>
double loss_at_start(const Vae<B>& vae) {
  const std::vector<std::uint8_t> bytes = pictures(128);
  return loss_without_noise(
      vae, AnySamples<float>(samples_in_memory(bytes.data(), 128, kPixels)).numbers());
}

/// Both, for a new model: the file, and a line "start <tab> longhand <tab> net <tab> loss".
template <class B>
void write_start(const Net& net, const std::string& path) {
  const Vae<B> vae(config_of(net));
  write_weights(vae, path);
  std::printf("start\tlonghand\t%s\t%.6f\n", std::string(net.name).c_str(), loss_at_start(vae));
}

}  // namespace longhand::benchmark
