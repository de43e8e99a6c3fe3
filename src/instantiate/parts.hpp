// SPDX-License-Identifier: MIT
#pragma once

/// What the models of our own programs are made of, compiled once: nets and latents, on the CPU
/// (float.cpp, double.cpp) and on the serial reference (reference.cpp).

#include "longhand/backend/cpu.hpp"
#include "longhand/backend/reference.hpp"
#include "longhand/gradcheck/dual.hpp"
#include "longhand/latent/any.hpp"
#include "longhand/layers/net.hpp"
#include "longhand/separate.hpp"

#ifdef LONGHAND_SEPARATE
LONGHAND_SEPARATE_PARTS(extern, longhand::Cpu<float>);
LONGHAND_SEPARATE_PARTS(extern, longhand::Cpu<double>);
LONGHAND_SEPARATE_PARTS(extern, longhand::Reference<double>);
LONGHAND_SEPARATE_PARTS(extern, longhand::Reference<longhand::Dual>);
#endif
