// SPDX-License-Identifier: MIT
// What every other header may rely on: functions that also run in a CUDA kernel, floating-point
// arithmetic that means what is written, and members that a project compiles once.
#pragma once

#include <cfloat>

#if defined(__FAST_MATH__)
#error \
    "longhand needs IEEE arithmetic: compile without -ffast-math (NaN must survive, noise bits must not change)"
#endif

#if defined(FLT_EVAL_METHOD) && FLT_EVAL_METHOD != 0
#error "longhand needs float arithmetic in float: on 32-bit x86 add -msse2 -mfpmath=sse"
#endif

/// Marks a function that runs on the host and, where nvcc compiles it, inside a kernel too.
#if defined(__CUDACC__)
#define LONGHAND_HD __host__ __device__
#else
#define LONGHAND_HD
#endif

/// A function that is never called but always part of its caller: it takes on the caller's
/// instruction set, also in builds without optimisation (core/noise_columns.hpp compiles the same
/// code for two), and hands it packs in registers (backend/sweep.hpp).
#define LONGHAND_INLINE __attribute__((always_inline)) inline

/// A member that is defined below its class: inline, unless a project compiles it once
/// (separate.hpp). A compiler instantiates inline members again in every file, even where they are
/// declared `extern template`; without `inline` it takes them less often into their callers, and
/// encoding one row with a net of 16-32-4 took 5% longer.
#ifdef LONGHAND_SEPARATE
#define LONGHAND_ONCE
#else
#define LONGHAND_ONCE inline
#endif
