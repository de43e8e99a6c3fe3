// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "longhand/core/macros.hpp"
#include "longhand/latent/any.hpp"
#include "longhand/latent/prior_fit.hpp"
#include "longhand/latent/sampled_prior.hpp"
#include "longhand/layers/net.hpp"
#include "longhand/likelihood/any.hpp"
#include "longhand/math/adversarial.hpp"
#include "longhand/math/sample_seed.hpp"
#include "longhand/models/aae_spec.hpp"
#include "longhand/models/model.hpp"
#include "longhand/models/one_shot.hpp"

namespace longhand {

/// Adversarial autoencoder (Makhzani et al. 2015, docs/derivations/adversarial.md): an autoencoder
/// whose codes follow a prior that need not have a density, because a discriminator tells codes
/// from draws of the prior and the encoder learns to deceive it. A training step has three phases
/// (reconstruct, discriminate, confuse), each with a player and an optimizer of its own. It owns
/// its architecture and its parameters; const member functions are re-entrant. The verbs of
/// inference are in models/inference.hpp and models/one_shot.hpp; encode() gives codes without
/// noise. The members that compute are defined below it, so that they can be compiled once
/// (separate.hpp).
template <class B>
class Aae : public ModelDefaults, public OneShot<Aae<B>, B> {
 public:
  using Backend = B;
  using Scalar = typename B::Scalar;
  using Spec = AaeSpec;

  /// The model that `spec` describes, weights initialised from its autoencoder's seed. Throws
  /// std::invalid_argument naming the field that is wrong.
  explicit Aae(AaeSpec spec, B backend = B());

  /// A model of its own with the same weights.
  Aae clone() const {
    Aae other(spec_, backend_);
    backend_.copy(params_.flat(), other.params_.flat());
    return other;
  }

  const B& backend() const { return backend_; }
  const AaeSpec& spec() const { return spec_; }
  const Params<B>& params() const { return params_; }
  const InputUnits<B>& input() const { return input_; }
  const AnyLikelihood& likelihood() const { return likelihood_; }
  const SampledPrior<B>& prior() const { return prior_; }

  Index input_dim() const { return spec_.autoencoder.input_dim; }
  Index z_rows() const { return latent_.z_rows(); }
  bool has_logvar() const { return latent_.has_logvar(); }
  static constexpr bool has_prior() { return true; }
  std::pair<double, double> domain() const { return likelihood_.domain(); }

  // ---- what training asks (models/model.hpp) ----------------------------------------------------

  /// The first four are the terms of [ADV-3] to [ADV-6]; the last is reported and in no loss.
  static std::vector<Term> terms() {
    return {{"nll"}, {"real"}, {"fake"}, {"fooled"}, {"accuracy"}};
  }
  static std::vector<Player> players() {
    return {{"autoencoder", {"encoder", "decoder"}, {{.term = kNll}}},
            {"discriminator", {"discriminator"}, {{.term = kReal}, {.term = kFake}}},
            {"generator", {"encoder"}, {{.term = kFooled}}}};
  }
  static std::vector<Phase> phases() {
    return {{"reconstruct", {0}}, {"discriminate", {1}}, {"confuse", {2}}};
  }
  void step(const Pass<B>& pass, const Batch<B>& batch, Index phase, View<B> terms) const {
    if (phase == 0) return reconstruct(pass, batch, terms);
    if (phase == 1) return discriminate(pass, batch, terms);
    confuse(pass, batch, terms);
  }

  /// How the codes of a data set fit the prior, from all of them (J x n).
  static constexpr bool wants_codes() { return true; }
  NamedValues diagnosis(const ColumnMajor<double>& codes) const;
  /// The epoch that is kept: of those that reconstruct held-out samples within 2% of the best one,
  /// the one whose codes are nearest to the prior [ADV-14].
  static constexpr double selection_tolerance() { return 0.02; }
  template <class Report>
  static Selection selection(const Report& report) {
    const double mmd = report.diagnostics.get("mmd");
    return {report.term("nll"), std::isnan(mmd) ? 0 : mmd};  // one sample has no MMD
  }
  /// What its numbers say of a discriminator that is of no use, if it is.
  template <class Report>
  static std::vector<std::string> remarks(const Report& report) {
    const double accuracy = report.term("accuracy"), mmd = report.diagnostics.get("mmd");
    if (!(mmd > 0.02) || (accuracy > 0.55 && accuracy < 0.9)) return {};
    std::ostringstream text;
    text << "codes and prior differ (MMD " << mmd << ") ";
    if (accuracy >= 0.9)
      text
          << "and the discriminator has won (accuracy " << accuracy
          << "): the encoder no longer deceives it; a lower learning rate of the discriminator, or "
             "a smaller one, may help";
    else
      text << "although the discriminator is right no more often than chance (accuracy " << accuracy
           << "): it has learned nothing; a higher learning rate of the discriminator, or a larger "
              "one, may help";
    return {text.str()};
  }

  // ---- the mathematics: one batch, views, a caller-owned workspace ------------------------------

