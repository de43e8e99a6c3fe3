// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <numeric>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "longhand/core/columns.hpp"
#include "longhand/core/samples.hpp"
#include "longhand/divergence/gaussian_kl.hpp"
#include "longhand/latent/any.hpp"
#include "longhand/layers/mlp.hpp"
#include "longhand/math/sample_seed.hpp"
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

/// The noise of an inference call: that of rows [first_row, first_row + N) under a seed. Several
/// calls that together cover some rows see the noise that one call for all of them would see.
struct Noise {
  std::uint64_t seed = 0;
  Index first_sample = 0;
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
  explicit Vae(VaeConfig config, B backend = B()) requires std::is_same_v<Likelihood, AnyLikelihood>
      : Vae(config, config.likelihood, backend) {}
  /// With a likelihood of its own (config.likelihood is replaced, or ignored if the type is yours).
  Vae(VaeConfig config, Likelihood likelihood, B backend = B())
      : Vae(config, std::move(likelihood), latent_of(config), backend) {}
  Vae(VaeConfig config, Likelihood likelihood, Latent latent, B backend)
      : backend_(backend),
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
    initialize(backend_, config_.init, config_.seed, params_);
    set_transform(config_.transform);
  }

  const B& backend() const { return backend_; }
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
      backend_.upload(all.data(), buffer.column());
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
    pass.backend.for_each(
        SampleSeed{},
        in<B>(either<B>(batch.sample_weights, 1), scalar_at<B>(&pass.scalars->inverse_samples),
              scalar_at<B>(&pass.scalars->beta)),
        out<B>(w_nll, w_kl));  // [ELBO-2] [ELBO-3]

    const View<B> doutput = pass.matrix(s.output.rows, n);
    likelihood_.template value_and_gradient<B>(pass, per_sample(w_nll), s.output, batch,
                                               s.terms.nll, doutput);  // [ELBO-1]
    const View<B> dzc = pass.matrix(s.zc.rows, n);
    decoder_.backward(pass, s.decoder, doutput, dzc);
    const View<B> dz = dzc.middle_rows(0, config_.latent_dim);  // [ELBO-4]

    const View<B> dh = pass.matrix(s.h.rows, n);
    const View<B> dprior = prior_.learned() ? pass.matrix(s.h.rows, n) : View<B>{};
    const auto kl = [&](const auto& next) {
      divergence_.value_and_gradient(pass, s.terms.q, s.terms.p, per_sample(w_kl), s.terms.kl, dh,
                                     dprior, next);  // [ELBO-1]
    };
    if (const GaussianLatent* latent = gaussian()) {
      kl(latent->template backward_sweep<B>(s.terms.q, dz, dh));  // [ELBO-4], in the same sweep
    } else {
      if (latent_.has_divergence()) kl(Nothing{});
      latent_.template backward<B>(pass, s.terms.q, dz, dh);  // [ELBO-4]
    }
    prior_.backward(pass, s.prior, dprior);
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

  /// The posterior mean of a batch (L x N) and its log variance, each if it is present.
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

  // ---- inference in the caller's memory ---------------------------------------------------------
  //
  // Views of samples in the user's units, one per column, in backend memory: columns_of() and
  // rows_of() make them of Eigen matrices. Inputs are read and results written where they are;
  // nothing is allocated once a workspace has served the same call with as many samples. Const and
  // re-entrant: one workspace per thread. A workspace is left as it was found, so that inputs and
  // results may lie in it. Results must not overlap inputs. Wrong shapes throw
  // std::invalid_argument naming the argument. `condition` (C x N) is there if the model has one.

  /// z (L x N) = posterior means of x (D x N). No noise.
  void encode(ConstView<B> x, View<B> z, Workspace<B>& workspace,
              ConstView<B> condition = {}) const {
    check_samples("encode", "x", x, config_.input_dim, x.cols);
    check_samples("encode", "z", z, config_.latent_dim, x.cols);
    check_condition("encode", condition, x.cols);
    by_runs(x.cols, workspace, [&](const Pass<B>& pass, Run run) {
      encode(pass, run_of(pass, run, x, condition), run.of(z), {});
    });
  }

  /// logvar (L x N) = log variances of q(z given x), beside encode(). Throws for an autoencoder.
  void encode_logvar(ConstView<B> x, View<B> logvar, Workspace<B>& workspace,
                     ConstView<B> condition = {}) const {
    require(latent_.has_divergence(), "an autoencoder has no posterior variance");
    check_samples("encode_logvar", "x", x, config_.input_dim, x.cols);
    check_samples("encode_logvar", "logvar", logvar, config_.latent_dim, x.cols);
    check_condition("encode_logvar", condition, x.cols);
    by_runs(x.cols, workspace, [&](const Pass<B>& pass, Run run) {
      encode(pass, run_of(pass, run, x, condition), {}, run.of(logvar));
    });
  }

  /// x (D x N) = E[x given z] for latents z (L x N).
  void decode(ConstView<B> z, View<B> x, Workspace<B>& workspace,
              ConstView<B> condition = {}) const {
    check_samples("decode", "z", z, config_.latent_dim, z.cols);
    check_samples("decode", "x", x, config_.input_dim, z.cols);
    check_condition("decode", condition, z.cols);
    by_runs(z.cols, workspace, [&](const Pass<B>& pass, Run run) {
      mean(pass, run.of(z), run.of(condition), run.of(x));
    });
  }

  /// reconstruction (D x N) = decode(encode(x)).
  void reconstruct(ConstView<B> x, View<B> reconstruction, Workspace<B>& workspace,
                   ConstView<B> condition = {}) const {
    check_samples("reconstruct", "x", x, config_.input_dim, x.cols);
    check_samples("reconstruct", "reconstruction", reconstruction, config_.input_dim, x.cols);
    check_condition("reconstruct", condition, x.cols);
    by_runs(x.cols, workspace, [&](const Pass<B>& pass, Run run) {
      const View<B> z = pass.matrix(config_.latent_dim, run.count);
      encode(pass, run_of(pass, run, x, condition), z, {});
      mean(pass, z, run.of(condition), run.of(reconstruction));
    });
  }

  /// x (D x N) = draws from the model: z from the prior, then the mean of p(x given z), or with
  /// `draw` a draw from it. Column j depends on (seed, first_row + j) alone. Throws for an
  /// autoencoder.
  void sample(View<B> x, Workspace<B>& workspace, Noise noise = {}, ConstView<B> condition = {},
              bool draw = false) const {
    require(latent_.has_divergence(),
            "an autoencoder has no prior over its latents: it cannot be sampled");
    check_samples("sample", "x", x, config_.input_dim, x.cols);
    check_condition("sample", condition, x.cols);
    by_runs(x.cols, workspace, [&](Pass<B> pass, Run run) {
      pass.key = {.seed = noise.seed, .step = 0, .stream = Stream::draw, .draw = 0};
      pass.sample_ids = sample_ids(pass, noise.first_sample + run.first, run.count);
      const ConstView<B> c = run.of(condition);
      const View<B> z = pass.matrix(config_.latent_dim, run.count);
      pass.backend.fill_normal(pass.key, pass.sample_ids, z);
      typename Prior<B>::Cache cache;
      const PriorMoments<B> p = prior_.forward(pass, c, cache);
      if (p.mu.present())
        pass.backend.for_each(ShiftAndScale{}, in<B>(p.mu, p.logvar, z), out<B>(z));
      if (!draw) return mean(pass, z, c, run.of(x));
      likelihood_.template draw<B>(pass, decode(pass, z, c), run.of(x));
      to_user_units(run.of(x));
    });
  }

  /// Per row the log-likelihood term E log p(x given z), averaged over `draws` draws of z, and the
  /// KL, in nats; both on the host, one number per column of x (D x N). The noise of column j
  /// depends on (seed, first_row + j) alone. mask (D x N): 1 = observed, 0 = missing. The KL of an
  /// autoencoder is 0.
  void score(ConstView<B> x, Eigen::Ref<Eigen::VectorXd> log_likelihood_term,
             Eigen::Ref<Eigen::VectorXd> kl, Workspace<B>& workspace, ConstView<B> condition = {},
             int draws = 1, Noise noise = {}, ConstView<B> mask = {}) const {
    check_count("score", "log_likelihood_term", log_likelihood_term.size(), x.cols);
    check_count("score", "kl", kl.size(), x.cols);
    each_score("score", x, workspace, condition, draws, noise, mask,
               [&](Index j, double term, double divergence) {
                 log_likelihood_term(j) = term;
                 kl(j) = divergence;
               });
  }

  /// Per row the evidence lower bound in nats, a lower bound of log p(x); otherwise as score().
  /// Throws for an autoencoder.
  void elbo(ConstView<B> x, Eigen::Ref<Eigen::VectorXd> elbo, Workspace<B>& workspace,
            ConstView<B> condition = {}, int draws = 1, Noise noise = {},
            ConstView<B> mask = {}) const {
    require(latent_.has_divergence(), "an autoencoder has no evidence lower bound");
    check_count("elbo", "elbo", elbo.size(), x.cols);
    each_score("elbo", x, workspace, condition, draws, noise, mask,
               [&](Index j, double term, double divergence) { elbo(j) = term - divergence; });
  }

  // ---- the same calls with memory of their own --------------------------------------------------

  /// Posterior means, latent_dim per sample. No noise.
  Samples<Scalar> encode(const Samples<Scalar>& x, const Samples<Scalar>& condition = {}) const {
    return result(config_.latent_dim, x.count(), [&](View<B> z, Workspace<B>& workspace) {
      encode(Here(backend_, x), z, workspace, Here(backend_, condition));
    });
  }

  /// Log variances of q(z given x), beside encode(). Throws for an autoencoder.
  Samples<Scalar> encode_logvar(const Samples<Scalar>& x,
                                const Samples<Scalar>& condition = {}) const {
    return result(config_.latent_dim, x.count(), [&](View<B> logvar, Workspace<B>& workspace) {
      encode_logvar(Here(backend_, x), logvar, workspace, Here(backend_, condition));
    });
  }

  /// E[x given z] for latents z, in the user's units.
  Samples<Scalar> decode(const Samples<Scalar>& z, const Samples<Scalar>& condition = {}) const {
    return result(config_.input_dim, z.count(), [&](View<B> x, Workspace<B>& workspace) {
      decode(Here(backend_, z), x, workspace, Here(backend_, condition));
    });
  }

  /// x̂ = decode(encode(x)).
  Samples<Scalar> reconstruct(const Samples<Scalar>& x,
                              const Samples<Scalar>& condition = {}) const {
    return result(config_.input_dim, x.count(), [&](View<B> back, Workspace<B>& workspace) {
      reconstruct(Here(backend_, x), back, workspace, Here(backend_, condition));
    });
  }

  /// `count` draws from the model: z from the prior, then the mean of p(x given z), or with
  /// `draw` a draw from it. Depends on (seed, index) alone. With conditions, one per sample.
  Samples<Scalar> sample(Index count, std::uint64_t seed = 0, const Samples<Scalar>& condition = {},
                         bool draw = false) const {
    require(count > 0, "sample: count is ", count, ", expected at least 1");
    return result(config_.input_dim, count, [&](View<B> x, Workspace<B>& workspace) {
      sample(x, workspace, {.seed = seed}, Here(backend_, condition), draw);
    });
  }

  /// Per-row log-likelihood term and KL in nats, z drawn `draws` times per row with `seed`.
  Scores score(const Samples<Scalar>& x, const Samples<Scalar>& condition = {}, int draws = 1,
               std::uint64_t seed = 0, const Samples<Scalar>& mask = {}) const {
    Scores scores{Eigen::VectorXd(x.count()), Eigen::VectorXd(x.count())};
    Workspace<B> workspace;
    score(Here(backend_, x), scores.log_likelihood_term, scores.kl, workspace,
          Here(backend_, condition), draws, {.seed = seed}, Here(backend_, mask));
    return scores;
  }

  /// Per-row evidence lower bound in nats: log p(x) is at least this.
  Eigen::VectorXd elbo(const Samples<Scalar>& x, const Samples<Scalar>& condition = {},
                       int draws = 1, std::uint64_t seed = 0) const {
    Eigen::VectorXd bound(x.count());
    Workspace<B> workspace;
    elbo(Here(backend_, x), bound, workspace, Here(backend_, condition), draws, {.seed = seed});
    return bound;
  }

  /// The shift and scale of ToModelUnits, for a sweep that brings data into the model's units.
  OperandOf<B> input_shift() const { return per_feature(shift_.column()); }
  OperandOf<B> input_scale() const { return per_feature(scale_.column()); }

 private:
  static constexpr Index kRun = 512;  ///< most columns an inference call takes at a time

  /// Columns [first, first + count) of an inference call.
  struct Run {
    Index first;
    Index count;
    View<B> of(View<B> m) const { return m.middle_cols(first, count); }
    ConstView<B> of(ConstView<B> m) const { return m.present() ? m.middle_cols(first, count) : m; }
  };

  /// What forward leaves for backward.
  struct State {
    typename Net::Cache encoder, decoder;
    typename Prior<B>::Cache prior;
    View<B> h;       ///< the encoder's head
    View<B> zc;      ///< (z; c)
    View<B> output;  ///< the decoder's
    LossTerms<B> terms;
  };

  /// The latent if it is longhand's own Gaussian one (not a type of yours that is based on it).
  const GaussianLatent* gaussian() const {
    if constexpr (std::is_same_v<Latent, AnyLatent>)
      return std::get_if<GaussianLatent>(&latent_.variant());
    else if constexpr (std::is_same_v<Latent, GaussianLatent>)
      return &latent_;
    else
      return nullptr;
  }

  State forward(const Pass<B>& pass, const Batch<B>& batch) const {
    const Index n = batch.input.cols;
    require_shape("batch: input", batch.input, config_.input_dim, n);
    check_optional("batch: target", batch.target, config_.input_dim, n);
    check_optional("batch: mask", batch.mask, config_.input_dim, n);
    check_optional("batch: row_weights", batch.sample_weights, 1, n);
    State s;
    s.h = encoder_.forward(pass, stacked(pass, batch.input, batch.condition), s.encoder);
    s.zc = pass.matrix(config_.latent_dim + config_.condition_dim, n);
    latent_.template sample<B>(pass, s.h, s.zc.middle_rows(0, config_.latent_dim), s.terms.q);
    if (config_.condition_dim > 0)
      pass.backend.copy(batch.condition,
                        s.zc.middle_rows(config_.latent_dim, config_.condition_dim));
    s.output = decoder_.forward(pass, s.zc, s.decoder);
    if (latent_.has_divergence()) s.terms.p = prior_.forward(pass, batch.condition, s.prior);
    s.terms.nll = pass.matrix(1, n);
    s.terms.kl = pass.matrix(1, n);
    if (!latent_.has_divergence()) pass.backend.fill(s.terms.kl, Scalar(0));
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
    pass.backend.copy(top, both.middle_rows(0, top.rows));
    pass.backend.copy(condition, both.middle_rows(top.rows, C));
    return both;
  }

  /// body(pass, run) for the columns of an inference call; between runs the workspace is as before.
  template <class Body>
  void by_runs(Index count, Workspace<B>& workspace, const Body& body) const {
    const auto runs = [&](const B& backend) {
      for (Index first = 0; first < count; first += kRun) {
        const typename Workspace<B>::Frame frame(workspace);
        const Pass<B> pass{.backend = backend, .theta = params_, .workspace = workspace};
        body(pass, Run{first, std::min(kRun, count - first)});
      }
    };
    count > kRun ? together(backend_, runs) : runs(backend_);  // a team pays from the second run on
  }

  /// A run of x and its condition, x in the model's units: where it is if it has them already.
  Batch<B> run_of(const Pass<B>& pass, Run run, ConstView<B> x, ConstView<B> condition) const {
    Batch<B> batch;
    batch.input = run.of(x);
    batch.condition = run.of(condition);
    if (config_.transform.identity()) return batch;
    const View<B> y = pass.matrix(x.rows, run.count);
    convert(ToModelUnits{}, batch.input, y);
    batch.input = y;
    return batch;
  }

  /// x = E[x given z] in the user's units.
  void mean(const Pass<B>& pass, ConstView<B> z, ConstView<B> condition, View<B> x) const {
    likelihood_.template mean<B>(pass, decode(pass, z, condition), x);
    to_user_units(x);
  }

  /// The numbers of `count` rows from `first`; absent where they are those of the columns.
  static SampleIds<B> sample_ids(const Pass<B>& pass, Index first, Index count) {
    if (first == 0) return {};
    require(first > 0 && first + count <= Index{1} << 32, "first_row: the rows are ", first, " to ",
            first + count - 1, ", expected 0 to 2^32 - 1");
    const std::span<std::uint32_t> rows = pass.workspace.template host<std::uint32_t>(count);
    std::iota(rows.begin(), rows.end(), static_cast<std::uint32_t>(first));
    const auto ids = pass.workspace.sample_ids(count);
    pass.backend.upload(rows.data(), ids);
    return ids;
  }

  /// put(j, log_likelihood_term, kl) for every column j of x.
  template <class Put>
  void each_score(const char* call, ConstView<B> x, Workspace<B>& workspace, ConstView<B> condition,
                  int draws, Noise noise, ConstView<B> mask, const Put& put) const {
    check_samples(call, "x", x, config_.input_dim, x.cols);
    check_condition(call, condition, x.cols);
    if (mask.present()) check_samples(call, "mask", mask, config_.input_dim, x.cols);
    require(draws > 0 && draws < 65536, call, ": draws is ", draws, ", expected 1 to 65535");
    by_runs(x.cols, workspace, [&](Pass<B> pass, Run run) {
      pass.sample_ids = sample_ids(pass, noise.first_sample + run.first, run.count);
      Batch<B> batch = run_of(pass, run, x, condition);
      batch.mask = run.of(mask);
      const auto term = pass.workspace.template host<double>(run.count);
      const auto kl = pass.workspace.template host<double>(run.count);
      const auto host = pass.workspace.template host<Scalar>(run.count);
      const auto add = [&](ConstView<B> values, double weight, std::span<double> sums) {
        pass.backend.download(values, host.data());
        for (std::size_t j = 0; j < sums.size(); ++j)
          sums[j] += weight * static_cast<double>(host[j]);
      };
      for (int k = 0; k < draws; ++k) {
        const typename Workspace<B>::Frame frame(workspace);
        pass.key = {.seed = noise.seed,
                    .step = 0,
                    .stream = Stream::evaluate,
                    .draw = static_cast<std::uint16_t>(k)};
        const LossTerms<B> terms = loss(pass, batch);
        add(terms.nll, -1.0 / draws, term);
        if (k == 0) add(terms.kl, 1, kl);  // needs no draw
      }
      for (std::size_t j = 0; j < term.size(); ++j)
        put(run.first + static_cast<Index>(j), term[j], kl[j]);
    });
  }

  /// Samples where the backend can read them: in place on the host, else a copy.
  class Here {
   public:
    Here(const B& backend, const Samples<Scalar>& samples) {
      if constexpr (std::is_same_v<typename B::Memory, HostMemory>) {
        view_ = samples.view();
      } else if (samples.present()) {
        copy_ = Buffer<B>(samples.dim() * samples.count());
        const View<B> all{copy_.data(), samples.dim(), samples.count(), samples.dim()};
        backend.upload(samples.view().data, all);
        view_ = all;
      }
    }
    operator ConstView<B>() const { return view_; }

   private:
    Buffer<B> copy_;
    ConstView<B> view_;
  };

  /// What call(view, workspace) leaves in a view of rows x count, on the host.
  template <class Call>
  Samples<Scalar> result(Index rows, Index count, const Call& call) const {
    typename Samples<Scalar>::Matrix numbers(rows, count);
    Workspace<B> workspace;
    if constexpr (std::is_same_v<typename B::Memory, HostMemory>) {
      call(columns_of(numbers), workspace);
    } else {
      const Buffer<B> buffer(rows * count);
      const View<B> there{buffer.data(), rows, count, rows};
      call(there, workspace);
      backend_.download(there, numbers.data());
    }
    return Samples<Scalar>(std::move(numbers));
  }

  void to_user_units(View<B> x) const {
    if (!config_.transform.identity()) convert(ToUserUnits{}, x, x);
  }
  template <class Formula>
  void convert(const Formula& units, ConstView<B> from, View<B> to) const {
    backend_.for_each(units, in<B>(from, input_shift(), input_scale()), out<B>(to));
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
  static void check_samples(const char* call, const char* name, ConstView<B> m, Index dim,
                            Index count) {
    require(m.cols > 0, call, ": ", name, " has no samples, expected at least 1");
    require(m.rows == dim && m.cols == count, call, ": ", name, " has ", m.cols, " samples of ",
            m.rows, " numbers, expected ", count, " of ", dim);
    require(m.ld >= dim, call, ": ", name, " has a leading dimension of ", m.ld,
            ", expected at least ", dim);
  }
  void check_condition(const char* call, ConstView<B> c, Index count) const {
    require(c.present() == (config_.condition_dim > 0), call, ": the model has ",
            config_.condition_dim, " condition numbers per sample, the call gives ",
            c.present() ? c.rows : 0);
    if (c.present()) check_samples(call, "condition", c, config_.condition_dim, count);
  }
  static void check_count(const char* call, const char* name, Index room, Index count) {
    require(room == count, call, ": ", name, " has room for ", room, " rows, expected ", count);
  }
  static void check_optional(const char* name, ConstView<B> m, Index rows, Index cols) {
    if (m.present()) require_shape(name, m, rows, cols);
  }

  B backend_;
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
