// SPDX-License-Identifier: MIT
// The CPU's loop over every formula, compiled for AVX2 alone to be read: vectorised.py looks for
// vector instructions in it, and for calls that would undo them.
#include <longhand/backend/cuda_families.hpp>
#include <longhand/backend/gather.hpp>
#include <longhand/backend/softmax.hpp>
#include <longhand/latent/gaussian_kl.hpp>
#include <longhand/layers/net.hpp>
#include <longhand/likelihood/any.hpp>
#include <longhand/math/adversarial.hpp>
#include <longhand/math/batch_changes.hpp>
#include <longhand/math/categorical.hpp>
#include <longhand/math/cross_entropy.hpp>
#include <longhand/math/sample_seed.hpp>
#include <longhand/models/input_transform.hpp>
#include <longhand/optim/optimizer.hpp>

namespace longhand {

/// What vectorised.py must find fault with: one number after the other, through the library's exp.
struct OneByOne {
  template <class T>
  void operator()(const T& x, T& y) const {
    alignas(64) float lane[detail::kWide];
    x.store(lane);
    for (float& v : lane) v = std::exp(v);
    y = T::load(lane);
  }
};

namespace detail {

template <class S, std::size_t I>
using Inputs = std::array<HostOperand<S>, I>;
template <class S, std::size_t O>
using Outputs = std::array<HostView<S>, O>;

#define LONGHAND_TEST_SWEEP(S, I, O, ...)                                                        \
  template void sweep<kNarrow, S>(const __VA_ARGS__&, const Inputs<S, I>&, const Outputs<S, O>&, \
                                  Index, Index, Index, Index);
#define LONGHAND_TEST_SUM(S, I, O, ...)                                                        \
  template S sum_down<kWide, S>(const __VA_ARGS__&, const Inputs<S, I>&, const Outputs<S, O>&, \
                                Index, Index, Index);
#define LONGHAND_TEST_GATHER(S, X, I, ...)                                          \
  template void gather_column<kGathered, S>(const __VA_ARGS__&, const X*, const X*, \
                                            const Inputs<S, I>&, const HostView<S>&, Index);

#define LONGHAND_CUDA_FOR_EACH(inputs, outputs, ...)       \
  LONGHAND_TEST_SWEEP(float, inputs, outputs, __VA_ARGS__) \
  LONGHAND_TEST_SWEEP(double, inputs, outputs, __VA_ARGS__)
#define LONGHAND_CUDA_REDUCE_COLUMNS(inputs, outputs, ...) \
  LONGHAND_TEST_SUM(float, inputs, outputs, __VA_ARGS__)   \
  LONGHAND_TEST_SUM(double, inputs, outputs, __VA_ARGS__)
#define LONGHAND_CUDA_REDUCE_ROWS(inputs, ...)
#define LONGHAND_CUDA_REDUCE(inputs, ...) LONGHAND_CUDA_REDUCE_COLUMNS(inputs, 0, __VA_ARGS__)
#define LONGHAND_CUDA_GATHER(inputs, ...)                        \
  LONGHAND_TEST_GATHER(float, float, inputs, __VA_ARGS__)        \
  LONGHAND_TEST_GATHER(float, std::uint8_t, inputs, __VA_ARGS__) \
  LONGHAND_TEST_GATHER(double, std::uint8_t, inputs, __VA_ARGS__)
// The sweeps that follow noise. Those that follow a sum are in the list by themselves, but for that
// of a single number.
#define LONGHAND_CUDA_FILL_THEN(noise, inputs, outputs, ...) \
  LONGHAND_CUDA_FOR_EACH(inputs, outputs, __VA_ARGS__)
#define LONGHAND_CUDA_REDUCE_COLUMNS_THEN(...)
#define LONGHAND_CUDA_REDUCE_THEN(...)

#include "../../cuda/formulas.def"
LONGHAND_TEST_SWEEP(float, 1, 1, OneByOne)

#define LONGHAND_TEST_SOFTMAX(S)                                                             \
  template void softmax_side_by_side<S>(const HostInput<S>&, const HostView<S>&,             \
                                        const HostView<S>&, Index, Index);                   \
  template void softmax_down<S>(const HostInput<S>&, const HostView<S>&, const HostView<S>&, \
                                Index, Index);
LONGHAND_TEST_SOFTMAX(float)
LONGHAND_TEST_SOFTMAX(double)
}  // namespace detail
}  // namespace longhand
