// SPDX-License-Identifier: MIT
// The kernels of the matrix products, compiled once for programs that define LONGHAND_SEPARATE.
#include "longhand/separate/products.ipp"
