// SPDX-License-Identifier: MIT
// The Aae in both precisions, compiled once for programs that define LONGHAND_SEPARATE.
#include "instantiate/parts.hpp"
#include "longhand/separate/aae.ipp"
