// SPDX-License-Identifier: MIT
// The product kernels, compiled once; programs that define LONGHAND_EXTERN_TEMPLATES link them.
#include "longhand/backend/eigen_gemm.hpp"

namespace longhand::detail {
template struct TileKernel<float>;
template struct TileKernel<double>;
}  // namespace longhand::detail
