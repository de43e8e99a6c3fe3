// SPDX-License-Identifier: MIT
// The Vae in single precision, compiled once for programs that define LONGHAND_SEPARATE.
#include "instantiate/parts.hpp"
#include "longhand/separate/float.ipp"
