// SPDX-License-Identifier: MIT
#include "engine.hpp"

namespace longhand::cuda {

void multiply(Engine& backend, Precision precision, Transpose ta, DeviceView<const float> a,
              Transpose tb, DeviceView<const float> b, DeviceView<float> c, Store store) {
  backend.require_sound();
  const Index depth = ta == Transpose::yes ? a.rows : a.cols;
  const auto what = [&] { return shaped_product(c.rows, c.cols, depth); };
  if (c.size() == 0) return;
  if (depth == 0) {  // an empty sum, about which cuBLAS promises nothing
    if (store == Store::assign)
      backend.check(cudaMemset2DAsync(c.data, static_cast<std::size_t>(c.ld) * sizeof(float), 0,
                                      static_cast<std::size_t>(c.rows) * sizeof(float),
                                      static_cast<std::size_t>(c.cols), backend.stream()),
                    "cudaMemset2DAsync", what);
    return;
  }
  const float one = 1, kept = store == Store::accumulate ? 1 : 0;
  backend.check(Cublas::library().gemm(backend.cublas(), operation_of(ta), operation_of(tb), c.rows,
                                       c.cols, depth, &one, a.data, CUDA_R_32F, a.ld, b.data,
                                       CUDA_R_32F, b.ld, &kept, c.data, CUDA_R_32F, c.ld,
                                       compute_type_of(precision), CUBLAS_GEMM_DEFAULT),
                "cublasGemmEx", what);
}

}  // namespace longhand::cuda
