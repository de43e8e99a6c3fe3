// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "longhand/gradcheck/check_likelihood.hpp"
#include "longhand/models/vae.hpp"

namespace longhand {

/// On what to check a model.
struct ModelCheck {
  std::vector<std::size_t> batches = {0, 1, 4};
  bool masked = false;  ///< with missing values
  double beta = 0.7;    ///< weight of the KL
};

namespace detail {

/// A model on one backend, in a rig for its calls.
template <class B, class V>
struct ModelRig : Rig<B> {
  V model;

  ModelRig(V made, double beta) : model(std::move(made)) {
    this->backend = model.backend();
    this->grads = Grads<B>(model.params().layout());
    this->scalars.beta = typename B::Scalar(beta);
    // A power of two that is no batch size: 1/N has its place, and a batch is the sum of its rows.
    this->scalars.inverse_samples = typename B::Scalar(0.125);
  }
  Pass<B> pass(const PartBatch& batch, GradientWrite write) {
    return Rig<B>::pass(batch, model.params(), this->into(write));
  }
  /// Inputs: data, condition and mask, the latter two where there are any.
  Batch<B> batch(const Pass<B>& pass, const PartBatch& in, ConstView<B> sample_weights) const {
    Batch<B> batch;
    std::size_t k = 0;
    batch.input = input_on(pass, in.inputs[k++]);
    if (model.config().condition_dim > 0) batch.condition = input_on(pass, in.inputs[k++]);
    if (k < in.inputs.size()) batch.mask = input_on(pass, in.inputs[k++]);
    batch.sample_weights = sample_weights;
    return batch;
  }
  /// The rows of the objective: (NLL_j + beta KL_j) / N, before row weights.
  struct Row {
    template <class T>
    void operator()(const T& nll, const T& kl, const T& beta, const T& inverse_samples,
                    T& row) const {
      row = inverse_samples * (nll + beta * kl);
    }
  };
  void objective(const LossTerms<B>& terms, View<B> rows) const {
    this->backend.for_each(Row{},
                           longhand::in<B>(terms.nll, terms.kl, scalar_at<B>(&this->scalars.beta),
                                           scalar_at<B>(&this->scalars.inverse_samples)),
                           longhand::out<B>(rows));
  }
};

/// Without row weights every row counts once, and loss_and_gradient returns what loss returns.
template <class B, class V>
void require_plain_loss(ModelRig<B, V>& rig, const Part& part, Random& random) {
  PartData data(part, 4, random);
  PartBatch in{.size = 4, .inputs = {}, .sample = data.sample};
  for (std::size_t k = 0; k < data.inputs.size(); ++k)
    in.inputs.push_back({data.inputs[k].data(), part.inputs[k].rows, 4, part.inputs[k].rows});
  std::array<double, 4> ones{1, 1, 1, 1}, fused{}, plain{};
  std::vector<double> gradients;
  for (const bool weighted : {true, false}) {
    rig.workspace.reset();
    const Pass<B> pass = rig.pass(in, GradientWrite::assign);
    const ConstView<B> weights = weighted ? ConstView<B>{ones.data(), 1, 4, 1} : ConstView<B>{};
    rig.objective(rig.model.loss_and_gradient(pass, rig.batch(pass, in, weights)),
                  {fused.data(), 1, 4, 1});
    rig.objective(rig.model.loss(pass, rig.batch(pass, in, weights)), {plain.data(), 1, 4, 1});
    double size = 1, gap = 0;
    for (std::size_t j = 0; j < 4; ++j) {
      size = std::max(size, std::fabs(plain[j]));
      gap = std::max(gap, std::fabs(fused[j] - plain[j]));
    }
    // The sums of both may differ by the rounding of a multiply-add per term.
    const double terms =
        static_cast<double>(rig.model.config().input_dim + rig.model.config().latent_dim + 4);
    if (!(gap <= terms * std::numeric_limits<double>::epsilon() * size))
      throw Broken("loss_and_gradient returns other values than loss");
    const View<B> all = rig.grads.flat();
    std::vector<double> now(all.data, all.data + all.size());
    if (!weighted && !PartTrial::same_bits(now, gradients))
      throw Broken("row weights of 1 give another gradient than no row weights");
    gradients = std::move(now);
  }
}

}  // namespace detail

/// Checks a whole model through loss and loss_and_gradient: the gradient of the objective by every
/// parameter; the cotangent enters as row weights. `make` makes it for any backend,
/// []<class B>() { return Vae<B, Mine>(config, Mine()); }. See check_part.
template <class B = Cpu<double>, class Make>
requires requires(const Make& make) { make.template operator()<B>(); }
GradientReport check_model(std::string_view name, const Make& make, const ModelCheck& how = {},
                           const CheckOptions& options = {}) {
  using namespace detail;
  using D = Reference<Dual>;
  using V = decltype(make.template operator()<B>());
  ModelRig<B, V> rig(make.template operator()<B>(), how.beta);
  const VaeConfig& config = rig.model.config();
  Part part;
  const auto rows = static_cast<std::size_t>(config.input_dim);
  part.inputs = {target_of("x", rows, domain_of(rig.model.likelihood()))};
  if (config.condition_dim > 0)
    part.inputs.push_back({.name = "condition",
                           .rows = static_cast<std::size_t>(config.condition_dim),
                           .differentiate = false});
  if (how.masked)
    part.inputs.push_back(
        {.name = "mask", .rows = rows, .differentiate = false, .among = {1, 0, 1}});
  part.outputs = 1;
  describe_parameters<B>(part, rig.model.params(), rig.grads);
  part.forget = [&] { rig.workspace.reset(); };
  part.forward = [&](const PartBatch& batch, PartMatrix y) {
    const Pass<B> pass = rig.pass(batch, GradientWrite::none);
    rig.objective(rig.model.loss(pass, rig.batch(pass, batch, {})), view_of<B>(y));
    return nullptr;
  };
  part.backward = [&](const PartBatch& batch, const PartCache&, PartMatrix dy,
                      const std::vector<PartMatrix>&, GradientWrite write) {
    const Pass<B> pass = rig.pass(batch, write);
    rig.model.loss_and_gradient(pass, rig.batch(pass, batch, view_of<B>(dy)));
    if (write == GradientWrite::assign) rig.finish(batch);
  };
  using W = decltype(make.template operator()<D>());
  auto twin = std::make_shared<ModelRig<D, W>>(make.template operator()<D>(), how.beta);
  part.dual = [twin](const PartBatch& batch, const DualTensors& x) {
    twin->workspace.reset();
    take_parameters(twin->model.params(), x);
    const Pass<D> pass = twin->pass(batch, GradientWrite::none);
    const View<D> rows_of_loss = pass.matrix(1, static_cast<Index>(batch.size));
    twin->objective(twin->model.loss(pass, twin->batch(pass, batch, {})), rows_of_loss);
    return flat(rows_of_loss);
  };
  GradientReport report = check_part(name, part, how.batches, options);
  if (options.corruption != nullptr) return report;
  Random random(options.seed);
  check_contract(report, "batch of 4", [&] { require_plain_loss(rig, part, random); });
  return report;
}

/// The model that `config` describes.
template <class B = Cpu<double>>
GradientReport check_model(std::string_view name, const VaeConfig& config,
                           const ModelCheck& how = {}, const CheckOptions& options = {}) {
  return check_model<B>(
      name, [&]<class On>() { return Vae<On>(config); }, how, options);
}

}  // namespace longhand
