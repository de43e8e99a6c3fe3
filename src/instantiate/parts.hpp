// SPDX-License-Identifier: MIT
#pragma once

/// What the models of our own programs are made of, compiled once: the primitives of the CPU that
/// sweep a formula, for every formula of longhand (primitives_float.cpp, primitives_double.cpp), and
/// nets and latents (float.cpp, double.cpp, reference.cpp). A sweep that is not among them is
/// compiled where it is used.

#include <array>
#include <cstdint>

#include "longhand/backend/cpu.hpp"
#include "longhand/backend/cuda_families.hpp"
#include "longhand/backend/reference.hpp"
#include "longhand/gradcheck/dual.hpp"
#include "longhand/latent/any.hpp"
#include "longhand/layers/net.hpp"
#include "longhand/likelihood/any.hpp"
#include "longhand/math/adversarial.hpp"
#include "longhand/math/sample_seed.hpp"
#include "longhand/models/input_transform.hpp"
#include "longhand/optim/optimizer.hpp"
#include "longhand/separate.hpp"

#ifdef LONGHAND_SEPARATE
#define LONGHAND_EXTERN extern
#define LONGHAND_SCALAR float
#include "instantiate/primitives.def"
#undef LONGHAND_SCALAR
#define LONGHAND_SCALAR double
#include "instantiate/primitives.def"
#undef LONGHAND_SCALAR
#undef LONGHAND_EXTERN

LONGHAND_SEPARATE_PARTS(extern, longhand::Cpu<float>);
LONGHAND_SEPARATE_PARTS(extern, longhand::Cpu<double>);
LONGHAND_SEPARATE_PARTS(extern, longhand::Reference<double>);
LONGHAND_SEPARATE_PARTS(extern, longhand::Reference<longhand::Dual>);
#endif
