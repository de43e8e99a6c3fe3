// SPDX-License-Identifier: MIT
// The Vae in single precision with a likelihood that is compiled in, compiled once for programs
// that define LONGHAND_SEPARATE.
#include "instantiate/parts.hpp"
#include "longhand/separate/likelihoods.ipp"
