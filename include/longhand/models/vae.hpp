// SPDX-License-Identifier: MIT
#pragma once
#include <concepts>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "longhand/core/macros.hpp"
#include "longhand/latent/any.hpp"
#include "longhand/layers/net.hpp"
#include "longhand/likelihood/any.hpp"
#include "longhand/math/sample_seed.hpp"
#include "longhand/models/model.hpp"
#include "longhand/models/one_shot.hpp"
#include "longhand/models/vae_layout.hpp"

namespace longhand {

/// Autoencoder, VAE, beta-VAE, conditional VAE: one model, one hand-written backward
/// (docs/derivations/elbo.md). It owns its architecture and its parameters; const member functions
/// are re-entrant. Likelihood and latent are run-time choices that are visited once per sweep, or
/// types of yours, so that nothing else is compiled in. The verbs of inference (encode, decode,
/// sample, …) are in models/inference.hpp and models/one_shot.hpp. The members that compute are
/// defined below it, so that they can be compiled once (separate.hpp).
template <class B, class Likelihood = AnyLikelihood, class Latent = AnyLatent<B>,
          class NetType = Net<B>>
class Vae : public ModelDefaults, public OneShot<Vae<B, Likelihood, Latent, NetType>, B> {
 public:
  using Backend = B;
  using Scalar = typename B::Scalar;
  using Spec = VaeSpec;

  /// The model that `spec` describes, weights initialised from spec.seed. Throws
  /// std::invalid_argument naming the field that is wrong.
  template <class L = Likelihood>
  requires std::is_same_v<L, AnyLikelihood> || is_own_likelihood<L>
  explicit Vae(VaeSpec spec, B backend = B())
      : Vae(Named{}, spec, likelihood_in<L>(spec.likelihood), backend) {}
  /// A model with a likelihood that is a type of yours; spec.likelihood becomes its name, and the
  /// model has no file.
  Vae(VaeSpec spec, Likelihood likelihood, B backend = B())
      : Vae(Named{}, std::move(spec), std::move(likelihood), backend) {
    if constexpr (!std::is_same_v<Likelihood, AnyLikelihood>)
      spec_.likelihood = CustomLikelihood{Likelihood::name};
  }
  /// A model with one of longhand's likelihoods, compiled in: Vae vae(Gaussian{.variance = 0.05},
  /// {…}).
  template <class L>
  requires std::same_as<decltype(part_of(std::declval<const L&>())), Likelihood> Vae(
      const L& likelihood, VaeSpec spec, B backend = B())
      : Vae(Named{}, with(std::move(spec), likelihood), part_of(likelihood), backend) {}

 private:
  struct Named {};  // the spec names the likelihood already
  static VaeSpec with(VaeSpec spec, const LikelihoodSpec& likelihood) {
    spec.likelihood = likelihood;
    return spec;
  }
  Vae(Named, VaeSpec spec, Likelihood likelihood, B backend);

 public:
  const B& backend() const { return backend_; }
  const VaeSpec& spec() const { return spec_; }
  const Params<B>& params() const { return params_; }
  const InputUnits<B>& input() const { return input_; }
  const InputUnits<B>& condition_units() const { return condition_units_; }
  const Likelihood& likelihood() const { return likelihood_; }
  const Latent& latent() const { return latent_; }

  Index input_dim() const { return spec_.input_dim; }
  Index condition_dim() const { return spec_.condition_dim; }
  Index z_rows() const { return latent_.z_rows(); }
  Index units() const { return latent_.units(); }
  bool has_elbo() const { return latent_.has_density(); }
  bool has_prior() const { return latent_.has_density(); }
  bool has_logvar() const { return latent_.has_logvar(); }
  std::pair<double, double> domain() const {
    if constexpr (requires { likelihood_.domain(); })
      return likelihood_.domain();
    else
      return ModelDefaults::domain();
  }

  /// A model of its own with the same weights.
  Vae clone() const {
    Vae other(Named{}, spec_, likelihood_, backend_);
    backend_.copy(params_.flat(), other.params_.flat());
    return other;
  }

  /// Replaces the input transform (the training data decide it).
  void set_transform(const InputTransform& transform) {
    input_ = InputUnits<B>(backend_, transform, spec_.input_dim);
    spec_.transform = transform;
  }
  /// Replaces the transform of the condition, likewise.
  void set_condition_transform(const InputTransform& transform) {
    condition_units_ = InputUnits<B>(backend_, transform, spec_.condition_dim);
    spec_.condition_transform = transform;
  }

  // ---- what training asks (models/model.hpp) ----------------------------------------------------

