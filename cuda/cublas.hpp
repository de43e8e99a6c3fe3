// SPDX-License-Identifier: MIT
#pragma once
#include <cublasLt.h>
#include <cublas_v2.h>

#include <string>

#include "longhand/backend/cuda.hpp"

namespace longhand::cuda {

/// The functions of cuBLAS that longhand calls, found when the first engine is made. Linking the
/// library would cost every start of a program 50 ms and 219 MB, also where no device is used.
struct Cublas {
  decltype(&cublasCreate_v2) create;
  decltype(&cublasDestroy_v2) destroy;
  decltype(&cublasSetStream_v2) set_stream;
  decltype(&cublasSetWorkspace_v2) set_workspace;
  decltype(&cublasGemmEx_64) gemm;
  decltype(&cublasGetStatusName) status_name;
  decltype(&cublasGetStatusString) status_string;

  /// Throws CudaError if cuBLAS is not there.
  static const Cublas& library();
};

/// The functions of cuBLASLt that longhand calls, found when the first product with an epilogue is
/// asked for. A handle of cuBLAS is one of cuBLASLt too.
struct CublasLt {
  decltype(&cublasLtMatmul) multiply;
  decltype(&cublasLtMatmulAlgoGetHeuristic) find_algorithms;
  decltype(&cublasLtMatmulDescInit_internal) init_operation;
  decltype(&cublasLtMatmulDescSetAttribute) set_of_operation;
  decltype(&cublasLtMatrixLayoutInit_internal) init_layout;
  decltype(&cublasLtMatmulPreferenceInit_internal) init_preference;
  decltype(&cublasLtMatmulPreferenceSetAttribute) set_of_preference;

  /// Throws CudaError if cuBLASLt is not there.
  static const CublasLt& library();
};

/// A Transpose as cuBLAS names it.
inline cublasOperation_t operation_of(Transpose t) {
  return t == Transpose::yes ? CUBLAS_OP_T : CUBLAS_OP_N;
}
inline cublasComputeType_t compute_type_of(Precision precision) {
  return precision == Precision::tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
}

/// What cuBLAS says about a status: "out of memory (CUBLAS_STATUS_ALLOC_FAILED)".
std::string text_of(cublasStatus_t status);

}  // namespace longhand::cuda
