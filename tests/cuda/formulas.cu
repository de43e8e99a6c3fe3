// SPDX-License-Identifier: MIT
// Kernels for the formulas of the tests: how a user brings formulas of their own to the GPU.
#include <longhand/backend/cuda_launch.cuh>

#include "backend/formulas.hpp"
#include "backend/laplace.hpp"

LONGHAND_CUDA_FOR_EACH(4, 2, longhand::test::Mix)
LONGHAND_CUDA_FOR_EACH(2, 2, longhand::test::AddAndKeep)
LONGHAND_CUDA_REDUCE_COLUMNS_THEN(4, 2, longhand::test::MixAndSum, 2, 1, longhand::test::SumOnly)
LONGHAND_CUDA_REDUCE_ROWS(2, longhand::test::SumOnly)
LONGHAND_CUDA_REDUCE_THEN(2, longhand::test::SumOnly, 2, 1, longhand::test::SumOnly)
LONGHAND_CUDA_FILL_THEN(uniform, 2, 1, longhand::test::SumOnly)
LONGHAND_CUDA_FOR_EACH(2, 1, longhand::test::SumOnly)
LONGHAND_CUDA_REDUCE(1, longhand::Value)
LONGHAND_CUDA_GATHER(1, longhand::test::SumOnly)
LONGHAND_CUDA_LIKELIHOOD(1, longhand::test::Laplace)
