// SPDX-License-Identifier: MIT
#pragma once
#include <compare>
#include <optional>

#include "cublas.hpp"
#include "longhand/backend/cuda.hpp"

namespace longhand::cuda {

/// What decides how cuBLASLt computes a product: equal keys, equal algorithm, equal bits.
struct AlgorithmKey {
  Precision precision{};
  Epilogue epilogue{};
  Transpose ta{}, tb{};
  Index rows = 0, cols = 0, depth = 0;
  Index a_ld = 0, b_ld = 0, c_ld = 0;
  Index a_bytes = 0, b_bytes = 0, c_bytes = 0, v_bytes = 0;  ///< by which addresses are divisible
  auto operator<=>(const AlgorithmKey&) const = default;
};

/// A product with an epilogue as cuBLASLt wants it described. Needs no device.
class ProductWithEpilogue {
 public:
  /// Throws CudaError.
  ProductWithEpilogue(Precision precision, Epilogue epilogue, Transpose ta,
                      DeviceView<const float> a, Transpose tb, DeviceView<const float> b,
                      DeviceView<float> c, const float* v);
  const AlgorithmKey& key() const { return key_; }

  /// The first that cuBLASLt would take, of those whose sums have a fixed order and that need no
  /// more workspace; none if it has none.
  std::optional<cublasLtMatmulAlgo_t> find_algorithm(cublasHandle_t handle, std::size_t workspace);

  /// Computes the product with the engine's handle, in its workspace, on its stream. False, and
  /// nothing was done, if cuBLASLt cannot after all.
  bool multiply(Engine& backend, const cublasLtMatmulAlgo_t& algorithm);

 private:
  void check(cublasStatus_t status, const char* call) const;

  AlgorithmKey key_;
  const float *a_, *b_;
  float* c_;
  cublasLtMatmulDescOpaque_t operation_{};
  cublasLtMatrixLayoutOpaque_t a_layout_{}, b_layout_{}, c_layout_{};
};

}  // namespace longhand::cuda
