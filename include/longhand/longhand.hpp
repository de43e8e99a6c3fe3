// SPDX-License-Identifier: MIT
#pragma once

/// Everything a CPU user needs: variational autoencoders with hand-derived gradients. Needs Eigen
/// (3.4 or newer) and the standard library; add -fopenmp for threads and -march=native (or the ISA
/// you deploy on) for speed. Files are a library of their own: longhand/io.hpp.

// clang-format off
#include "longhand/core/language.hpp"  // first of all
// clang-format on

#include "longhand/backend/reference.hpp"
#include "longhand/infer.hpp"
#include "longhand/models/aae.hpp"
#include "longhand/separate.hpp"
#include "longhand/train/evaluate.hpp"
#include "longhand/train/given.hpp"
#include "longhand/train/trainer.hpp"

#ifdef LONGHAND_SEPARATE
LONGHAND_SEPARATE_FLOAT(LONGHAND_SEPARATE_TRAINING, extern);
LONGHAND_SEPARATE_DOUBLE(LONGHAND_SEPARATE_TRAINING, extern);
LONGHAND_SEPARATE_LIKELIHOODS(LONGHAND_SEPARATE_TRAINING, extern);
LONGHAND_SEPARATE_AAE(LONGHAND_SEPARATE_INFERENCE, extern);
LONGHAND_SEPARATE_AAE(LONGHAND_SEPARATE_TRAINING, extern);
#endif
