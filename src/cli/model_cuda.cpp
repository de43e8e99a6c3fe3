// SPDX-License-Identifier: MIT
#include "instantiate/cuda.hpp"
#include "model_of.hpp"

namespace longhand::cli {

std::string cuda_unavailable() { return cuda::unavailable(); }

std::unique_ptr<Model> make_cuda_model(const ModelSpec& spec, const std::string& precision) {
  return make_model_on(spec, Cuda<float>(precision == "tf32" ? Precision::tf32 : Precision::fp32));
}
std::unique_ptr<Model> load_cuda_model(const std::string& path, const ModelSpec& spec, bool bare) {
  return load_model_on(path, spec, bare, Cuda<float>());
}

}  // namespace longhand::cli
