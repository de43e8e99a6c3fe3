// SPDX-License-Identifier: MIT
// The Vae in single precision, defined (separate.hpp).
#include "longhand/longhand.hpp"
#include "longhand/separate.hpp"

LONGHAND_SEPARATE_PARTS(, longhand::Cpu<float>);
LONGHAND_SEPARATE_FLOAT(LONGHAND_SEPARATE_INFERENCE, );
LONGHAND_SEPARATE_FLOAT(LONGHAND_SEPARATE_TRAINING, );
