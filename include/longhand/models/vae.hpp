// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <array>
#include <numeric>
#include <type_traits>
#include <utility>
#include <vector>

#include "longhand/core/samples.hpp"
#include "longhand/divergence/gaussian_kl.hpp"
#include "longhand/latent/any.hpp"
#include "longhand/layers/mlp.hpp"
#include "longhand/math/row_seed.hpp"
#include "longhand/models/vae_config.hpp"
#include "longhand/prior/gaussian.hpp"

namespace longhand {

/// What a pass over a batch leaves: per row, in nats, before weights and means. Views into the
/// workspace.
template <class B>
struct LossTerms {
  View<B> nll;        ///< 1 x N, -log p(x given z)
  View<B> kl;         ///< 1 x N, KL(q || p); zeros for an autoencoder
  LatentCache<B> q;   ///< moments of q(z given x)
  PriorMoments<B> p;  ///< moments of the prior, absent for N(0, I)
};

/// Per row, in nats.
struct Scores {
  Eigen::VectorXd log_likelihood_term;  ///< E log p(x given z), averaged over the draws of z
  Eigen::VectorXd kl;
  /// The evidence lower bound, a lower bound of log p(x). (An autoencoder has none.)
  Eigen::VectorXd elbo() const { return log_likelihood_term - kl; }
};

/// Autoencoder, VAE, beta-VAE, conditional VAE: one model, one hand-written backward
/// (docs/derivations/elbo.md). Owns its architecture and its parameters; const member functions are
/// re-entrant. `Likelihood` and `Latent` default to run-time choices visited once per sweep; name
/// your own type to compile a formula in.
template <class B, class Likelihood = AnyLikelihood, class Latent = AnyLatent, class Net = Mlp<B>>
class Vae {
 public:
  using Backend = B;
  using Scalar = typename B::Scalar;
  using Vector = Eigen::Matrix<Scalar, Eigen::Dynamic, 1>;

  /// The model that `config` describes, weights initialised from config.seed. Throws
  /// std::invalid_argument naming the field that is wrong.
  explicit Vae(VaeConfig config, B on = B()) requires std::is_same_v<Likelihood, AnyLikelihood>
      : Vae(config, config.likelihood, on) {}
  /// With a likelihood of its own (config.likelihood is replaced, or ignored if the type is yours).
  Vae(VaeConfig config, Likelihood likelihood, B on = B())
      : Vae(config, std::move(likelihood), latent_of(config), on) {}
  Vae(VaeConfig config, Likelihood likelihood, Latent latent, B on)
      : on_(on),
        config_(checked(std::move(config))),
        likelihood_(std::move(likelihood)),
        latent_(std::move(latent)) {
    if constexpr (std::is_same_v<Likelihood, AnyLikelihood>) config_.likelihood = likelihood_;
    ParamLayout layout;
    const Index L = config_.latent_dim, C = config_.condition_dim;
    std::vector<std::pair<std::string, Index>> heads{{"mu", L}};
    if (latent_.head_rows() == 2 * L) heads.emplace_back("logvar", L);
    encoder_ = Net(layout, Segment::encoder, "encoder",
                   {.in = config_.input_dim + C,
                    .hidden = config_.hidden,
                    .out = latent_.head_rows(),
                    .activation = config_.activation,
                    .dropout = config_.dropout,
                    .heads = heads},
                   0);
    decoder_ = Net(layout, Segment::decoder, "decoder",
                   {.in = L + C,
                    .hidden = config_.decoder_widths(),
                    .out = likelihood_.output_rows(config_.input_dim),
                    .activation = config_.activation,
                    .dropout = config_.dropout,
                    .heads = {}},
                   1024);
    if (config_.prior == PriorKind::conditional)
      prior_ =
          Prior<B>(layout, C, config_.prior_hidden, L, config_.activation, {config_.logvar_bound});
    params_ = Params<B>(std::move(layout));
    initialize(on_, config_.init, config_.seed, params_);
    set_transform(config_.transform);
  }

  const B& on() const { return on_; }
  const VaeConfig& config() const { return config_; }
  const Params<B>& params() const { return params_; }
  const Likelihood& likelihood() const { return likelihood_; }
  const Latent& latent() const { return latent_; }
  const Net& encoder() const { return encoder_; }
  const Net& decoder() const { return decoder_; }
  bool has_divergence() const { return latent_.has_divergence(); }

