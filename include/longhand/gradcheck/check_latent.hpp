// SPDX-License-Identifier: MIT
#pragma once
#include <memory>
#include <string_view>
#include <vector>

#include "longhand/gradcheck/detail/rig.hpp"
#include "longhand/latent/gaussian.hpp"

namespace longhand {

namespace detail {

/// (z; mu; logvar): what the decoder and the divergence read. Without a divergence z alone.
template <class B, class L>
void sample_on(const Pass<B>& pass, const L& latent, ConstView<B> h, View<B> out,
               LatentCache<B>& cache) {
  const Index dim = latent.dim_rows();
  latent.template sample<B>(pass, h, out.middle_rows(0, dim), cache);
  if (!latent.has_divergence()) return;
  pass.backend.copy(cache.mu, out.middle_rows(dim, dim));
  pass.backend.copy(cache.logvar, out.middle_rows(2 * dim, dim));
}

}  // namespace detail

/// Checks a latent (GaussianLatent, AnyLatent or your own with their interface): z = sample(h) with
/// fixed noise, and with a divergence the moments it reads, so that the join of both gradients at
/// the head is under test too. See check_part.
template <class B = Cpu<double>, class L>
GradientReport check_latent(std::string_view name, const L& latent,
                            const std::vector<std::size_t>& batches = {0, 1, 2, 7},
                            const CheckOptions& options = {}) {
  using namespace detail;
  using D = Reference<Dual>;
  const Index dim = latent.dim_rows();
  Rig<B> rig;
  rig.ready(options.seed);
  Part part;
  part.inputs = {
      {.name = "h", .rows = static_cast<std::size_t>(latent.head_rows()), .low = -3, .high = 3}};
  part.outputs = static_cast<std::size_t>(latent.has_divergence() ? 3 * dim : dim);
  part.forget = [&] { rig.workspace.reset(); };
  part.forward = [&](const PartBatch& batch, PartMatrix y) {
    auto cache = std::make_shared<LatentCache<B>>();
    sample_on<B>(rig.pass(batch), latent, view_of<B>(batch.inputs[0]), view_of<B>(y), *cache);
    return cache;
  };
  part.backward = [&](const PartBatch& batch, const PartCache& cache, PartMatrix dy,
                      const std::vector<PartMatrix>& dinputs, GradientWrite) {
    const ConstView<B> d = view_of<B>(dy);
    const View<B> dh = view_of<B>(dinputs[0]);
    if (latent.has_divergence()) rig.backend.copy(d.middle_rows(dim, 2 * dim), dh);
    latent.template backward<B>(rig.pass(batch), *static_cast<const LatentCache<B>*>(cache.get()),
                                d.middle_rows(0, dim), dh);
  };
  part.freezes = false;  // there are no parameters, and the head's gradient is always wanted
  auto twin = std::make_shared<Rig<D>>();
  twin->ready(options.seed);
  part.dual = [&, twin](const PartBatch& batch, const DualTensors& x) {
    twin->workspace.reset();
    const Pass<D> pass = twin->pass(batch);
    const View<D> out =
        pass.matrix(static_cast<Index>(part.outputs), static_cast<Index>(batch.size));
    LatentCache<D> cache;
    sample_on<D>(pass, latent, dual_input(x, "h", batch.inputs[0]), out, cache);
    return flat(out);
  };
  return check_part(name, part, batches, options);
}

}  // namespace longhand
