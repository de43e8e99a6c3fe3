// SPDX-License-Identifier: MIT
// Products with an epilogue, by cuBLASLt: a bias that is added, a bias's gradient.
#include "epilogue.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>

#include "engine.hpp"

namespace longhand::cuda {
namespace {

/// The power of two by which an address is divisible, in bytes, as far as it matters to cuBLASLt.
Index alignment(const void* p) {
  const auto address = reinterpret_cast<std::uintptr_t>(p);
  return Index{1} << std::min(std::countr_zero(address), 8);
}

/// cuBLASLt's two ways of saying that it has no such product.
bool cannot(cublasStatus_t status) {
  return status == CUBLAS_STATUS_NOT_SUPPORTED || status == CUBLAS_STATUS_INVALID_VALUE;
}

cublasLtHandle_t lt_handle(cublasHandle_t handle) {
  return reinterpret_cast<cublasLtHandle_t>(handle);
}

}  // namespace

ProductWithEpilogue::ProductWithEpilogue(Precision precision, Epilogue epilogue, Transpose ta,
                                         DeviceView<const float> a, Transpose tb,
                                         DeviceView<const float> b, DeviceView<float> c,
                                         const float* v)
    : key_{.precision = precision,
           .epilogue = epilogue,
           .ta = ta,
           .tb = tb,
           .rows = c.rows,
           .cols = c.cols,
           .depth = ta == Transpose::yes ? a.rows : a.cols,
           .a_ld = a.ld,
           .b_ld = b.ld,
           .c_ld = c.ld,
           .a_bytes = alignment(a.data),
           .b_bytes = alignment(b.data),
           .c_bytes = alignment(c.data),
           .v_bytes = alignment(v)},
      a_(a.data),
      b_(b.data),
      c_(c.data) {
  const CublasLt& lt = CublasLt::library();
  check(lt.init_operation(&operation_, sizeof operation_, compute_type_of(precision), CUDA_R_32F),
        "cublasLtMatmulDescInit");
  const auto set = [&](cublasLtMatmulDescAttributes_t which, auto value) {
    check(lt.set_of_operation(&operation_, which, &value, sizeof value),
          "cublasLtMatmulDescSetAttribute");
  };
  set(CUBLASLT_MATMUL_DESC_TRANSA, operation_of(ta));
  set(CUBLASLT_MATMUL_DESC_TRANSB, operation_of(tb));
  set(CUBLASLT_MATMUL_DESC_EPILOGUE,
      epilogue == Epilogue::add_bias ? CUBLASLT_EPILOGUE_BIAS : CUBLASLT_EPILOGUE_BGRADB);
  set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, v);
  const auto describe = [&](cublasLtMatrixLayoutOpaque_t& layout, const auto& m) {
    check(lt.init_layout(&layout, sizeof layout, CUDA_R_32F, static_cast<std::uint64_t>(m.rows),
                         static_cast<std::uint64_t>(m.cols), m.ld),
          "cublasLtMatrixLayoutInit");
  };
  describe(a_layout_, a), describe(b_layout_, b), describe(c_layout_, c);
}

std::optional<cublasLtMatmulAlgo_t> ProductWithEpilogue::find_algorithm(cublasHandle_t handle,
                                                                        std::size_t workspace) {
  const CublasLt& lt = CublasLt::library();
  cublasLtMatmulPreferenceOpaque_t wishes{};
  check(lt.init_preference(&wishes, sizeof wishes), "cublasLtMatmulPreferenceInit");
  const auto wish = [&](cublasLtMatmulPreferenceAttributes_t which, auto value) {
    check(lt.set_of_preference(&wishes, which, &value, sizeof value),
          "cublasLtMatmulPreferenceSetAttribute");
  };
  wish(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, static_cast<std::uint64_t>(workspace));
  wish(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK,
       static_cast<std::uint32_t>(CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE));
  const auto aligned = [&](cublasLtMatmulPreferenceAttributes_t which, Index bytes) {
    wish(which, static_cast<std::uint32_t>(bytes));
  };
  aligned(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, key_.a_bytes);
  aligned(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, key_.b_bytes);
  aligned(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, key_.c_bytes);
  aligned(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, key_.c_bytes);

  cublasLtMatmulHeuristicResult_t best{};
  int found = 0;
  const cublasStatus_t status =
      lt.find_algorithms(lt_handle(handle), &operation_, &a_layout_, &b_layout_, &c_layout_,
                         &c_layout_, &wishes, 1, &best, &found);
  if (cannot(status)) return std::nullopt;
  check(status, "cublasLtMatmulAlgoGetHeuristic");
  if (found == 0 || best.state != CUBLAS_STATUS_SUCCESS) return std::nullopt;
  return best.algo;
}

bool ProductWithEpilogue::multiply(Engine& backend, const cublasLtMatmulAlgo_t& algorithm) {
  const float one = 1, zero = 0;
  const cublasStatus_t status = CublasLt::library().multiply(
      lt_handle(backend.cublas()), &operation_, &one, a_, &a_layout_, b_, &b_layout_, &zero, c_,
      &c_layout_, c_, &c_layout_, &algorithm, backend.workspace(), Engine::kWorkspace,
      backend.stream());
  if (cannot(status)) return false;
  backend.check(status, "cublasLtMatmul",
                [&] { return shaped_product(key_.rows, key_.cols, key_.depth); });
  return true;
}

void ProductWithEpilogue::check(cublasStatus_t status, const char* call) const {
  if (status != CUBLAS_STATUS_SUCCESS)
    throw CudaError(shaped_product(key_.rows, key_.cols, key_.depth) + ": " + call + ": " +
                    text_of(status));
}

bool multiply_with_epilogue(Engine& backend, Precision precision, Epilogue epilogue, Transpose ta,
                            DeviceView<const float> a, Transpose tb, DeviceView<const float> b,
                            DeviceView<float> c, const float* v) {
  backend.require_sound();
  if (c.size() == 0 || a.size() == 0) return false;
  // Up to CUDA 11.8 the bias of a single spread row was lost on some devices
  // (github.com/dfyz/cublaslt-bias-epilogue); such a row is not worth a question.
  if (c.rows == 1 && c.ld > 1) return false;
  ProductWithEpilogue product(precision, epilogue, ta, a, tb, b, c, v);
  const std::optional<cublasLtMatmulAlgo_t> algorithm = backend.algorithm_of(product);
  if (!algorithm) return false;
  if (product.multiply(backend, *algorithm)) return true;
  backend.forget_algorithm_of(product);
  return false;
}

}  // namespace longhand::cuda
