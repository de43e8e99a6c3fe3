// SPDX-License-Identifier: MIT
// The Vae in double precision, defined (separate.hpp).
#include "longhand/longhand.hpp"
#include "longhand/separate.hpp"

LONGHAND_SEPARATE_PARTS(, longhand::Cpu<double>);
LONGHAND_SEPARATE_DOUBLE(LONGHAND_SEPARATE_INFERENCE, );
LONGHAND_SEPARATE_DOUBLE(LONGHAND_SEPARATE_TRAINING, );
