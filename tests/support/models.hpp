// SPDX-License-Identifier: MIT
// What several tests use of models is compiled once: on the CPU in src/instantiate, on the reference
// in models.cpp.
#pragma once

#include "instantiate/parts.hpp"
#include "longhand/longhand.hpp"

#ifdef LONGHAND_SEPARATE
LONGHAND_SEPARATE_INFERENCE(extern, longhand::Vae<longhand::Reference<double>>);
LONGHAND_SEPARATE_INFERENCE(extern, longhand::Aae<longhand::Reference<double>>);
extern template class longhand::Vae<longhand::Reference<longhand::Dual>>;
extern template class longhand::Aae<longhand::Reference<longhand::Dual>>;
#endif
