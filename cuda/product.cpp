// SPDX-License-Identifier: MIT
#include "engine.hpp"

namespace longhand::cuda {

void multiply(Engine& on, Precision precision, Transpose ta, DeviceView<const float> a,
              Transpose tb, DeviceView<const float> b, DeviceView<float> c, Store store) {
  on.require_sound();
  const Index depth = ta == Transpose::yes ? a.rows : a.cols;
  const auto what = [&] {
    return shaped("multiply", c.rows, c.cols) + " (depth " + std::to_string(depth) + ")";
  };
  if (c.size() == 0) return;
  if (depth == 0) {  // an empty sum, about which cuBLAS promises nothing
    if (store == Store::assign)
      on.check(cudaMemset2DAsync(c.data, static_cast<std::size_t>(c.ld) * sizeof(float), 0,
                                 static_cast<std::size_t>(c.rows) * sizeof(float),
                                 static_cast<std::size_t>(c.cols), on.stream()),
               "cudaMemset2DAsync", what);
    return;
  }
  const auto op = [](Transpose t) { return t == Transpose::yes ? CUBLAS_OP_T : CUBLAS_OP_N; };
  const float one = 1, kept = store == Store::accumulate ? 1 : 0;
  const cublasComputeType_t compute =
      precision == Precision::tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
  on.check(Cublas::library().gemm(on.cublas(), op(ta), op(tb), c.rows, c.cols, depth, &one, a.data,
                                  CUDA_R_32F, a.ld, b.data, CUDA_R_32F, b.ld, &kept, c.data,
                                  CUDA_R_32F, c.ld, compute, CUBLAS_GEMM_DEFAULT),
           "cublasGemmEx", what);
}

}  // namespace longhand::cuda