  const std::vector<Term>& terms() const { return terms_; }
  std::vector<Scheduled> schedules() const {
    std::vector<Scheduled> all = latent_.schedules();
    all.insert(all.begin(), {"beta", 1});
    return all;
  }
  std::vector<Player> players() const {
    Player all{"model", {}, {{.term = kNll}}};
    for (const auto& segment : params_.layout().segments()) all.segments.push_back(segment.name);
    if (!latent_.terms().empty()) all.loss.push_back({.term = kLatent, .schedule = 0});
    return {all};
  }
  void step(const Pass<B>& pass, const Batch<B>& batch, Index /*phase*/, View<B> terms) const {
    loss_and_gradient(pass, batch, terms);
  }

  // ---- the mathematics: one batch, views, a caller-owned workspace ------------------------------

 private:
  /// What forward leaves for backward.
  struct State {
    typename NetType::Cache encoder, decoder;
    typename Latent::Cache latent;
    View<B> h;       ///< the encoder's head
    View<B> z;       ///< J x N
    View<B> output;  ///< the decoder's
  };

  State forward(const Pass<B>& pass, const Batch<B>& batch) const;

 public:
  /// The terms of every sample, in nats, before weights and means (T x N), and the gradient of the
  /// objective [ELBO-1], which is added to pass.grads; pass.scalars gives 1/N and beta.
  void loss_and_gradient(const Pass<B>& pass, const Batch<B>& batch, View<B> terms) const;

  /// Writes the terms of every sample (T x N) without gradients, and statistics of the latents
  /// where they are wanted.
  void values(const Pass<B>& pass, const Batch<B>& batch, View<B> terms,
              const LatentStatistics<B>& statistics = {}) const;

  bool has_draw_weights() const { return latent_.has_log_ratio(); }
  /// Writes -log p(x given z), and below it log q(z given x) - log p(z), at one draw of z per
  /// sample, into `rows` (2 x N). Returns the decoder's output for that draw.
  View<B> draw_weights(const Pass<B>& pass, const Batch<B>& batch, View<B> rows) const;

  /// Writes the posterior mean of a batch into `mean` and its log variance into `logvar` (J x N
  /// each); a view that is absent is not written.
  void posterior(const Pass<B>& pass, const Batch<B>& batch, View<B> mean, View<B> logvar) const;

  /// The decoder's output for z (J x N), from which the likelihood makes means and draws.
  View<B> output(const Pass<B>& pass, ConstView<B> z, ConstView<B> condition) const;
  /// Draws z (z_rows() x N) from the prior under the condition. Throws for an autoencoder.
  void from_prior(const Pass<B>& pass, ConstView<B> condition, View<B> z) const;

 private:
  static constexpr Index kNll = 0, kLatent = 1;  // rows of the terms

  static View<B> latent_rows(View<B> terms) { return terms.middle_rows(kLatent, terms.rows - 1); }

  /// What each sample's NLL and KL weigh in the objective (1 x N each).
  void seed(const Pass<B>& pass, ConstView<B> sample_weights, View<B> w_nll, View<B> w_kl) const {
    pass.backend.for_each(
        SampleSeed{},
        in<B>(either<B>(sample_weights, 1), scalar_at<B>(pass.scalars.inverse_samples),
              scalar_at<B>(pass.scalars.schedules)),
        out<B>(w_nll, w_kl));
  }

  /// The block of rows (top; condition), or `top` itself where there is no condition.
  ConstView<B> stacked(const Pass<B>& pass, ConstView<B> top, ConstView<B> condition) const {
    const Index C = spec_.condition_dim;
    require(condition.present() == (C > 0), "the model has ", C, " condition rows, the batch has ",
            condition.present() ? condition.rows : 0);
    if (C == 0) return top;
    require_shape("batch: condition", condition, C, top.cols);
    const View<B> both = pass.matrix(top.rows + C, top.cols);
    pass.backend.copy(top, both.middle_rows(0, top.rows));
    pass.backend.copy(condition, both.middle_rows(top.rows, C));
    return both;
  }

