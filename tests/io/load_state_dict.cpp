// SPDX-License-Identifier: MIT
// Loads a model that PyTorch saved and writes down what it computes, for pytorch_test.py to judge.
//
// Usage: load_state_dict MODEL CONFIG.json X.npy FOLDER
// CONFIG.json is "-" for a model with a description of its own; writes {mu,logvar,mean}.npy.
#include <cstdio>
#include <exception>
#include <filesystem>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "longhand/backend/cpu.hpp"
#include "longhand/io/file.hpp"
#include "longhand/io/model_file.hpp"
#include "longhand/io/npy.hpp"

namespace io = longhand::io;
using longhand::Index;
using longhand::Samples;

namespace {

void write(const std::filesystem::path& path, const Samples<float>& samples) {
  const auto values = samples.in_columns();  // a sample after the other, as NumPy has rows
  io::write_npy(path,
                io::Tensor::of<float>({static_cast<std::uint64_t>(samples.count()),
                                       static_cast<std::uint64_t>(samples.dim())},
                                      {values.data(), static_cast<std::size_t>(values.size())}));
}

void run(const char* const* arguments) {
  const std::string_view config_file = arguments[2];
  using Model = longhand::Vae<longhand::Cpu<float>>;
  longhand::VaeSpec spec;
  if (config_file != "-") {
    const std::vector<std::byte> text = io::read_file(config_file);
    spec = io::spec_from_description<longhand::VaeSpec>(
        {reinterpret_cast<const char*>(text.data()), text.size()}, config_file);
  }
  const Model vae = io::load_model<Model>(arguments[1], longhand::Cpu<float>(1),
                                          config_file != "-" ? &spec : nullptr);
  const io::Tensor x = io::read_npy(arguments[3]);
  const std::vector<float> values = x.as<float>();
  const auto samples = longhand::samples_in_memory(values.data(), static_cast<Index>(x.shape.at(0)),
                                                   static_cast<Index>(x.shape.at(1)));
  const std::filesystem::path folder = arguments[4];
  const Samples<float> mu = vae.encode(samples);
  write(folder / "mu.npy", mu);
  write(folder / "logvar.npy", vae.encode_logvar(samples));
  write(folder / "mean.npy", vae.decode(mu));
}

}  // namespace

int main(int count, char** arguments) {
  try {
    if (count != 5) throw std::invalid_argument("expected MODEL CONFIG.json X.npy FOLDER");
    run(arguments);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
