// SPDX-License-Identifier: MIT
// The Vae in double precision, compiled once for programs that define LONGHAND_SEPARATE.
#include "instantiate/parts.hpp"
#include "longhand/separate/double.ipp"