  /// Replaces the input transform (the trainer's data decides it).
  void set_transform(const InputTransform& transform) {
    config_.transform = transform;
    const auto spread = [&](const std::vector<double>& v, double otherwise) {
      require(v.empty() || v.size() == 1 || v.size() == static_cast<std::size_t>(config_.input_dim),
              "input transform has ", v.size(), " entries, expected 1 or ", config_.input_dim);
      std::vector<Scalar> all(static_cast<std::size_t>(config_.input_dim));
      for (std::size_t i = 0; i < all.size(); ++i)
        all[i] = Scalar(v.empty() ? otherwise : v[v.size() == 1 ? 0 : i]);
      Buffer<B> buffer(config_.input_dim);
      on_.upload(all.data(), buffer.column());
      return buffer;
    };
    shift_ = spread(transform.shift, 0);
    scale_ = spread(transform.scale, 1);
  }

  // ---- the mathematics: one batch, views, a caller-owned workspace -----------------------------

  /// The objective of [ELBO-1] and its gradient: parameter gradients are added to pass.grads.
  /// Values per row are returned; pass.scalars gives 1/N and beta. Reads like the derivation.
  LossTerms<B> loss_and_gradient(const Pass<B>& pass, const Batch<B>& batch) const {
    State s = forward(pass, batch);
    const Index n = batch.input.cols;

    const View<B> w_nll = pass.matrix(1, n), w_kl = pass.matrix(1, n);
    pass.on.for_each(
        RowSeed{},
        in<B>(either<B>(batch.row_weights, 1), scalar_at<B>(&pass.scalars->inverse_rows),
              scalar_at<B>(&pass.scalars->beta)),
        out<B>(w_nll, w_kl));  // [ELBO-2] [ELBO-3]

    const View<B> doutput = pass.matrix(s.output.rows, n);
    likelihood_.template value_and_gradient<B>(pass, per_column(w_nll), s.output, batch,
                                               s.terms.nll, doutput);  // [ELBO-1]
    const View<B> dzc = pass.matrix(s.zc.rows, n);
    decoder_.backward(pass, s.decoder, doutput, dzc);
    const View<B> dz = dzc.middle_rows(0, config_.latent_dim);  // [ELBO-4]

    const View<B> dh = pass.matrix(s.h.rows, n);
    if (latent_.has_divergence()) {
      const View<B> dprior = prior_.learned() ? pass.matrix(s.h.rows, n) : View<B>{};
      divergence_.value_and_gradient(pass, s.terms.q, s.terms.p, per_column(w_kl), s.terms.kl, dh,
                                     dprior);  // [ELBO-1]
      prior_.backward(pass, s.prior, dprior);
    }
    latent_.template backward<B>(pass, s.terms.q, dz, dh);  // [ELBO-4]
    encoder_.backward(pass, s.encoder, dh, {});
    return s.terms;
  }

  /// The values alone.
  LossTerms<B> loss(const Pass<B>& pass, const Batch<B>& batch) const {
    State s = forward(pass, batch);
    likelihood_.template value<B>(pass, s.output, batch, s.terms.nll);
    if (latent_.has_divergence()) divergence_.value(pass, s.terms.q, s.terms.p, s.terms.kl);
    return s.terms;
  }

  /// The posterior mean of a batch (L x N) and, if `logvar` is present, its log variance.
  void encode(const Pass<B>& pass, const Batch<B>& batch, View<B> mu, View<B> logvar) const {
    typename Net::Cache cache;
    const View<B> h = encoder_.forward(pass, stacked(pass, batch.input, batch.condition), cache);
    latent_.template mean<B>(pass, h, mu, logvar);
  }

  /// The decoder's output for z (L x N): likelihood_.output_rows(D) x N.
  View<B> decode(const Pass<B>& pass, ConstView<B> z, ConstView<B> condition) const {
    typename Net::Cache cache;
    return decoder_.forward(pass, stacked(pass, z, condition), cache);
  }

  // ---- one-shot calls on Eigen data, in the user's units ----------------------------------------

