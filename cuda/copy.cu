// SPDX-License-Identifier: MIT
// The kernels without a formula: copies whose place depends on a number.
#include "longhand/backend/cuda_launch.cuh"

namespace longhand::cuda {

template <std::size_t N>
void copy_at(Engine& backend, std::uint32_t* n, const std::array<CountedCopy<DeviceMemory>, N>& copies,
             std::uint32_t add) {
  launch(backend, CopyAt<N>(n, copies, add), N, 1);
}

#define LONGHAND_CUDA_COPY_AT(copies)                                                      \
  template void copy_at<copies>(                                                           \
      Engine&, std::uint32_t*, const std::array<CountedCopy<DeviceMemory>, copies>&, std::uint32_t);
LONGHAND_CUDA_COPY_AT(1)
LONGHAND_CUDA_COPY_AT(2)
LONGHAND_CUDA_COPY_AT(3)
#undef LONGHAND_CUDA_COPY_AT

}  // namespace longhand::cuda