 private:
  struct Codes {
    typename Net<B>::Cache encoder;
    typename AnyLatent<B>::Cache latent;
    View<B> h;  ///< the encoder's head
    View<B> z;  ///< J x N
  };
  Codes codes(const Pass<B>& pass, const Batch<B>& batch) const;
  void codes_backward(const Pass<B>& pass, const Codes& c, ConstView<B> dz) const;

 public:
  using OneShot<Aae<B>, B>::reconstruct;  // of samples: the phase has the same name
  /// First phase: encoder and decoder learn to reconstruct.
  void reconstruct(const Pass<B>& pass, const Batch<B>& batch, View<B> terms) const;
  /// Second phase: the discriminator learns to tell codes from draws of the prior. Nothing reaches
  /// the encoder.
  void discriminate(const Pass<B>& pass, const Batch<B>& batch, View<B> terms) const;
  /// Third phase: the encoder learns to make codes that the discriminator, which is frozen, takes
  /// for draws of the prior.
  void confuse(const Pass<B>& pass, const Batch<B>& batch, View<B> terms) const;

  /// Writes the terms of every sample (5 x N) without gradients, and the codes where they are
  /// wanted.
  void values(const Pass<B>& pass, const Batch<B>& batch, View<B> terms,
              const LatentStatistics<B>& statistics = {}) const;

  /// Writes the codes of a batch without noise into `mean`, and the log variance of a Gaussian
  /// latent into `logvar` (J x N each); a view that is absent is not written.
  void posterior(const Pass<B>& pass, const Batch<B>& batch, View<B> mean, View<B> logvar) const;
  /// The decoder's output for codes z (J x N), from which the likelihood makes means and draws.
  View<B> output(const Pass<B>& pass, ConstView<B> z, ConstView<B> condition) const;
  /// Draws z (J x N) from the prior [ADV-2].
  void from_prior(const Pass<B>& pass, ConstView<B> condition, View<B> z) const;

 private:
  /// Rows of the terms, which are also the places of their weights.
  static constexpr Index kNll = 0, kReal = 1, kFake = 2, kFooled = 3, kAccuracy = 4;

  static View<B> like(const Pass<B>& pass, View<B> m) { return pass.matrix(m.rows, m.cols); }

  /// What the discriminator says of codes z, to be compared with "fake" (0) or "real" (1).
  struct Judgement {
    typename Net<B>::Cache cache;
    View<B> logit;   ///< 1 x N
    Batch<B> label;  ///< 1 x N, as a target
  };
  Judgement look(Pass<B>& pass, Index term, ConstView<B> z) const {
    pass.key.draw = static_cast<std::uint16_t>(term);  // dropout masks of its own
    Judgement j;
    j.logit = discriminator_.forward(pass, z, j.cache);
    const View<B> label = like(pass, j.logit);
    pass.backend.fill(label, Scalar(term == kFake ? 0 : 1));
    j.label.input = label;
    return j;
  }
  /// Writes what it costs the discriminator, or the deceiver, per sample; then the discriminator's
  /// gradients, and dz where it is wanted.
  View<B> judge(Pass<B> pass, const Batch<B>& batch, Index term, ConstView<B> z, View<B> cost,
                View<B> dz) const {
    const Judgement j = look(pass, term, z);
    const View<B> dlogit = like(pass, j.logit);
    bernoulli_.value_and_gradient(pass, seed(pass, batch, term), j.logit, j.label, cost, dlogit);
    discriminator_.backward(pass, j.cache, dlogit, dz);  // [ADV-8]
    return j.logit;
  }
  View<B> judge(Pass<B> pass, Index term, ConstView<B> z, View<B> cost) const {
    const Judgement j = look(pass, term, z);
    bernoulli_.value(pass, j.logit, j.label, cost);
    return j.logit;
  }
  void accuracy(const Pass<B>& pass, View<B> real_logit, View<B> fake_logit, View<B> terms) const {
    pass.backend.for_each(DiscriminatorAccuracy{}, in<B>(real_logit, fake_logit),
                          out<B>(terms.row(kAccuracy)));  // [ADV-10]
  }
  /// What each sample's term weighs in its player's loss (1 x N).
  View<B> seed(const Pass<B>& pass, const Batch<B>& batch, Index term) const {
    const View<B> plain = pass.matrix(1, batch.input.cols), w = like(pass, plain);
    pass.backend.for_each(
        SampleSeed{},
        in<B>(either<B>(batch.sample_weights, 1), scalar_at<B>(pass.scalars.inverse_samples),
              scalar_at<B>(pass.scalars.weights + term)),
        out<B>(plain, w));
    return w;
  }

