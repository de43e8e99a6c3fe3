// SPDX-License-Identifier: MIT
#pragma once
#include <memory>
#include <string_view>
#include <vector>

#include "longhand/gradcheck/detail/rig.hpp"
#include "longhand/prior/gaussian.hpp"

namespace longhand {

namespace detail {

/// A prior on one backend.
template <class B, class P>
struct PriorRig : Rig<B> {
  template <class Make>
  PriorRig(const Make& make, std::uint64_t seed) : prior(make_on<B>(make, this->layout)) {
    this->ready(seed);
  }
  P prior;

  /// (mu; logvar) into `out`.
  void forward(const Pass<B>& pass, ConstView<B> condition, View<B> out,
               typename P::Cache& cache) const {
    const PriorMoments<B> p = prior.forward(pass, condition, cache);
    require_shape("prior: mu", p.mu, out.rows / 2, out.cols);
    pass.backend.copy(p.mu, out.middle_rows(0, p.mu.rows));
    pass.backend.copy(p.logvar, out.middle_rows(p.mu.rows, p.mu.rows));
  }
};

}  // namespace detail

/// Checks a prior that owns parameters: the gradient of its moments (`dim` means and log variances
/// of a condition of `condition` rows). `make` constructs it as a layer for check_layer. See
/// check_part.
template <class B = Cpu<double>, class Make>
GradientReport check_prior(std::string_view name, const Make& make, Index condition, Index dim,
                           const std::vector<std::size_t>& batches = {0, 1, 2, 7},
                           const CheckOptions& options = {}) {
  using namespace detail;
  using P = decltype(make_on<B>(make, std::declval<ParamLayout&>()));
  PriorRig<B, P> rig(make, options.seed);
  Part part;
  part.inputs = {
      {.name = "condition", .rows = static_cast<std::size_t>(condition), .differentiate = false}};
  part.outputs = static_cast<std::size_t>(2 * dim);
  describe_parameters<B>(part, rig.theta, rig.grads);
  part.forget = [&] { rig.workspace.reset(); };
  part.forward = [&](const PartBatch& batch, PartMatrix y) {
    auto cache = std::make_shared<typename P::Cache>();
    rig.forward(rig.pass(batch), view_of<B>(batch.inputs[0]), view_of<B>(y), *cache);
    return cache;
  };
  part.backward = [&](const PartBatch& batch, const PartCache& cache, PartMatrix dy,
                      const std::vector<PartMatrix>&, GradientWrite write) {
    const Pass<B> pass = rig.pass(batch, rig.into(write));
    const View<B> dh = pass.matrix(2 * dim, static_cast<Index>(batch.size));  // overwritten
    rig.backend.copy(view_of<B>(dy), dh);
    rig.prior.backward(pass, *static_cast<const typename P::Cache*>(cache.get()), dh);
    if (write == GradientWrite::assign) rig.finish(batch);
  };
  using D = Reference<Dual>;
  if constexpr (MadeFor<D, Make>) {
    auto twin =
        std::make_shared<PriorRig<D, decltype(make_on<D>(make, rig.layout))>>(make, options.seed);
    part.dual = [twin, &part](const PartBatch& batch, const DualTensors& x) {
      twin->workspace.reset();
      take_parameters(twin->theta, x);
      const Pass<D> pass = twin->pass(batch);
      const View<D> out =
          pass.matrix(static_cast<Index>(part.outputs), static_cast<Index>(batch.size));
      typename decltype(twin->prior)::Cache cache;
      twin->forward(pass, input_on(pass, batch.inputs[0]), out, cache);
      return flat(out);
    };
  }
  return check_part(name, part, batches, options);
}

}  // namespace longhand
