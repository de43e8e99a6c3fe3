// SPDX-License-Identifier: MIT
// The kernels of the CPU's matrix products, defined (separate.hpp).
#include "longhand/backend/eigen_gemm.hpp"

namespace longhand::detail {
template struct TileKernel<float>;
template struct TileKernel<double>;
}  // namespace longhand::detail
