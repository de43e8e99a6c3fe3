// SPDX-License-Identifier: MIT
#pragma once

// The compiled library longhand-io: files in and out. Its interface is the standard library, but for
// models and checkpoints, which are there where Eigen is.
// clang-format off
#include "longhand/core/language.hpp"  // first of all
// clang-format on

#include "longhand/io/csv.hpp"
#include "longhand/io/error.hpp"
#include "longhand/io/file.hpp"
#include "longhand/io/idx.hpp"
#include "longhand/io/npy.hpp"
#include "longhand/io/png.hpp"
#include "longhand/io/safetensors.hpp"
#include "longhand/io/tensor.hpp"
#if __has_include(<Eigen/Core>)
#include "longhand/io/checkpoint.hpp"
#include "longhand/io/model_file.hpp"
#endif
