// SPDX-License-Identifier: MIT
// The gradient checker's engine, compiled once for programs that define LONGHAND_SEPARATE.
#include "longhand/separate/gradcheck.ipp"
