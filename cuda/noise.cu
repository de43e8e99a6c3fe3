// SPDX-License-Identifier: MIT
// The kernels of noise and of the order of samples.
#include "longhand/backend/cuda_launch.cuh"

LONGHAND_CUDA_FILL_OF(normal, longhand::Nothing)
LONGHAND_CUDA_FILL_OF(uniform, longhand::Nothing)

namespace longhand::cuda {

void permute(Engine& backend, const Permutation& order, DeviceIds ids, DeviceView<std::uint32_t> y) {
  launch(backend, Permute(order, ids, y), 1, y.cols);  // [NOI-4]
}

/// Every kernel was compiled for the same devices: one of them speaks for all (cuda/engine.cpp).
cudaError_t find_kernels() {
  cudaFuncAttributes found;
  return cudaFuncGetAttributes(&found, run<FillNoise<UniformFour>>);
}

}  // namespace longhand::cuda
