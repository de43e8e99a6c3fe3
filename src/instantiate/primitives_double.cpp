// SPDX-License-Identifier: MIT
#include "instantiate/parts.hpp"

#define LONGHAND_EXTERN
#define LONGHAND_SCALAR double
#include "instantiate/primitives.def"
