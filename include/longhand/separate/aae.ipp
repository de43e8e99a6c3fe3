// SPDX-License-Identifier: MIT
// The Aae in both precisions, defined (separate.hpp).
#include "longhand/longhand.hpp"
#include "longhand/separate.hpp"

LONGHAND_SEPARATE_AAE(LONGHAND_SEPARATE_INFERENCE, );
LONGHAND_SEPARATE_AAE(LONGHAND_SEPARATE_TRAINING, );
