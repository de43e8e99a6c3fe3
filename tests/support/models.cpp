// SPDX-License-Identifier: MIT
#include "support/models.hpp"

LONGHAND_SEPARATE_INFERENCE(, longhand::Vae<longhand::Reference<double>>);
LONGHAND_SEPARATE_INFERENCE(, longhand::Aae<longhand::Reference<double>>);
template class longhand::Vae<longhand::Reference<longhand::Dual>>;
template class longhand::Aae<longhand::Reference<longhand::Dual>>;
