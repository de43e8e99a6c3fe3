// SPDX-License-Identifier: MIT
#pragma once
#include <string_view>
#include <vector>

#include "longhand/divergence/gaussian_kl.hpp"
#include "longhand/gradcheck/detail/rig.hpp"

namespace longhand {

/// On what to check a divergence.
struct DivergenceCheck {
  Index dim = 5;
  bool prior = false;  ///< false: against N(0, I), true: against a prior with moments
  std::vector<std::size_t> batches = {0, 1, 2, 7};
};

/// Checks a divergence (GaussianKl, or your own with its interface): the gradient of sum_j w_j KL_j
/// by the moments of q, and of the prior if it has any. See check_part.
template <class B = Cpu<double>, class Divergence>
GradientReport check_divergence(std::string_view name, const Divergence& divergence,
                                const DivergenceCheck& how = {}, const CheckOptions& options = {}) {
  using namespace detail;
  using D = Reference<Dual>;
  const Index dim = how.dim;
  Rig<B> rig;
  rig.ready(options.seed);
  Rig<D> twin;
  twin.ready(options.seed);
  const auto posterior = [dim]<class On>(const ConstView<On>& q) -> LatentCache<On> {
    return {q.middle_rows(0, dim), q.middle_rows(dim, dim), {}};
  };
  const auto moments = [dim]<class On>(const ConstView<On>& p) -> PriorMoments<On> {
    return {p.middle_rows(0, dim), p.middle_rows(dim, dim)};
  };
  Part part;
  for (const char* input : {"q", "prior"})
    part.inputs.push_back(
        {.name = input, .rows = static_cast<std::size_t>(2 * dim), .low = -2, .high = 2});
  if (!how.prior) part.inputs.pop_back();
  part.outputs = 1;
  part.forget = [&] { rig.workspace.reset(); };
  const auto prior_on = [&](const PartBatch& batch) -> PriorMoments<B> {
    if (!how.prior) return {};
    return moments.template operator()<B>(view_of<B>(batch.inputs[1]));
  };
  part.forward = [&](const PartBatch& batch, PartMatrix y) {
    divergence.template value<B>(rig.pass(batch),
                                 posterior.template operator()<B>(view_of<B>(batch.inputs[0])),
                                 prior_on(batch), view_of<B>(y));
    return nullptr;
  };
  part.backward = [&](const PartBatch& batch, const PartCache&, PartMatrix dy,
                      const std::vector<PartMatrix>& dinputs, GradientWrite) {
    const Pass<B> pass = rig.pass(batch);
    divergence.template value_and_gradient<B>(
        pass, posterior.template operator()<B>(view_of<B>(batch.inputs[0])), prior_on(batch),
        per_sample(ConstView<B>(view_of<B>(dy))), pass.matrix(1, static_cast<Index>(batch.size)),
        view_of<B>(dinputs[0]), how.prior ? view_of<B>(dinputs[1]) : View<B>{});
  };
  part.freezes = false;
  part.dual = [&](const PartBatch& batch, const DualTensors& x) {
    twin.workspace.reset();
    const Pass<D> pass = twin.pass(batch);
    const View<D> kl = pass.matrix(1, static_cast<Index>(batch.size));
    PriorMoments<D> p;
    if (how.prior) p = moments.template operator()<D>(dual_input(x, "prior", batch.inputs[1]));
    divergence.template value<D>(
        pass, posterior.template operator()<D>(dual_input(x, "q", batch.inputs[0])), p, kl);
    return flat(kl);
  };
  return check_part(name, part, how.batches, options);
}

}  // namespace longhand
