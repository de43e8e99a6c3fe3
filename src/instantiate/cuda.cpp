// SPDX-License-Identifier: MIT
#include "instantiate/cuda.hpp"

LONGHAND_SEPARATE_INFERENCE(, longhand::Vae<longhand::Cuda<float>>);
LONGHAND_SEPARATE_TRAINING(, longhand::Vae<longhand::Cuda<float>>);
LONGHAND_SEPARATE_INFERENCE(, longhand::Aae<longhand::Cuda<float>>);
LONGHAND_SEPARATE_TRAINING(, longhand::Aae<longhand::Cuda<float>>);
