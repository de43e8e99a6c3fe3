// SPDX-License-Identifier: MIT
// Compiled when the build is configured: is nvcc new enough, and does it work with the C++ compiler?
#include <concepts>
#include <string>

#if __CUDACC_VER_MAJOR__ < 12
#error "longhand needs CUDA 12 or newer"
#endif

template <std::floating_point T>
__global__ void twice(T* x) {
  *x *= 2;
}
template __global__ void twice<float>(float*);
