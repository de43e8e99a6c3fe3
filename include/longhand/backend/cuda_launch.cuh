// SPDX-License-Identifier: MIT
#pragma once
#pragma nv_diag_suppress 554  // a view's conversion to const is not called where it is const already
#include "longhand/backend/cuda.hpp"
#include "longhand/backend/cuda_families.hpp"
#include "longhand/backend/cuda_kernels.hpp"

/// How kernels start; for nvcc alone. A formula of your own runs on the GPU after one .cu file with
/// a line for each way it is swept, with its numbers of inputs and outputs:
///
///   #include <longhand/backend/cuda_launch.cuh>
///   #include "my_formulas.hpp"
///   LONGHAND_CUDA_FOR_EACH(2, 1, my::Formula)
///   LONGHAND_CUDA_LIKELIHOOD(1, my::Likelihood)
namespace longhand::cuda {

/// What a launch needs of the engine (cuda/engine.cpp). stream() throws if the engine is broken,
/// launched() if the launch was refused (`status` is a cudaError_t: the caller's, who may have
/// linked a CUDA runtime of its own).
void* stream(Engine& backend);
void launched(Engine& backend, int status, const char* kernel, Index rows, Index cols);
/// Room for kPartials numbers, which may be used until unlocked.
float* lock_partials(Engine& backend);
void unlock_partials(Engine& backend);

/// The partial sums between the two launches of one sum, not to be parted by another thread's.
struct Partials {
  Engine& backend;
  float* const sums = lock_partials(backend);
  ~Partials() { unlock_partials(backend); }
};

template <class Kernel>
__global__ void __launch_bounds__(kThreads) run(const Kernel kernel) {
  __shared__ float shared[kThreads];
  const Place at{static_cast<Index>(blockIdx.x), static_cast<Index>(gridDim.x),
                 static_cast<int>(threadIdx.x)};
  for (int phase = 0; phase < kernel.phases(); ++phase) {
    if (phase > 0) __syncthreads();
    kernel(phase, at, shared);
  }
}

template <class Kernel>
void launch(Engine& backend, const Kernel& kernel, Index rows, Index cols) {
  const auto where = static_cast<cudaStream_t>(stream(backend));
  const Index blocks = kernel.blocks();
  if (blocks == 0) return;
  run<<<static_cast<unsigned>(blocks), kThreads, 0, where>>>(kernel);
  launched(backend, cudaGetLastError(), Kernel::name, rows, cols);
}

template <class F, std::size_t I, std::size_t O>
void for_each(Engine& backend, const F& f, const std::array<DeviceOperand, I>& in,
              const std::array<DeviceView<float>, O>& out, const float* only_if) {
  launch(backend, ForEach<F, I, O>(f, in, out, only_if), out[0].rows, out[0].cols);
}

template <class F, std::size_t I, std::size_t O, class Next>
void reduce_columns(Engine& backend, const F& f, const std::array<DeviceOperand, I>& in,
                    const std::array<DeviceView<float>, O>& out, Index rows, DeviceView<float> sums,
                    const Next& next) {
  launch(backend, ReduceColumns<F, I, O, Next>(f, in, out, rows, sums, next), rows, sums.cols);
}

template <class F, std::size_t I>
void reduce_rows(Engine& backend, const F& f, const std::array<DeviceOperand, I>& in, Index rows,
                 Index cols, DeviceView<float> sums, Store store) {
  const bool add = store == Store::accumulate;
  const Index runs = ReduceRows<F, I>::runs_of(rows, cols);
  if (runs == 1) {
    launch(backend, ReduceRows<F, I>(f, in, rows, cols, 1, sums.data, add), rows, cols);
    return;
  }
  const Partials partial{backend};
  launch(backend, ReduceRows<F, I>(f, in, rows, cols, runs, partial.sums, false), rows, cols);
  const std::array<DeviceOperand, 1> all{DeviceOperand(partial.sums, 1, rows)};
  launch(backend, ReduceRows<Value, 1>(Value{}, all, rows, runs, 1, sums.data, add), rows, runs);
}

template <class F, std::size_t I, class Next>
void reduce(Engine& backend, const F& f, const std::array<DeviceOperand, I>& in, Index count,
            DeviceView<float> sum, const Next& next) {
  const Index parts = parts_of(count);
  if (parts == 1) {
    launch(backend, Reduce<F, I, Next>(f, in, count, 1, sum.data, next), count, 1);
    return;
  }
  const Partials partial{backend};
  launch(backend, Reduce<F, I>(f, in, count, parts, partial.sums), count, 1);
  const std::array<DeviceOperand, 1> all{DeviceOperand(partial.sums, 1, 0)};
  launch(backend, Reduce<Value, 1, Next>(Value{}, all, parts, 1, sum.data, next), parts, 1);
}

template <class Next>
void fill_normal(Engine& backend, const NoiseKey& key, DeviceIds ids, DeviceView<float> y,
                 const Next& next) {
  launch(backend, FillNoise<NormalFour, Next>(key, ids, y, next), y.rows, y.cols);  // [NOI-3]
}
template <class Next>
void fill_uniform(Engine& backend, const NoiseKey& key, DeviceIds ids, DeviceView<float> y,
                  const Next& next) {
  launch(backend, FillNoise<UniformFour, Next>(key, ids, y, next), y.rows, y.cols);  // [NOI-2]
}

template <class X, class F, std::size_t I>
void gather(Engine& backend, const F& f, DeviceView<const X> x, DeviceIds ids,
            const std::array<DeviceOperand, I>& in, DeviceView<float> y) {
  launch(backend, Gather<X, F, I>(f, x, ids, in, y), y.rows, y.cols);
}

}  // namespace longhand::cuda

