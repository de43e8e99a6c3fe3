// SPDX-License-Identifier: MIT
// Compiled when the build is configured: does nvcc work with the C++ compiler?
#include <concepts>
#include <string>

template <std::floating_point T>
__global__ void twice(T* x) {
  *x *= 2;
}
template __global__ void twice<float>(float*);
