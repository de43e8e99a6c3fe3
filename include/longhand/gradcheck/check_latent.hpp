// SPDX-License-Identifier: MIT
#pragma once
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "longhand/gradcheck/detail/rig.hpp"
#include "longhand/latent/gaussian.hpp"

namespace longhand {

/// The sizes and inputs on which a latent is checked.
struct LatentCheck {
  std::vector<std::size_t> batches = {0, 1, 2, 7};
  Index condition_dim = 0;  ///< C, numbers per condition, for a learned prior
  /// Whether the latent's own terms are part of the objective; without them the gradient is that of
  /// z alone.
  bool weighed = true;
  /// The numbers of the model's schedules: the weight of the KL, which a latent does not read, then
  /// the latent's own (a temperature).
  std::vector<double> schedules = {1, 1};
};

namespace detail {

/// A latent on one backend. Its output is (z; terms), a column per sample.
template <class B, class L>
struct LatentRig : Rig<B> {
  template <class Make>
  LatentRig(const Make& make, const LatentCheck& how, std::uint64_t seed)
      : latent(make_on<B>(make, this->layout)),
        terms(how.weighed ? static_cast<Index>(latent.terms().size()) : 0) {
    for (const double value : how.schedules)
      this->scalars.schedules.push_back(typename B::Scalar(value));
    this->ready(seed);
  }
  L latent;
  Index terms;

  Index outputs() const { return latent.z_rows() + terms; }
  void forward(const Pass<B>& pass, ConstView<B> h, ConstView<B> condition, View<B> out,
               typename L::Cache& cache) const {
    const View<B> z = pass.matrix(latent.z_rows(), out.cols);  // contiguous, as in a model
    latent.forward(pass, h, condition, z, cache);
    pass.backend.copy(z, out.middle_rows(0, z.rows));
    if (terms > 0) latent.values(pass, cache, out.middle_rows(latent.z_rows(), terms));
  }
};

}  // namespace detail

/// Checks a latent (GaussianLatent, or your own with its interface): z and its own terms as
/// functions of the head, with fixed noise, and of the parameters of its prior. The cotangents of z
/// and of the term that is weighed meet in its backward, as in training. `make` constructs it on a
/// layout for any backend, []<class B>(ParamLayout& layout) { return GaussianLatent<B>(layout,
/// spec, 0); }. See check_part.
template <class B = Cpu<double>, class Make>
GradientReport check_latent(std::string_view name, const Make& make, const LatentCheck& how = {},
                            const CheckOptions& options = {}) {
  using namespace detail;
  using D = Reference<Dual>;
  using L = decltype(make_on<B>(make, std::declval<ParamLayout&>()));
  LatentRig<B, L> rig(make, how, options.seed);
  const Index z_rows = rig.latent.z_rows();
  Part part;
  part.inputs = {{.name = "h",
                  .rows = static_cast<std::size_t>(rig.latent.head_rows()),
                  .low = -3,
                  .high = 3}};
  if (how.condition_dim > 0)
    part.inputs.push_back({.name = "condition",
                           .rows = static_cast<std::size_t>(how.condition_dim),
                           .differentiate = false});
  part.outputs = static_cast<std::size_t>(rig.outputs());
  describe_parameters<B>(part, rig.theta, rig.grads);
  part.forget = [&] { rig.workspace.reset(); };
  const auto condition_on = [&]<class On>(const Pass<On>& pass, const PartBatch& batch) {
    return how.condition_dim > 0 ? input_on(pass, batch.inputs[1]) : ConstView<On>{};
  };
  part.forward = [&](const PartBatch& batch, PartMatrix y) {
    auto cache = std::make_shared<typename L::Cache>();
    const Pass<B> pass = rig.pass(batch);
    rig.forward(pass, view_of<B>(batch.inputs[0]), condition_on(pass, batch), view_of<B>(y),
                *cache);
    return cache;
  };
  part.backward = [&](const PartBatch& batch, const PartCache& cache, PartMatrix dy,
                      const std::vector<PartMatrix>& dinputs, GradientWrite write) {
    const ConstView<B> d = view_of<B>(dy);
    const Pass<B> pass = rig.pass(batch, rig.into(write));
    const ConstView<B> w = rig.terms > 0 ? d.row(z_rows) : ConstView<B>{};
    rig.latent.backward(pass, *static_cast<const typename L::Cache*>(cache.get()), w,
                        d.middle_rows(0, z_rows), view_of<B>(dinputs[0]),
                        pass.matrix(rig.terms, d.cols));
    if (write != GradientWrite::assign) return;
    // Without terms nothing depends on the prior: what backward leaves alone there is zero.
    how.weighed ? rig.finish(batch) : rig.grads.zero_unwritten(rig.backend);
  };
  part.freezes = false;  // the head's gradient is always wanted
  if constexpr (MadeFor<D, Make>) {
    using Twin = LatentRig<D, decltype(make_on<D>(make, rig.layout))>;
    auto twin = std::make_shared<Twin>(make, how, options.seed);
    part.dual = [&, twin](const PartBatch& batch, const DualTensors& x) {
      twin->workspace.reset();
      take_parameters(twin->theta, x);
      const Pass<D> pass = twin->pass(batch);
      const View<D> out = pass.matrix(twin->outputs(), static_cast<Index>(batch.size));
      typename decltype(twin->latent)::Cache cache;
      twin->forward(pass, dual_input(x, "h", batch.inputs[0]), condition_on(pass, batch), out,
                    cache);
      return flat(out);
    };
  }
  return check_part(name, part, how.batches, options);
}

}  // namespace longhand