  /// Posterior means, latent_dim per sample. No noise.
  Samples<Scalar> encode(const Samples<Scalar>& x, const Samples<Scalar>& condition = {}) const {
    check_data("encode: x", x, config_.input_dim, x.count());
    check_condition(condition, x.count());
    return by_chunks(x.count(), config_.latent_dim, [&](Chunk& chunk, View<B> z) {
      encode(chunk.pass(*this), chunk.batch(*this, x, condition), z, {});
    });
  }

  /// Log variances of q(z given x), beside encode(). Empty for an autoencoder.
  Samples<Scalar> encode_logvar(const Samples<Scalar>& x,
                                const Samples<Scalar>& condition = {}) const {
    require(latent_.has_divergence(), "an autoencoder has no posterior variance");
    check_data("encode_logvar: x", x, config_.input_dim, x.count());
    check_condition(condition, x.count());
    return by_chunks(x.count(), config_.latent_dim, [&](Chunk& chunk, View<B> logvar) {
      const Pass<B> pass = chunk.pass(*this);
      encode(pass, chunk.batch(*this, x, condition), pass.matrix(logvar.rows, logvar.cols), logvar);
    });
  }

  /// E[x given z] for latents z, in the user's units.
  Samples<Scalar> decode(const Samples<Scalar>& z, const Samples<Scalar>& condition = {}) const {
    check_data("decode: z", z, config_.latent_dim, z.count());
    check_condition(condition, z.count());
    return by_chunks(z.count(), config_.input_dim, [&](Chunk& chunk, View<B> x) {
      const Pass<B> pass = chunk.pass(*this);
      const View<B> output = decode(pass, chunk.columns(*this, z), chunk.columns(*this, condition));
      likelihood_.template mean<B>(pass, output, x);
      to_user_units(x);
    });
  }

  /// x̂ = decode(encode(x)).
  Samples<Scalar> reconstruct(const Samples<Scalar>& x,
                              const Samples<Scalar>& condition = {}) const {
    return decode(encode(x, condition), condition);
  }

  /// `count` draws from the model: z from the prior, then the mean of p(x given z), or with
  /// `draw` a draw from it. Depends on (seed, index) alone. With conditions, one per sample.
  Samples<Scalar> sample(Index count, std::uint64_t seed = 0, const Samples<Scalar>& condition = {},
                         bool draw = false) const {
    require(latent_.has_divergence(),
            "an autoencoder has no prior over its latents: it cannot be sampled");
    require(count > 0, "sample: count is ", count, ", expected at least 1");
    check_condition(condition, count);
    return by_chunks(count, config_.input_dim, [&](Chunk& chunk, View<B> x) {
      Pass<B> pass = chunk.pass(*this);
      pass.key = {.seed = seed, .step = 0, .stream = Stream::draw, .sample = 0};
      const ConstView<B> c = chunk.columns(*this, condition);
      const View<B> z = pass.matrix(config_.latent_dim, x.cols);
      pass.on.fill_normal(pass.key, pass.row_id, z);
      typename Prior<B>::Cache cache;
      const PriorMoments<B> p = prior_.forward(pass, c, cache);
      if (p.mu.present()) pass.on.for_each(ShiftAndScale{}, in<B>(p.mu, p.logvar, z), out<B>(z));
      const View<B> output = decode(pass, z, c);
      draw ? likelihood_.template draw<B>(pass, output, x)
           : likelihood_.template mean<B>(pass, output, x);
      to_user_units(x);
    });
  }

  /// Per-row log-likelihood term and KL in nats, z drawn `draws` times per row with `seed`.
  Scores score(const Samples<Scalar>& x, const Samples<Scalar>& condition = {}, int draws = 1,
               std::uint64_t seed = 0, const Samples<Scalar>& mask = {}) const {
    check_data("score: x", x, config_.input_dim, x.count());
    check_condition(condition, x.count());
    if (mask.present()) check_data("score: mask", mask, config_.input_dim, x.count());
    require(draws > 0 && draws < 65536, "score: draws is ", draws, ", expected 1 to 65535");
    Scores scores{Eigen::VectorXd::Zero(x.count()), Eigen::VectorXd::Zero(x.count())};
    Chunk chunk;
    std::vector<Scalar> host(static_cast<std::size_t>(kChunk));
    for (chunk.first = 0; chunk.first < x.count(); chunk.first += kChunk) {
      chunk.count = std::min(kChunk, x.count() - chunk.first);
      for (int k = 0; k < draws; ++k) {
        chunk.workspace.reset();
        Pass<B> pass = chunk.pass(*this);
        pass.key = {.seed = seed,
                    .step = 0,
                    .stream = Stream::evaluate,
                    .sample = static_cast<std::uint16_t>(k)};
        Batch<B> batch = chunk.batch(*this, x, condition);
        batch.mask = chunk.columns(*this, mask);
        const LossTerms<B> terms = loss(pass, batch);
        pass.on.download(terms.nll, host.data());
        for (Index j = 0; j < chunk.count; ++j)
          scores.log_likelihood_term(chunk.first + j) -=
              static_cast<double>(host[static_cast<std::size_t>(j)]) / draws;
        if (k > 0 || !has_divergence()) continue;
        pass.on.download(terms.kl, host.data());
        for (Index j = 0; j < chunk.count; ++j)
          scores.kl(chunk.first + j) = static_cast<double>(host[static_cast<std::size_t>(j)]);
      }
    }
    return scores;
  }

