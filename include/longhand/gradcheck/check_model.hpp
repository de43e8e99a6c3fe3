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

/// The sizes and inputs on which a model is checked.
struct ModelCheck {
  std::vector<std::size_t> batches = {0, 1, 4};
  bool masked = false;      ///< with missing values
  bool labels = false;      ///< the condition is the class of a sample, as zeros and one 1
  double beta = 0.7;        ///< weight of the KL
  std::string player = {};  ///< whose loss and parameters are checked; empty: the first player's
};

namespace detail {

/// A model on one backend, in a rig for its calls.
template <class B, class V>
struct ModelRig : Rig<B> {
  V model;
  Player player;
  Index phase = 0;         ///< in which the player's gradient is left
  Index first_weight = 0;  ///< place of the first weight of its loss
  bool labels = false;     ///< as ModelCheck::labels

  ModelRig(V made, const ModelCheck& how) : model(std::move(made)), labels(how.labels) {
    this->backend = model.backend();
    this->grads = Grads<B>(model.params().layout());
    for (const Scheduled& schedule : model.schedules())
      this->scalars.schedules.push_back(
          typename B::Scalar(schedule.name == "beta" ? how.beta : schedule.usual));
    find(how.player);
    // A power of two that is no batch size: 1/N has its place, and a batch is the sum of its
    // samples.
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
    if (model.condition_dim() > 0) batch.condition = input_on(pass, in.inputs[k++]);
    if (labels) batch.condition = one_hot(pass, batch.condition);
    if (k < in.inputs.size()) batch.mask = input_on(pass, in.inputs[k++]);
    batch.sample_weights = sample_weights;
    return batch;
  }
  /// Columns of zeros with a 1 where the sample's class (1 x N) says.
  View<B> one_hot(const Pass<B>& pass, ConstView<B> classes) const {
    const View<B> columns = pass.matrix(model.condition_dim(), classes.cols);
    pass.backend.fill(columns, typename B::Scalar(0));
    for (Index j = 0; j < classes.cols; ++j)
      for (Index k = 0; k < columns.rows; ++k)
        if (classes(0, j) == typename B::Scalar(static_cast<double>(k)))
          columns.data[j * columns.ld + k] = typename B::Scalar(1);
    return columns;
  }
  /// A sample of the player's loss: the sum of w term_j / N over its list, before sample weights.
  struct AddTerm {
    template <class T>
    void operator()(const T& before, const T& term, const T& w, const T& inverse_samples,
                    T& sample) const {
      sample = before + inverse_samples * (w * term);
    }
  };
  /// Room for the terms of a batch.
  View<B> terms(const Pass<B>& pass, const PartBatch& in) const {
    return pass.matrix(static_cast<Index>(model.terms().size()), static_cast<Index>(in.size));
  }
  void objective(View<B> terms, View<B> samples) const {
    this->backend.fill(samples, typename B::Scalar(0));
    const auto* weight = this->scalars.weights.data() + first_weight;
    for (const WeightedTerm& term : player.loss)
      this->backend.for_each(AddTerm{},
                             longhand::in<B>(samples, terms.row(term.term), scalar_at<B>(weight++),
                                             scalar_at<B>(&this->scalars.inverse_samples)),
                             longhand::out<B>(samples));
  }

 private:
  /// Finds the player, its phase and its weights, and fills in the weights of all players.
  void find(const std::string& name) {
    const std::vector<Player> players = model.players();
    const std::vector<Phase> phases = model.phases();
    Index found = -1;
    for (std::size_t p = 0; p < players.size(); ++p) {
      if (found < 0 && (name.empty() || players[p].name == name)) {
        found = static_cast<Index>(p);
        player = players[p];
        first_weight = static_cast<Index>(this->scalars.weights.size());
      }
      for (const WeightedTerm& term : players[p].loss)
        this->scalars.weights.push_back(
            typename B::Scalar(term.weight) *
            (term.schedule < 0 ? typename B::Scalar(1)
                               : this->scalars.schedules[static_cast<std::size_t>(term.schedule)]));
    }
    require(found >= 0, "the model has no player '", name, "'");
    for (std::size_t k = 0; k < phases.size(); ++k)
      if (std::ranges::find(phases[k].players, found) != phases[k].players.end())
        phase = static_cast<Index>(k);
  }
};

/// Without sample weights every sample counts once, and step gives the terms that values gives.
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
    const View<B> terms = rig.terms(pass, in);
    rig.model.step(pass, rig.batch(pass, in, weights), rig.phase, terms);
    rig.objective(terms, {fused.data(), 1, 4, 1});
    rig.model.values(pass, rig.batch(pass, in, weights), terms);
    rig.objective(terms, {plain.data(), 1, 4, 1});
    double size = 1, gap = 0;
    for (std::size_t j = 0; j < 4; ++j) {
      size = std::max(size, std::fabs(plain[j]));
      gap = std::max(gap, std::fabs(fused[j] - plain[j]));
    }
    // The sums of both may differ by the rounding of a multiply-add per term.
    const double roundings = static_cast<double>(rig.model.input_dim() + rig.model.z_rows() + 4);
    if (!(gap <= roundings * std::numeric_limits<double>::epsilon() * size))
      throw Broken("step gives other terms than values");
    const View<B> all = rig.grads.flat();
    std::vector<double> now(all.data, all.data + all.size());
    if (!weighted && !PartTrial::same_bits(now, gradients))
      throw Broken("sample weights of 1 give another gradient than no sample weights");
    gradients = std::move(now);
  }
}

}  // namespace detail

