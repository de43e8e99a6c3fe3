// SPDX-License-Identifier: MIT
#pragma once

/// The models on a GPU and their training, compiled once for our own programs (cuda.cpp).

#include "longhand/backend/cuda.hpp"
#include "longhand/longhand.hpp"

#ifdef LONGHAND_SEPARATE
LONGHAND_SEPARATE_INFERENCE(extern, longhand::Vae<longhand::Cuda<float>>);
LONGHAND_SEPARATE_TRAINING(extern, longhand::Vae<longhand::Cuda<float>>);
LONGHAND_SEPARATE_INFERENCE(extern, longhand::Aae<longhand::Cuda<float>>);
LONGHAND_SEPARATE_TRAINING(extern, longhand::Aae<longhand::Cuda<float>>);
#endif
