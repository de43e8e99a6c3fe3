// SPDX-License-Identifier: MIT
// Products with an epilogue, by cuBLASLt: a bias that is added, a bias's gradient.
#include "epilogue.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>

#include "engine.hpp"

namespace longhand::cuda {
namespace {

void require(cublasStatus_t status, const char* call) {
  if (status != CUBLAS_STATUS_SUCCESS) throw CudaError(std::string(call) + ": " + text_of(status));
}

/// Of an address, in bytes, as far as it matters to cuBLASLt.
Index alignment(const void* p) {
  const auto address = reinterpret_cast<std::uintptr_t>(p);
  return Index{1} << std::min(std::countr_zero(address), 8);
}

template <class T>
void describe(cublasLtMatrixLayoutOpaque_t& layout, const DeviceView<T>& m) {
  require(CublasLt::library().init_layout(&layout, sizeof layout, CUDA_R_32F,
                                          static_cast<std::uint64_t>(m.rows),
                                          static_cast<std::uint64_t>(m.cols), m.ld),
          "cublasLtMatrixLayoutInit");
}

}  // namespace

ProductWithEpilogue::ProductWithEpilogue(Precision precision, Epilogue epilogue, Transpose ta,
                                         DeviceView<const float> left, Transpose tb,
                                         DeviceView<const float> right, DeviceView<float> to,
                                         const float* v)
    : key{static_cast<Index>(precision),
          static_cast<Index>(epilogue),
          static_cast<Index>(ta),
          static_cast<Index>(tb),
          to.rows,
          to.cols,
          ta == Transpose::yes ? left.rows : left.cols,
          left.ld,
          right.ld,
          to.ld,
          alignment(left.data),
          alignment(right.data),
          alignment(to.data),
          alignment(v)} {
  const CublasLt& lt = CublasLt::library();
  const auto compute =
      precision == Precision::tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
  require(lt.init_operation(&operation, sizeof operation, compute, CUDA_R_32F),
          "cublasLtMatmulDescInit");
  const auto set = [&](cublasLtMatmulDescAttributes_t which, auto value) {
    require(lt.set_of_operation(&operation, which, &value, sizeof value),
            "cublasLtMatmulDescSetAttribute");
  };
  const auto op = [](Transpose t) { return t == Transpose::yes ? CUBLAS_OP_T : CUBLAS_OP_N; };
  set(CUBLASLT_MATMUL_DESC_TRANSA, op(ta));
  set(CUBLASLT_MATMUL_DESC_TRANSB, op(tb));
  set(CUBLASLT_MATMUL_DESC_EPILOGUE,
      epilogue == Epilogue::add_bias ? CUBLASLT_EPILOGUE_BIAS : CUBLASLT_EPILOGUE_BGRADB);
  set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, v);
  describe(a, left), describe(b, right), describe(c, to);
}

std::optional<cublasLtMatmulAlgo_t> ProductWithEpilogue::find_algorithm(cublasHandle_t handle,
                                                                        std::size_t workspace) {
  const CublasLt& lt = CublasLt::library();
  cublasLtMatmulPreferenceOpaque_t wishes{};
  require(lt.init_preference(&wishes, sizeof wishes), "cublasLtMatmulPreferenceInit");
  const auto wish = [&](cublasLtMatmulPreferenceAttributes_t which, auto value) {
    require(lt.set_of_preference(&wishes, which, &value, sizeof value),
            "cublasLtMatmulPreferenceSetAttribute");
  };
  wish(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, static_cast<std::uint64_t>(workspace));
  wish(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK,
       static_cast<std::uint32_t>(CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE));
  const auto aligned = [&](cublasLtMatmulPreferenceAttributes_t which, Index bytes) {
    wish(which, static_cast<std::uint32_t>(bytes));
  };
  aligned(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, key[10]);
  aligned(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, key[11]);
  aligned(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, key[12]);
  aligned(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, key[12]);

  cublasLtMatmulHeuristicResult_t best{};
  int found = 0;
  const cublasStatus_t status =
      lt.find_algorithms(reinterpret_cast<cublasLtHandle_t>(handle), &operation, &a, &b, &c, &c,
                         &wishes, 1, &best, &found);
  if (status == CUBLAS_STATUS_NOT_SUPPORTED) return std::nullopt;
  require(status, "cublasLtMatmulAlgoGetHeuristic");
  if (found == 0 || best.state != CUBLAS_STATUS_SUCCESS) return std::nullopt;
  return best.algo;
}

bool multiply_with_epilogue(Engine& on, Precision precision, Epilogue epilogue, Transpose ta,
                            DeviceView<const float> a, Transpose tb, DeviceView<const float> b,
                            DeviceView<float> c, const float* v) {
  on.require_sound();
  if (c.size() == 0 || a.size() == 0) return false;
  // Up to CUDA 11.8 the bias of a single spread row was lost on some devices
  // (github.com/dfyz/cublaslt-bias-epilogue); such a row is not worth a question.
  if (c.rows == 1 && c.ld > 1) return false;
  ProductWithEpilogue product(precision, epilogue, ta, a, tb, b, c, v);
  const std::optional<cublasLtMatmulAlgo_t> algorithm = on.algorithm(
      product.key, [&] { return product.find_algorithm(on.cublas(), Engine::kWorkspace); });
  if (!algorithm) return false;
  const float one = 1, zero = 0;
  on.check(CublasLt::library().multiply(
               reinterpret_cast<cublasLtHandle_t>(on.cublas()), &product.operation, &one, a.data,
               &product.a, b.data, &product.b, &zero, c.data, &product.c, c.data, &product.c,
               &*algorithm, on.workspace(), Engine::kWorkspace, on.stream()),
           "cublasLtMatmul", [&] {
             return shaped("multiply", c.rows, c.cols) + " (depth " +
                    std::to_string(product.key[6]) + ")";
           });
  return true;
}

}  // namespace longhand::cuda
