// SPDX-License-Identifier: MIT
#pragma once

// The compiled library longhand-io: files in and out, with the standard library in its interface
// and nothing else.
#include "longhand/io/csv.hpp"
#include "longhand/io/error.hpp"
#include "longhand/io/file.hpp"
#include "longhand/io/idx.hpp"
#include "longhand/io/npy.hpp"
#include "longhand/io/png.hpp"
#include "longhand/io/safetensors.hpp"
#include "longhand/io/tensor.hpp"
