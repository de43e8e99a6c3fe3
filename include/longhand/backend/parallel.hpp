// SPDX-License-Identifier: MIT
#pragma once
#ifdef _OPENMP
#include <omp.h>
#endif

#include "longhand/core/view.hpp"

namespace longhand::detail {

/// Threads a backend uses when none are named: OpenMP's own default (OMP_NUM_THREADS, else the
/// cores), 1 without OpenMP.
inline int default_threads() {
#ifdef _OPENMP
  return omp_get_max_threads();
#else
  return 1;
#endif
}

/// body(i) for i in [0, count), split evenly over `threads`. The body neither throws nor allocates:
/// an exception cannot leave a parallel region.
template <class Body>
void parallel_for([[maybe_unused]] int threads, Index count, const Body& body) {
#ifdef _OPENMP
  if (threads > 1 && count > 1) {
#pragma omp parallel for num_threads(threads) schedule(static)
    for (Index i = 0; i < count; ++i) body(i);
    return;
  }
#endif
  for (Index i = 0; i < count; ++i) body(i);
}

}  // namespace longhand::detail
