// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <numeric>
#include <vector>

#include "longhand/core/params.hpp"
#include "longhand/models/model.hpp"
#include "longhand/train/batch.hpp"

namespace longhand {

/// The inputs that a model is given, in the user's units, one per sample of the data: changed as in
/// the first epoch of a training with this seed (Mode::train), or as in its validation. Throws
/// std::invalid_argument where the changes do not suit the data.
template <TrainableModel M>
Samples<typename M::Backend::Scalar> given_inputs(const M& model,
                                                  const Data<typename M::Backend::Scalar>& data,
                                                  const BatchChanges& changes, std::uint64_t seed,
                                                  Mode mode = Mode::train) {
  using B = typename M::Backend;
  constexpr Index part = 1024;
  const B& backend = model.backend();
  const ResidentData<B> resident(backend, data);
  const BatchSource<B> source(resident, changes);
  Workspace<B> workspace;
  const Index n = data.count();
  const Buffer<B, std::uint32_t> ids(std::min(part, n));
  typename Samples<typename B::Scalar>::Matrix given(data.input.dim(), n);
  std::vector<std::uint32_t> numbers(static_cast<std::size_t>(n));
  std::iota(numbers.begin(), numbers.end(), 0u);
  for (Index first = 0; first < n; first += part) {
    workspace.reset();
    const MatrixView<std::uint32_t, typename B::Memory> some{ids.data(), 1,
                                                             std::min(part, n - first), 1};
    backend.upload(numbers.data() + first, some);
    const Pass<B> pass{.backend = backend,
                       .theta = model.params(),
                       .workspace = workspace,
                       .key = {.seed = seed},
                       .sample_ids = some,
                       .mode = mode};
    const ConstView<B> input = source.gather(model, pass).input;
    const View<B> x = pass.matrix(input.rows, input.cols);
    backend.copy(input, x);
    model.input().to_user(pass, x);
    backend.download(x, given.data() + first * given.rows());
  }
  return Samples<typename B::Scalar>(std::move(given));
}

}  // namespace longhand