  /// Per-row evidence lower bound in nats: log p(x) is at least this.
  Eigen::VectorXd elbo(const Samples<Scalar>& x, const Samples<Scalar>& condition = {},
                       int draws = 1, std::uint64_t seed = 0) const {
    require(latent_.has_divergence(), "an autoencoder has no evidence lower bound");
    return score(x, condition, draws, seed).elbo();
  }

  /// x in the model's units, for those who call the batch functions themselves.
  void to_model_units(View<B> x) const {
    if (config_.transform.identity()) return;
    on_.for_each(ToModelUnits{}, in<B>(x, per_row(shift_.column()), per_row(scale_.column())),
                 out<B>(x));
  }

 private:
  static constexpr Index kChunk = 512;  ///< rows per pass of a one-shot call

  /// What forward leaves for backward.
  struct State {
    typename Net::Cache encoder, decoder;
    typename Prior<B>::Cache prior;
    View<B> h;       ///< the encoder's head
    View<B> zc;      ///< (z; c)
    View<B> output;  ///< the decoder's
    LossTerms<B> terms;
  };

  State forward(const Pass<B>& pass, const Batch<B>& batch) const {
    const Index n = batch.input.cols;
    require_shape("batch: input", batch.input, config_.input_dim, n);
    check_optional("batch: target", batch.target, config_.input_dim, n);
    check_optional("batch: mask", batch.mask, config_.input_dim, n);
    check_optional("batch: row_weights", batch.row_weights, 1, n);
    State s;
    s.h = encoder_.forward(pass, stacked(pass, batch.input, batch.condition), s.encoder);
    s.zc = pass.matrix(config_.latent_dim + config_.condition_dim, n);
    latent_.template sample<B>(pass, s.h, s.zc.middle_rows(0, config_.latent_dim), s.terms.q);
    if (config_.condition_dim > 0)
      pass.on.copy(batch.condition, s.zc.middle_rows(config_.latent_dim, config_.condition_dim));
    s.output = decoder_.forward(pass, s.zc, s.decoder);
    if (latent_.has_divergence()) s.terms.p = prior_.forward(pass, batch.condition, s.prior);
    s.terms.nll = pass.matrix(1, n);
    s.terms.kl = pass.matrix(1, n);
    if (!latent_.has_divergence()) pass.on.fill(s.terms.kl, Scalar(0));
    return s;
  }

  /// (top; condition), or `top` itself where there is no condition.
  ConstView<B> stacked(const Pass<B>& pass, ConstView<B> top, ConstView<B> condition) const {
    const Index C = config_.condition_dim;
    check_optional("batch: condition", condition, C, top.cols);
    require(C == 0 || condition.present(), "the model has ", C,
            " condition rows, but the batch has no condition");
    if (C == 0) return top;
    const View<B> both = pass.matrix(top.rows + C, top.cols);
    pass.on.copy(top, both.middle_rows(0, top.rows));
    pass.on.copy(condition, both.middle_rows(top.rows, C));
    return both;
  }

  /// A run of columns of a one-shot call, with its own workspace.
  struct Chunk {
    Index first = 0;
    Index count = 0;
    Workspace<B> workspace;
    Buffer<B, std::uint32_t> ids{kChunk};