  B backend_;
  VaeSpec spec_;
  Likelihood likelihood_;
  NetType encoder_;
  NetType decoder_;
  Latent latent_;
  std::vector<Term> terms_;
  Params<B> params_;
  InputUnits<B> input_, condition_units_;
};

template <class B, class Likelihood, class Latent, class NetType>
Vae<B, Likelihood, Latent, NetType>::Vae(Named, VaeSpec spec, Likelihood likelihood, B backend)
    : backend_(backend), spec_(checked(std::move(spec))), likelihood_(std::move(likelihood)) {
  ParamLayout layout;
  auto parts =
      build_parts<NetType, Latent>(layout, spec_, likelihood_.output_rows(spec_.input_dim));
  encoder_ = std::move(parts.encoder);
  decoder_ = std::move(parts.decoder);
  latent_ = std::move(parts.latent);
  terms_ = latent_.terms();
  terms_.insert(terms_.begin(), {"nll"});
  params_ = Params<B>(std::move(layout));
  initialize(backend_, spec_.init, spec_.seed, params_);
  set_transform(spec_.transform);
  set_condition_transform(spec_.condition_transform);
}

template <class B, class Likelihood, class Latent, class NetType>
LONGHAND_ONCE auto Vae<B, Likelihood, Latent, NetType>::forward(const Pass<B>& pass,
                                                                const Batch<B>& batch) const
    -> State {
  check_batch(batch, spec_.input_dim);
  State s;
  s.h = encoder_.forward(pass, stacked(pass, batch.input, batch.condition), s.encoder);  // [ELBO-6]
  s.z = pass.matrix(z_rows(), s.h.cols);
  latent_.forward(pass, s.h, batch.condition, s.z, s.latent);                         // [REP-2]
  s.output = decoder_.forward(pass, stacked(pass, s.z, batch.condition), s.decoder);  // [ELBO-7]
  return s;
}

template <class B, class Likelihood, class Latent, class NetType>
LONGHAND_ONCE void Vae<B, Likelihood, Latent, NetType>::loss_and_gradient(const Pass<B>& pass,
                                                                          const Batch<B>& batch,
                                                                          View<B> terms) const {
  const State s = forward(pass, batch);
  const View<B> w_nll = pass.matrix(1, s.z.cols), w_kl = pass.matrix(1, s.z.cols);
  const View<B> doutput = pass.matrix(s.output.rows, s.output.cols);
  const View<B> dzc = pass.matrix(s.z.rows + spec_.condition_dim, s.z.cols);
  const View<B> dh = pass.matrix(s.h.rows, s.h.cols);
  seed(pass, batch.sample_weights, w_nll, w_kl);  // [ELBO-2] [ELBO-3]
  likelihood_.value_and_gradient(pass, w_nll, s.output, batch, terms.row(kNll),
                                 doutput);           // [ELBO-8]
  decoder_.backward(pass, s.decoder, doutput, dzc);  // [ELBO-9]
  latent_.backward(pass, s.latent, w_kl, dzc.middle_rows(0, s.z.rows), dh,
                   latent_rows(terms));        // [ELBO-4]
  encoder_.backward(pass, s.encoder, dh, {});  // [ELBO-9]
}

template <class B, class Likelihood, class Latent, class NetType>
LONGHAND_ONCE void Vae<B, Likelihood, Latent, NetType>::values(
    const Pass<B>& pass, const Batch<B>& batch, View<B> terms,
    const LatentStatistics<B>& statistics) const {
  const State s = forward(pass, batch);
  likelihood_.value(pass, s.output, batch, terms.row(kNll));
  latent_.values(pass, s.latent, latent_rows(terms));
  if (statistics.mean.present())
    latent_.statistics(pass, s.latent, statistics.kl_per_unit, statistics.mean);
}

template <class B, class Likelihood, class Latent, class NetType>
LONGHAND_ONCE View<B> Vae<B, Likelihood, Latent, NetType>::draw_weights(const Pass<B>& pass,
                                                                        const Batch<B>& batch,
                                                                        View<B> rows) const {
  const State s = forward(pass, batch);
  likelihood_.value(pass, s.output, batch, rows.row(0));
  latent_.log_ratio(pass, s.latent, rows.row(1));
  return s.output;
}

template <class B, class Likelihood, class Latent, class NetType>
LONGHAND_ONCE void Vae<B, Likelihood, Latent, NetType>::posterior(const Pass<B>& pass,
                                                                  const Batch<B>& batch,
                                                                  View<B> mean,
                                                                  View<B> logvar) const {
  typename NetType::Cache cache;
  const View<B> h = encoder_.forward(pass, stacked(pass, batch.input, batch.condition), cache);
  latent_.mean(pass, h, mean, logvar);
}

template <class B, class Likelihood, class Latent, class NetType>
LONGHAND_ONCE View<B> Vae<B, Likelihood, Latent, NetType>::output(const Pass<B>& pass,
                                                                  ConstView<B> z,
                                                                  ConstView<B> condition) const {
  typename NetType::Cache cache;
  return decoder_.forward(pass, stacked(pass, z, condition), cache);
}

template <class B, class Likelihood, class Latent, class NetType>
LONGHAND_ONCE void Vae<B, Likelihood, Latent, NetType>::from_prior(const Pass<B>& pass,
                                                                   ConstView<B> condition,
                                                                   View<B> z) const {
  latent_.from_prior(pass, condition, z);
}

}  // namespace longhand
