// SPDX-License-Identifier: MIT
// Nets and latents on the serial reference, with which gradients are checked.
#include "instantiate/parts.hpp"

LONGHAND_SEPARATE_PARTS(, longhand::Reference<double>);
LONGHAND_SEPARATE_PARTS(, longhand::Reference<longhand::Dual>);
