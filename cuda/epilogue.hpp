// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <optional>

#include "cublas.hpp"
#include "longhand/backend/cuda.hpp"

namespace longhand::cuda {

/// What decides how cuBLASLt computes a product: equal keys, equal algorithm, equal bits.
using AlgorithmKey = std::array<Index, 14>;

/// A product with an epilogue as cuBLASLt wants it described. Needs no device.
struct ProductWithEpilogue {
  /// Throws CudaError.
  ProductWithEpilogue(Precision precision, Epilogue epilogue, Transpose ta,
                      DeviceView<const float> a, Transpose tb, DeviceView<const float> b,
                      DeviceView<float> c, const float* v);

  /// The first that cuBLASLt would take, of those whose sums have a fixed order and that need no
  /// more workspace; none if it has none.
  std::optional<cublasLtMatmulAlgo_t> find_algorithm(cublasHandle_t handle, std::size_t workspace);

  AlgorithmKey key{};
  cublasLtMatmulDescOpaque_t operation{};
  cublasLtMatrixLayoutOpaque_t a{}, b{}, c{};
};

}  // namespace longhand::cuda
