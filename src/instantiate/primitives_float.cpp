// SPDX-License-Identifier: MIT
#include "instantiate/parts.hpp"

#define LONGHAND_EXTERN
#define LONGHAND_SCALAR float
#include "instantiate/primitives.def"