/// Checks a whole model through values() and step(): the gradient of a player's loss by every
/// parameter of its segments, where the loss is what the model declares, the weighted sum of terms;
/// and that its phase writes no gradient of another segment. The cotangent enters as sample
/// weights. `make` makes the model for any backend, []<class B>() { return Vae<B, Mine>(spec,
/// Mine()); }. A model with several players is checked once for each. See check_part.
template <class B = Cpu<double>, class Make>
requires requires(const Make& make) { make.template operator()<B>(); }
GradientReport check_model(std::string_view name, const Make& make, const ModelCheck& how = {},
                           const CheckOptions& options = {}) {
  using namespace detail;
  using D = Reference<Dual>;
  using V = decltype(make.template operator()<B>());
  ModelRig<B, V> rig(make.template operator()<B>(), how);
  const Index condition_dim = rig.model.condition_dim();
  Part part;
  const auto rows = static_cast<std::size_t>(rig.model.input_dim());
  part.inputs = {target_of("x", rows, rig.model.domain())};
  if (condition_dim > 0) {
    PartInput condition{.name = "condition",
                        .rows = static_cast<std::size_t>(how.labels ? 1 : condition_dim),
                        .differentiate = false};
    for (Index k = 0; how.labels && k < condition_dim; ++k)
      condition.among.push_back(static_cast<double>(k));
    part.inputs.push_back(std::move(condition));
  }
  if (how.masked)
    part.inputs.push_back(
        {.name = "mask", .rows = rows, .differentiate = false, .among = {1, 0, 1}});
  part.outputs = 1;
  describe_parameters<B>(part, rig.model.params(), rig.grads, rig.player.segments);
  part.forget = [&] { rig.workspace.reset(); };
  part.forward = [&](const PartBatch& batch, PartMatrix y) {
    const Pass<B> pass = rig.pass(batch, GradientWrite::none);
    const View<B> terms = rig.terms(pass, batch);
    rig.model.values(pass, rig.batch(pass, batch, {}), terms);
    rig.objective(terms, view_of<B>(y));
    return nullptr;
  };
  part.backward = [&](const PartBatch& batch, const PartCache&, PartMatrix dy,
                      const std::vector<PartMatrix>&, GradientWrite write) {
    const Pass<B> pass = rig.pass(batch, write);
    rig.model.step(pass, rig.batch(pass, batch, view_of<B>(dy)), rig.phase, rig.terms(pass, batch));
    if (write == GradientWrite::assign) rig.finish(batch, rig.player.segments);
  };
  using W = decltype(make.template operator()<D>());
  auto twin = std::make_shared<ModelRig<D, W>>(make.template operator()<D>(), how);
  part.dual = [twin](const PartBatch& batch, const DualTensors& x) {
    twin->workspace.reset();
    take_parameters(twin->model.params(), x, twin->player.segments);
    const Pass<D> pass = twin->pass(batch, GradientWrite::none);
    const View<D> samples = pass.matrix(1, static_cast<Index>(batch.size)),
                  terms = twin->terms(pass, batch);
    twin->model.values(pass, twin->batch(pass, batch, {}), terms);
    twin->objective(terms, samples);
    return flat(samples);
  };
  GradientReport report = check_part(name, part, how.batches, options);
  if (options.corruption != nullptr) return report;
  Random random(options.seed);
  check_contract(report, "batch of 4", [&] { require_plain_loss(rig, part, random); });
  return report;
}

/// The Vae that `spec` describes.
template <class B = Cpu<double>>
GradientReport check_model(std::string_view name, const VaeSpec& spec, const ModelCheck& how = {},
                           const CheckOptions& options = {}) {
  return check_model<B>(
      name, [&]<class On>() { return Vae<On>(spec); }, how, options);
}

}  // namespace longhand