    Pass<B> pass(const Vae& vae) {
      std::array<std::uint32_t, kChunk> rows;
      std::iota(rows.begin(), rows.end(), static_cast<std::uint32_t>(first));
      const MatrixView<std::uint32_t, typename B::Memory> row_id{ids.data(), 1, count, 1};
      vae.on_.upload(rows.data(), row_id);
      return {.on = vae.on_, .theta = vae.params_, .workspace = workspace, .row_id = row_id};
    }
    /// The chunk's columns of `samples` in backend memory; absent if the samples are.
    View<B> columns(const Vae& vae, const Samples<Scalar>& samples) {
      if (!samples.present()) return {};
      const View<B> x = workspace.matrix(samples.dim(), count);
      vae.on_.upload(samples.view().data + first * samples.view().ld, x);
      return x;
    }
    Batch<B> batch(const Vae& vae, const Samples<Scalar>& x, const Samples<Scalar>& condition) {
      const View<B> input = columns(vae, x);
      vae.to_model_units(input);
      return {.input = input,
              .target = {},
              .condition = columns(vae, condition),
              .mask = {},
              .row_weights = {}};
    }
  };

  template <class Body>
  Samples<Scalar> by_chunks(Index count, Index rows, const Body& body) const {
    typename Samples<Scalar>::Matrix result(rows, count);
    Chunk chunk;
    for (chunk.first = 0; chunk.first < count; chunk.first += kChunk) {
      chunk.count = std::min(kChunk, count - chunk.first);
      chunk.workspace.reset();
      const View<B> y = chunk.workspace.matrix(rows, chunk.count);
      body(chunk, y);
      on_.download(y, result.data() + chunk.first * rows);
    }
    return Samples<Scalar>(std::move(result));
  }

  void to_user_units(View<B> x) const {
    if (config_.transform.identity()) return;
    on_.for_each(ToUserUnits{}, in<B>(x, per_row(shift_.column()), per_row(scale_.column())),
                 out<B>(x));
  }

  static VaeConfig checked(VaeConfig c) {
    const auto positive = [](const char* name, Index v) {
      require(v > 0, name, " is ", v, ", expected at least 1");
    };
    positive("input_dim", c.input_dim);
    positive("latent_dim", c.latent_dim);
    for (const Index width : c.hidden) positive("hidden", width);
    for (const Index width : c.decoder_widths()) positive("decoder_hidden", width);
    for (const Index width : c.prior_hidden) positive("prior_hidden", width);
    require(c.condition_dim >= 0, "condition_dim is ", c.condition_dim, ", expected 0 or more");
    require(c.logvar_bound > 0, "logvar_bound is ", c.logvar_bound,
            ", expected a positive number or infinity");
    require(c.prior == PriorKind::standard_normal || c.condition_dim > 0,
            "a conditional prior needs condition_dim > 0");
    require(c.prior == PriorKind::standard_normal || c.latent == LatentKind::gaussian,
            "a conditional prior needs a Gaussian latent");
    return c;
  }
  static Latent latent_of(const VaeConfig& c) {
    if constexpr (std::is_same_v<Latent, AnyLatent>) {
      if (c.latent == LatentKind::deterministic) return DeterministicLatent{c.latent_dim};
      return GaussianLatent{c.latent_dim, {c.logvar_bound}};
    } else {
      return Latent{c.latent_dim};
    }
  }
  static void check_data(const char* name, const Samples<Scalar>& x, Index dim, Index count) {
    require(x.present() && x.count() > 0, name, " has no samples, expected at least 1");
    require(x.dim() == dim && x.count() == count, name, " has ", x.count(), " samples of ", x.dim(),
            " numbers, expected ", count, " of ", dim);
  }
  void check_condition(const Samples<Scalar>& c, Index count) const {
    require(c.present() == (config_.condition_dim > 0), "the model has ", config_.condition_dim,
            " condition numbers per sample, the call gives ", c.present() ? c.dim() : 0);
    if (c.present()) check_data("condition", c, config_.condition_dim, count);
  }
  static void check_optional(const char* name, ConstView<B> m, Index rows, Index cols) {
    if (m.present()) require_shape(name, m, rows, cols);
  }

  B on_;
  VaeConfig config_;
  Likelihood likelihood_;
  Latent latent_;
  Net encoder_;
  Net decoder_;
  Prior<B> prior_;
  GaussianKl divergence_;
  Params<B> params_;
  Buffer<B> shift_, scale_;
};

}  // namespace longhand
