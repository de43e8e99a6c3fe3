// SPDX-License-Identifier: MIT
#pragma once
#include <dnnl.h>
#ifdef _OPENMP
#include <omp.h>
#endif

#include <algorithm>
#include <atomic>
#include <new>
#include <stdexcept>
#include <string>

#include "longhand/backend/team.hpp"
#include "longhand/core/view.hpp"

/// The opt-in product engine (-Dgemm=onednn, or LONGHAND_ONEDNN in the whole program and -ldnnl):
/// oneDNN's sgemm under the contract of backend/product.hpp, the only file that knows it.
///
/// Left to its own threads, oneDNN shares k among them and the bits change with their number. Here
/// the output is cut into tiles by its shape alone and each is one call made by one thread. oneDNN
/// allocates and releases a packing buffer in every call; nothing else here allocates.
namespace longhand::detail::onednn {

inline std::string version() {
  const dnnl_version_t* v = dnnl_version();
  return "oneDNN " + std::to_string(v->major) + "." + std::to_string(v->minor) + "." +
         std::to_string(v->patch);
}

/// Tiles of an output, by its shape. oneDNN packs its operands anew for every tile: tiles are as
/// large as leaves four of them, if each then has work for some 10 microseconds.
struct Tiles {
  Index rows = 240, cols = 128;  // multiples of the kernel's 48 x 8

  Tiles(Index m, Index n, Index k) {
    const auto enough = [&] {
      return ((m + rows - 1) / rows) * ((n + cols - 1) / cols) >= 4 || rows * cols * k <= 1'000'000;
    };
    for (const Index lower : {144, 96})
      if (!enough()) rows = lower;
    for (const Index narrower : {64, 32})
      if (!enough()) cols = narrower;
  }
};

/// sgemm of one tile on the calling thread alone, whatever region it is in.
inline dnnl_status_t tile_product(Transpose ta, Transpose tb, Index m, Index n, Index k,
                                  const float* a, Index lda, const float* b, Index ldb, float beta,
                                  float* c, Index ldc) {
  // dnnl_sgemm is row-major: what it is asked for is transpose(C) = op(transpose B) op(transpose
  // A).
  const char op_a = ta == Transpose::yes ? 'T' : 'N', op_b = tb == Transpose::yes ? 'T' : 'N';
#ifdef _OPENMP
  if (!omp_in_parallel()) {
    dnnl_status_t status = dnnl_success;
#pragma omp parallel num_threads(1)
    {
      omp_set_num_threads(1);  // of this region's task, not of the caller's
      status = dnnl_sgemm(op_b, op_a, n, m, k, 1, b, ldb, a, lda, beta, c, ldc);
    }
    return status;
  }
#endif
  return dnnl_sgemm(op_b, op_a, n, m, k, 1, b, ldb, a, lda, beta, c, ldc);
}

/// detail::multiply (backend/product.hpp) by oneDNN, for k > 0.
template <class OnTile>
void multiply(const Threads& threads, Transpose ta, Transpose tb, Index m, Index n, Index k,
              const float* a, Index lda, const float* b, Index ldb, float* c, Index ldc,
              bool accumulate, const OnTile& on_tile) {
  if (m <= 0 || n <= 0) return;
  const Tiles tiles(m, n, k);
  const Index across = (n + tiles.cols - 1) / tiles.cols, down = (m + tiles.rows - 1) / tiles.rows;
  std::atomic<dnnl_status_t> failure = dnnl_success;
  const Threads team = threads.worth(m * n * k);
  team.run(down * across, [&](Index tile, int) {
    const Index i = tile % down * tiles.rows, rows = std::min(tiles.rows, m - i);
    const Index j = tile / down * tiles.cols, cols = std::min(tiles.cols, n - j);
    const dnnl_status_t status =
        tile_product(ta, tb, rows, cols, k, a + (ta == Transpose::yes ? i * lda : i), lda,
                     b + (tb == Transpose::yes ? j : j * ldb), ldb, accumulate ? 1.f : 0.f,
                     c + i + j * ldc, ldc);
    if (status != dnnl_success) failure = status;
    on_tile(i, rows, j, cols);
  });
  if (failure == dnnl_out_of_memory) throw std::bad_alloc();
  if (failure != dnnl_success)
    throw std::runtime_error(version() + ": sgemm of " + std::to_string(m) + " x " +
                             std::to_string(n) + " x " + std::to_string(k) + " failed, status " +
                             std::to_string(static_cast<int>(failure.load())));
}

}  // namespace longhand::detail::onednn
