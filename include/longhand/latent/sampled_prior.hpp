// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <utility>

#include "longhand/core/backend.hpp"
#include "longhand/core/pass.hpp"
#include "longhand/latent/sampled_prior_spec.hpp"
#include "longhand/math/reparameterise.hpp"

namespace longhand {

/// Draws from a prior that has no other use than its samples (docs/derivations/adversarial.md). It
/// owns no parameters. Its noise is its own: the stream `prior`, and for the choice of a component
/// one that the layout hands out, so that it is independent of all noise of the codes.
template <class B>
class SampledPrior {
  using S = typename B::Scalar;

 public:
  SampledPrior() = default;
  /// Throws std::invalid_argument naming the number of `spec` that is wrong.
  SampledPrior(const B& backend, ParamLayout& layout, const SampledPriorSpec& spec, Index dim)
      : mixture_(mixture_of(spec, dim)), component_stream_(layout.noise_streams(1)) {
    if (mixture_.components() == 1) return;
    const std::vector<S> means(mixture_.means.begin(), mixture_.means.end());
    means_ = Buffer<B>(static_cast<Index>(means.size()));
    backend.upload(means.data(), means_.column());
  }

  const EqualMixture& mixture() const { return mixture_; }

  /// Draws z (J x N) with the pass's key and sample ids, in streams of the prior's own [ADV-2].
  void draw(const Pass<B>& pass, View<B> z) const {
    const Index K = mixture_.components();
    const OperandOf<B> logvar = constant<B>(2 * std::log(mixture_.deviation));
    const View<B> eps = pass.matrix(z.rows, z.cols);
    NoiseKey key = pass.key;
    key.stream = Stream::prior;
    pass.backend.fill_normal(key, pass.sample_ids, eps);
    if (K == 1)
      return pass.backend.for_each(ShiftAndScale{}, in<B>(constant<B>(0), logvar, eps),
                                   out<B>(z));  // [ADV-2]
    // The largest of K uniforms is each with the same probability: its place is the component.
    const View<B> chosen = pass.matrix(K, z.cols);
    key.stream = static_cast<Stream>(component_stream_);
    pass.backend.fill_uniform(key, pass.sample_ids, chosen);
    pass.backend.one_hot_columns(chosen, chosen);
    const View<B> means{means_.data(), z.rows, K, z.rows};
    pass.backend.multiply(pass.workspace.scratch(), Transpose::no, means, Transpose::no, chosen, z,
                          Store::assign,
                          then<B>(ShiftAndScale{}, in<B>(z, logvar, eps), out<B>(z)));  // [ADV-2]
  }

 private:
  EqualMixture mixture_;
  std::uint16_t component_stream_ = 0;
  Buffer<B> means_;  ///< J x K; empty for one component, whose mean is 0
};

}  // namespace longhand