  B backend_;
  AaeSpec spec_;
  AnyLikelihood likelihood_;
  PerElement<BernoulliLogits> bernoulli_;  ///< of the discriminator: real or not
  Net<B> encoder_, decoder_, discriminator_;
  AnyLatent<B> latent_;
  SampledPrior<B> prior_;
  Params<B> params_;
  InputUnits<B> input_;
};

template <class B>
Aae<B>::Aae(AaeSpec spec, B backend)
    : backend_(backend),
      spec_(checked(std::move(spec))),
      likelihood_(spec_.autoencoder.likelihood) {
  const VaeSpec& own = spec_.autoencoder;
  ParamLayout layout;
  auto parts =
      build_parts<Net<B>, AnyLatent<B>>(layout, spec_, likelihood_.output_rows(own.input_dim));
  encoder_ = std::move(parts.encoder);
  decoder_ = std::move(parts.decoder);
  latent_ = std::move(parts.latent);
  discriminator_ = std::move(parts.discriminator);
  prior_ = SampledPrior<B>(backend_, layout, spec_.prior, latent_.z_rows());
  params_ = Params<B>(std::move(layout));
  initialize(backend_, own.init, own.seed, params_);
  input_ = InputUnits<B>(backend_, own.transform, own.input_dim);
}

template <class B>
LONGHAND_ONCE NamedValues Aae<B>::diagnosis(const ColumnMajor<double>& codes) const {
  return prior_fit(codes, prior_.mixture());
}

template <class B>
LONGHAND_ONCE auto Aae<B>::codes(const Pass<B>& pass, const Batch<B>& batch) const -> Codes {
  check_batch(batch, input_dim());
  Codes c;
  c.h = encoder_.forward(pass, batch.input, c.encoder);
  c.z = pass.matrix(z_rows(), c.h.cols);
  latent_.forward(pass, c.h, {}, c.z, c.latent);  // [ADV-1]
  return c;
}

template <class B>
LONGHAND_ONCE void Aae<B>::codes_backward(const Pass<B>& pass, const Codes& c,
                                          ConstView<B> dz) const {
  const View<B> dh = pass.matrix(c.h.rows, c.h.cols);
  latent_.backward(pass, c.latent, {}, dz, dh, {});
  encoder_.backward(pass, c.encoder, dh, {});
}

template <class B>
LONGHAND_ONCE void Aae<B>::reconstruct(const Pass<B>& pass, const Batch<B>& batch,
                                       View<B> terms) const {
  const Codes c = codes(pass, batch);
  typename Net<B>::Cache cache;
  const View<B> output = decoder_.forward(pass, c.z, cache);
  const View<B> doutput = pass.matrix(output.rows, output.cols), dz = like(pass, c.z);
  likelihood_.value_and_gradient(pass, seed(pass, batch, kNll), output, batch, terms.row(kNll),
                                 doutput);      // [ADV-3]
  decoder_.backward(pass, cache, doutput, dz);  // [ADV-7]
  codes_backward(pass, c, dz);                  // [ADV-7]
}

template <class B>
LONGHAND_ONCE void Aae<B>::discriminate(const Pass<B>& pass, const Batch<B>& batch,
                                        View<B> terms) const {
  const Codes c = codes(pass, batch);
  const View<B> real = like(pass, c.z);
  prior_.draw(pass, real);                                                           // [ADV-2]
  const View<B> real_logit = judge(pass, batch, kReal, real, terms.row(kReal), {});  // [ADV-4]
  const View<B> fake_logit = judge(pass, batch, kFake, c.z, terms.row(kFake), {});   // [ADV-5]
  accuracy(pass, real_logit, fake_logit, terms);
}

template <class B>
LONGHAND_ONCE void Aae<B>::confuse(const Pass<B>& pass, const Batch<B>& batch,
                                   View<B> terms) const {
  const Codes c = codes(pass, batch);
  const View<B> dz = like(pass, c.z);
  judge(pass.frozen(), batch, kFooled, c.z, terms.row(kFooled), dz);  // [ADV-6] [ADV-9]
  codes_backward(pass, c, dz);                                        // [ADV-9]
}

template <class B>
LONGHAND_ONCE void Aae<B>::values(const Pass<B>& pass, const Batch<B>& batch, View<B> terms,
                                  const LatentStatistics<B>& statistics) const {
  const Codes c = codes(pass, batch);
  likelihood_.value(pass, output(pass, c.z, {}), batch, terms.row(kNll));
  const View<B> real = like(pass, c.z);
  prior_.draw(pass, real);
  const View<B> real_logit = judge(pass, kReal, real, terms.row(kReal)),
                fake_logit = judge(pass, kFake, c.z, terms.row(kFake));
  judge(pass, kFooled, c.z, terms.row(kFooled));
  accuracy(pass, real_logit, fake_logit, terms);
  if (statistics.codes.present()) pass.backend.copy(c.z, statistics.codes);
}

template <class B>
LONGHAND_ONCE void Aae<B>::posterior(const Pass<B>& pass, const Batch<B>& batch, View<B> mean,
                                     View<B> logvar) const {
  typename Net<B>::Cache cache;
  latent_.mean(pass, encoder_.forward(pass, batch.input, cache), mean, logvar);
}

template <class B>
LONGHAND_ONCE View<B> Aae<B>::output(const Pass<B>& pass, ConstView<B> z,
                                     ConstView<B> /*condition*/) const {
  typename Net<B>::Cache cache;
  return decoder_.forward(pass, z, cache);
}

template <class B>
LONGHAND_ONCE void Aae<B>::from_prior(const Pass<B>& pass, ConstView<B> /*condition*/,
                                      View<B> z) const {
  prior_.draw(pass, z);
}

}  // namespace longhand
