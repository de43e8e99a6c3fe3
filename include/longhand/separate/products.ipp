// SPDX-License-Identifier: MIT
// The kernels of the CPU's matrix products, defined (separate.hpp).
#include "longhand/backend/register_kernel.hpp"

namespace longhand::detail {
template struct RegisterKernel<float>;
template struct RegisterKernel<double>;
}  // namespace longhand::detail