#define LONGHAND_CUDA_FOR_EACH(inputs, outputs, ...)                                         \
  template void longhand::cuda::for_each<__VA_ARGS__, inputs, outputs>(                      \
      longhand::cuda::Engine&, const __VA_ARGS__&,                                           \
      const std::array<longhand::cuda::DeviceOperand, inputs>&,                              \
      const std::array<longhand::cuda::DeviceView<float>, outputs>&, const float*);
#define LONGHAND_CUDA_REDUCE_COLUMNS(inputs, outputs, ...)                                   \
  LONGHAND_CUDA_REDUCE_COLUMNS_OF(inputs, outputs, longhand::Nothing, __VA_ARGS__)
#define LONGHAND_CUDA_REDUCE_COLUMNS_OF(inputs, outputs, next, ...)                          \
  template void longhand::cuda::reduce_columns<__VA_ARGS__, inputs, outputs, next>(          \
      longhand::cuda::Engine&, const __VA_ARGS__&,                                           \
      const std::array<longhand::cuda::DeviceOperand, inputs>&,                              \
      const std::array<longhand::cuda::DeviceView<float>, outputs>&, longhand::Index,        \
      longhand::cuda::DeviceView<float>, const next&);
#define LONGHAND_CUDA_REDUCE_ROWS(inputs, ...)                                               \
  template void longhand::cuda::reduce_rows<__VA_ARGS__, inputs>(                            \
      longhand::cuda::Engine&, const __VA_ARGS__&,                                           \
      const std::array<longhand::cuda::DeviceOperand, inputs>&, longhand::Index,             \
      longhand::Index, longhand::cuda::DeviceView<float>, longhand::Store);
#define LONGHAND_CUDA_REDUCE(inputs, ...)                                                    \
  LONGHAND_CUDA_REDUCE_OF(inputs, longhand::Nothing, __VA_ARGS__)
#define LONGHAND_CUDA_REDUCE_OF(inputs, next, ...)                                           \
  template void longhand::cuda::reduce<__VA_ARGS__, inputs, next>(                           \
      longhand::cuda::Engine&, const __VA_ARGS__&,                                           \
      const std::array<longhand::cuda::DeviceOperand, inputs>&, longhand::Index,             \
      longhand::cuda::DeviceView<float>, const next&);
#define LONGHAND_CUDA_FILL_OF(normal_or_uniform, next)                                       \
  template void longhand::cuda::fill_##normal_or_uniform<next>(                              \
      longhand::cuda::Engine&, const longhand::NoiseKey&, longhand::cuda::DeviceIds,         \
      longhand::cuda::DeviceView<float>, const next&);

// The ways of a formula that a sweep follows: the numbers of inputs and outputs and the formula,
// then those of the sweep. A template type with commas needs a name of its own.
#define LONGHAND_CUDA_REDUCE_COLUMNS_THEN(inputs, outputs, formula, next_in, next_out, next) \
  LONGHAND_CUDA_REDUCE_COLUMNS_OF(                                                           \
      inputs, outputs, LONGHAND_CUDA_THEN(next_in, next_out, next), formula)
#define LONGHAND_CUDA_REDUCE_THEN(inputs, formula, next_in, next_out, next)                  \
  LONGHAND_CUDA_REDUCE_OF(inputs, LONGHAND_CUDA_THEN(next_in, next_out, next), formula)
#define LONGHAND_CUDA_FILL_THEN(normal_or_uniform, next_in, next_out, next)                  \
  LONGHAND_CUDA_FILL_OF(normal_or_uniform, LONGHAND_CUDA_THEN(next_in, next_out, next))
#define LONGHAND_CUDA_THEN(inputs, outputs, formula)                                         \
  longhand::Then<longhand::Cuda<float>, formula, inputs, outputs>
#define LONGHAND_CUDA_GATHER_OF(type, inputs, ...)                                           \
  template void longhand::cuda::gather<type, __VA_ARGS__, inputs>(                           \
      longhand::cuda::Engine&, const __VA_ARGS__&, longhand::cuda::DeviceView<const type>,   \
      longhand::cuda::DeviceIds, const std::array<longhand::cuda::DeviceOperand, inputs>&,   \
      longhand::cuda::DeviceView<float>);
#define LONGHAND_CUDA_GATHER(inputs, ...)                                                    \
  LONGHAND_CUDA_GATHER_OF(float, inputs, __VA_ARGS__)                                        \
  LONGHAND_CUDA_GATHER_OF(std::uint8_t, inputs, __VA_ARGS__)
