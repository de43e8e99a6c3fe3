// SPDX-License-Identifier: MIT
#pragma once

/// Which kernels a family of formulas needs, in the words of backend/cuda_launch.cuh. For .cu
/// files, and for tests that give those words another meaning.

/// The kernels of PerElement<Formula>; `outputs` is Formula::outputs, the numbers that the decoder
/// emits per element, 1 or 2.
#define LONGHAND_CUDA_LIKELIHOOD(outputs, Formula) LONGHAND_CUDA_LIKELIHOOD_##outputs(Formula)

#define LONGHAND_CUDA_LIKELIHOOD_1(Formula)                                      \
  LONGHAND_CUDA_REDUCE_COLUMNS(4, 0, longhand::ElementValue<Formula>)            \
  LONGHAND_CUDA_REDUCE_COLUMNS(4, 1, longhand::ElementValueAndGradient<Formula>) \
  LONGHAND_CUDA_FOR_EACH(1, 1, longhand::ElementMean<Formula>)                   \
  LONGHAND_CUDA_FOR_EACH(2, 1, longhand::ElementDraw<Formula>)
#define LONGHAND_CUDA_LIKELIHOOD_2(Formula)                                      \
  LONGHAND_CUDA_REDUCE_COLUMNS(5, 0, longhand::ElementValue<Formula>)            \
  LONGHAND_CUDA_REDUCE_COLUMNS(5, 2, longhand::ElementValueAndGradient<Formula>) \
  LONGHAND_CUDA_FOR_EACH(2, 1, longhand::ElementMean<Formula>)                   \
  LONGHAND_CUDA_FOR_EACH(3, 1, longhand::ElementDraw<Formula>)
