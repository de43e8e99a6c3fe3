// SPDX-License-Identifier: MIT
// In the place of model_cuda.cpp where the GPU backend was not built.
#include "longhand/backend/cuda_error.hpp"
#include "model.hpp"

namespace longhand::cli {

std::string cuda_unavailable() { return "this build of longhand computes on the CPU"; }

std::unique_ptr<Model> make_cuda_model(const ModelSpec&, const std::string&) {
  throw NoCudaDevice(cuda_unavailable());
}
std::unique_ptr<Model> load_cuda_model(const std::string&, const ModelSpec&, bool) {
  throw NoCudaDevice(cuda_unavailable());
}

}  // namespace longhand::cli
