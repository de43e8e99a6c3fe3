// SPDX-License-Identifier: MIT
// The Vae in single precision with a likelihood that is compiled in, defined (separate.hpp).
#include "longhand/longhand.hpp"
#include "longhand/separate.hpp"

LONGHAND_SEPARATE_LIKELIHOODS(LONGHAND_SEPARATE_INFERENCE, );
LONGHAND_SEPARATE_LIKELIHOODS(LONGHAND_SEPARATE_TRAINING, );
