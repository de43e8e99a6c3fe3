// SPDX-License-Identifier: MIT
// Whole models against plain loops in long double that share nothing with the library but its
// parameters and its noise: what a gradient check cannot see, because a wrong forward pass has a
// right gradient too.
#include <doctest/doctest.h>

#include <cmath>
#include <numbers>
#include <random>
#include <vector>

#include "longhand/backend/reference.hpp"
#include "longhand/models/vae.hpp"
#include "support/models.hpp"

namespace {

using namespace longhand;
using B = Reference<double>;
using Real = long double;
using Numbers = std::vector<Real>;

constexpr Index kInput = 3, kLatent = 2, kHidden = 4, kPriorHidden = 5;
constexpr double kVariance = 0.3, kBeta = 0.7;

/// W x + b, layer after layer, tanh between them; a layer's weight is block `first`, its bias the
/// next one.
Numbers net(const Vae<B>& model, std::uint32_t first, int layers, Numbers x) {
  for (int l = 0; l < layers; ++l, first += 2) {
    const View<B> w = model.params()[static_cast<BlockId>(first)];
    const View<B> b = model.params()[static_cast<BlockId>(first + 1)];
    Numbers y;
    for (Index o = 0; o < w.cols; ++o) {
      Real sum = b(0, o);
      for (Index i = 0; i < w.rows; ++i) sum += w(i, o) * x[static_cast<std::size_t>(i)];
      y.push_back(l + 1 < layers ? std::tanh(sum) : sum);
    }
    x = y;
  }
  return x;
}

Numbers joined(Numbers a, const Numbers& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// mu, then log variances under the bound of 15.
struct Moments {
  Numbers mu, logvar;
  explicit Moments(const Numbers& head) {
    for (std::size_t i = 0; i < head.size() / 2; ++i) {
      mu.push_back(head[i]);
      logvar.push_back(15 * std::tanh(head[head.size() / 2 + i] / 15));
    }
  }
  Numbers draw(const Numbers& eps) const {
    Numbers z;
    for (std::size_t i = 0; i < mu.size(); ++i)
      z.push_back(mu[i] + std::exp(logvar[i] / 2) * eps[i]);
    return z;
  }
  Real kl_to(const Moments& p) const {
    Real sum = 0;
    for (std::size_t i = 0; i < mu.size(); ++i) {
      const Real d = logvar[i] - p.logvar[i], delta = mu[i] - p.mu[i];
      sum += (std::exp(d) - 1 - d + delta * delta / std::exp(p.logvar[i])) / 2;
    }
    return sum;
  }
};

/// A conditional VAE with a learned prior, and what it must compute.
struct Conditional {
  Vae<B> model;
  explicit Conditional(Index condition_dim)
      : model({.input_dim = kInput,
               .hidden = mlp({kHidden}, Tanh{}),
               .latent_dim = kLatent,
               .latent = GaussianLatentSpec{.prior = ConditionalPrior{mlp({kPriorHidden}, Tanh{})}},
               .likelihood = Gaussian{.variance = kVariance},
               .condition_dim = condition_dim,
               .init = Init::he,
               .seed = 4}) {}

  Moments posterior(const Numbers& x, const Numbers& c) const {
    return Moments(net(model, 0, 2, joined(x, c)));
  }
  Numbers decoded(const Numbers& z, const Numbers& c) const {
    return net(model, 4, 2, joined(z, c));
  }
  Moments prior(const Numbers& c) const { return Moments(net(model, 8, 2, c)); }
  static Real nll(const Numbers& m, const Numbers& t, const Numbers& mask) {
    Real sum = 0;
    for (std::size_t i = 0; i < m.size(); ++i)
      if (mask[i] > 0)
        sum += (m[i] - t[i]) * (m[i] - t[i]) / (2 * Real(kVariance)) +
               std::log(2 * std::numbers::pi_v<Real> * Real(kVariance)) / 2;
    return sum;
  }
};

/// rows x n random numbers of [-1, 1], column after column.
std::vector<double> random_numbers(unsigned seed, Index rows, Index n) {
  std::mt19937_64 random(seed);
  std::vector<double> all(static_cast<std::size_t>(rows * n));
  for (double& v : all) v = static_cast<double>(random() >> 11) * 0x1p-52 - 1;
  return all;
}
Numbers column(const std::vector<double>& all, Index rows, Index j) {
  return Numbers(all.begin() + j * rows, all.begin() + (j + 1) * rows);
}
Numbers column(ConstView<B> m, Index j) {
  Numbers all;
  for (Index i = 0; i < m.rows; ++i) all.push_back(m(i, j));
  return all;
}
/// The first `rows` numbers of every `ld`.
ConstView<B> view(const std::vector<double>& all, Index rows, Index ld) {
  return {all.data(), rows, static_cast<Index>(all.size()) / ld, ld};
}
ConstView<B> view(const std::vector<double>& all, Index rows) { return view(all, rows, rows); }

/// The largest difference so far; NaN is infinite.
struct Worst {
  Real error = 0;
  void see(Real got, Real want) {
    const Real e = std::fabs(got - want);
    if (!(e <= error)) error = std::isnan(e) ? HUGE_VALL : e;
  }
  void see(const Numbers& got, const Numbers& want) {
    REQUIRE(got.size() == want.size());
    for (std::size_t i = 0; i < got.size(); ++i) see(got[i], want[i]);
  }
};
/// All numbers of these models are below 16, and no sum has more than 16 terms.
constexpr Real kRounding = 4096 * std::numeric_limits<double>::epsilon();

/// The noise of a row, as the documentation of the noise defines it.
Numbers normal(const NoiseKey& key, Index row, Index n) {
  std::vector<double> eps(static_cast<std::size_t>(n));
  normal_column(key, row, n, eps.data());
  return Numbers(eps.begin(), eps.end());
}

/// A training pass whose workspace is full of NaN.
template <class Model>
Pass<B> pass_of(const Model& model, Workspace<B>& workspace, Grads<B>* grads,
                const HostScalars<double>& scalars) {
  workspace.reset();
  model.backend().fill(workspace.matrix(1000, 1), std::numeric_limits<double>::quiet_NaN());
  workspace.reset();
  return {.backend = model.backend(),
          .theta = model.params(),
          .grads = grads,
          .workspace = workspace,
          .key = {.seed = 5, .step = 3, .stream = Stream::latent, .draw = 0},
          .sample_ids = {},
          .mode = Mode::train,
          .scalars = scalars.view()};
}

}  // namespace

TEST_CASE(
    "by hand: values of a conditional model, sample by sample [ELBO-1] [ELBO-4] [ELBO-6] [ELBO-7] "
    "[KL-4] [REP-2]") {
  for (const Index condition_dim : {1, 2})
    for (const bool with_gradient : {false, true}) {
      CAPTURE(condition_dim);
      CAPTURE(with_gradient);
      const Conditional by_hand(condition_dim);
      const Index n = 4, ld = kInput + 1;  // the inputs' columns lie apart
      const std::vector<double> x = random_numbers(1, ld, n), t = random_numbers(2, kInput, n),
                                c = random_numbers(3, condition_dim, n);
      std::vector<double> mask(t.size(), 1);
      mask[2] = mask[3] = mask[7] = 0;
      Workspace<B> workspace;
      const HostScalars<double> scalars{.inverse_samples = 0.25, .schedules = {kBeta}};
      Grads<B> grads(by_hand.model.params().layout());
      const Batch<B> batch{.input = view(x, kInput, ld),
                           .target = view(t, kInput),
                           .condition = view(c, condition_dim),
                           .mask = view(mask, kInput),
                           .sample_weights = {}};
      const Pass<B> pass = pass_of(by_hand.model, workspace, &grads, scalars);
      const View<B> terms = pass.matrix(2, n), mu = pass.matrix(kLatent, n),
                    logvar = pass.matrix(kLatent, n);
      if (with_gradient)
        by_hand.model.loss_and_gradient(pass, batch, terms);
      else
        by_hand.model.values(pass, batch, terms);
      by_hand.model.posterior(pass, batch, mu, logvar);
      Worst worst;
      for (Index j = 0; j < n; ++j) {
        const Numbers cj = column(c, condition_dim, j);
        const Moments q = by_hand.posterior(column(batch.input, j), cj), p = by_hand.prior(cj);
        const Numbers z = q.draw(normal(pass.key, j, kLatent));
        const Real nll =
            Conditional::nll(by_hand.decoded(z, cj), column(t, kInput, j), column(mask, kInput, j));
        worst.see(terms(0, j), nll);
        worst.see(terms(1, j), q.kl_to(p));
        worst.see(column(mu, j), q.mu);
        worst.see(column(logvar, j), q.logvar);
      }
      CHECK_FALSE(!(worst.error <= kRounding));
    }
}

TEST_CASE(
    "by hand: the gradient of an autoencoder [ELBO-2] [ELBO-8] [ELBO-9] [REP-6] [REP-7] [GAU-2] "
    "[DEN-2]") {
  // No hidden layer: z = W x + b, m = V z + d, L = sum_j w_j |m_j - x_j|^2 / (2 v n) + const.
  const Vae<B> model({.input_dim = kInput,
                      .hidden = {},
                      .latent_dim = kLatent,
                      .latent = CodeSpec{},
                      .likelihood = Gaussian{.variance = kVariance},
                      .seed = 6});
  const Index n = 5;
  const std::vector<double> x = random_numbers(1, kInput, n), w{0.5, 2, 1, 0, 1.5};
  Workspace<B> workspace;
  const HostScalars<double> scalars{.inverse_samples = 0.2, .schedules = {kBeta}};
  Grads<B> grads(model.params().layout());
  const Batch<B> batch{.input = view(x, kInput),
                       .target = {},
                       .condition = {},
                       .mask = {},
                       .sample_weights = view(w, 1)};
  CHECK(model.terms().size() == 1);  // the code has no KL
  const Pass<B> pass = pass_of(model, workspace, &grads, scalars);
  const View<B> terms = pass.matrix(1, n), codes = pass.matrix(kLatent, n);
  model.loss_and_gradient(pass, batch, terms);
  model.posterior(pass, batch, codes, {});
  const View<B> V = model.params()[static_cast<BlockId>(2)];
  Real dW[kInput][kLatent] = {}, db[kLatent] = {}, dV[kLatent][kInput] = {}, dd[kInput] = {};
  Worst worst;
  for (Index j = 0; j < n; ++j) {
    const Numbers xj = column(x, kInput, j), z = net(model, 0, 1, xj), m = net(model, 2, 1, z);
    Real nll = 0;
    for (Index o = 0; o < kInput; ++o) {
      const auto k = static_cast<std::size_t>(o);
      const Real residual = m[k] - xj[k];
      const Real dm = w[static_cast<std::size_t>(j)] * residual / (Real(kVariance) * n);
      nll += residual * residual / (2 * Real(kVariance)) +
             std::log(2 * std::numbers::pi_v<Real> * Real(kVariance)) / 2;
      dd[o] += dm;
      for (Index l = 0; l < kLatent; ++l) {
        dV[l][o] += dm * z[static_cast<std::size_t>(l)];
        db[l] += dm * V(l, o);
        for (Index i = 0; i < kInput; ++i)
          dW[i][l] += dm * V(l, o) * xj[static_cast<std::size_t>(i)];
      }
    }
    worst.see(terms(0, j), nll);
    worst.see(column(codes, j), z);
  }
  const auto block = [&](std::uint32_t b) { return grads[static_cast<BlockId>(b)]; };
  for (Index l = 0; l < kLatent; ++l) {
    worst.see(block(1)(0, l), db[l]);
    for (Index i = 0; i < kInput; ++i) {
      worst.see(block(0)(i, l), dW[i][l]);
      worst.see(block(2)(l, i), dV[l][i]);
    }
  }
  for (Index o = 0; o < kInput; ++o) worst.see(block(3)(0, o), dd[o]);
  CHECK_FALSE(!(worst.error <= kRounding));
}

TEST_CASE("by hand: one-shot calls of a conditional model over three chunks [REP-1] [REP-2]") {
  const Index condition_dim = 2;
  Conditional by_hand(condition_dim);
  const InputTransform units{InputTransform::Kind::standardize, {0.5, -1, 2}, {2, 0.5, 4}};
  by_hand.model.set_transform(units);
  const auto to_model = [&](Numbers x) {
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = (x[i] - units.shift[i]) / units.scale[i];
    return x;
  };
  const auto to_user = [&](Numbers x) {
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = x[i] * units.scale[i] + units.shift[i];
    return x;
  };
  const Index n = 1030;  // a chunk has 512
  const std::vector<double> x = random_numbers(1, kInput, n),
                            c = random_numbers(3, condition_dim, n);
  std::vector<double> mask(x.size(), 1);
  for (std::size_t k = 0; k < mask.size(); k += 5) mask[k] = 0;
  const Samples<double> X = samples_in_memory(x.data(), n, kInput),
                        C = samples_in_memory(c.data(), n, condition_dim),
                        M = samples_in_memory(mask.data(), n, kInput);
  const std::uint64_t seed = 17;
  const int draws = 3;
  const Samples<double> mu = by_hand.model.encode(X, C), logvar = by_hand.model.encode_logvar(X, C),
                        back = by_hand.model.reconstruct(X, C),
                        means = by_hand.model.sample(n, {.seed = seed, .condition = C}),
                        drawn =
                            by_hand.model.sample(n, {.seed = seed, .draw = true, .condition = C});
  const Scores all = by_hand.model.score(X, {.draws = draws, .seed = seed, .condition = C}),
               observed = by_hand.model.score(
                   X, {.draws = draws, .seed = seed, .condition = C, .mask = M});
  Worst worst;
  for (Index j = 0; j < n; ++j) {
    const Numbers cj = column(c, condition_dim, j), xj = to_model(column(x, kInput, j));
    const Moments q = by_hand.posterior(xj, cj), p = by_hand.prior(cj);
    worst.see(column(mu.view(), j), q.mu);
    worst.see(column(logvar.view(), j), q.logvar);
    worst.see(column(back.view(), j), to_user(by_hand.decoded(q.mu, cj)));

    NoiseKey key{.seed = seed, .step = 0, .stream = Stream::prior, .draw = 0};
    Numbers sample = by_hand.decoded(p.draw(normal(key, j, kLatent)), cj);
    worst.see(column(means.view(), j), to_user(sample));
    key.stream = Stream::data;
    const Numbers eps = normal(key, j, kInput);
    for (std::size_t i = 0; i < sample.size(); ++i)
      sample[i] += std::sqrt(Real(kVariance)) * eps[i];
    worst.see(column(drawn.view(), j), to_user(sample));

    Real nll = 0, nll_observed = 0;
    for (int k = 0; k < draws; ++k) {
      const NoiseKey of_draw{.seed = seed,
                             .step = 0,
                             .stream = Stream::evaluate,
                             .draw = static_cast<std::uint16_t>(k)};
      const Numbers m = by_hand.decoded(q.draw(normal(of_draw, j, kLatent)), cj);
      nll += by_hand.nll(m, xj, Numbers(kInput, 1)) / draws;
      nll_observed += by_hand.nll(m, xj, column(mask, kInput, j)) / draws;
    }
    worst.see(all.log_likelihood_term(j), -nll);
    worst.see(observed.log_likelihood_term(j), -nll_observed);
    worst.see(all.kl(j), q.kl_to(p));
    worst.see(observed.kl(j), q.kl_to(p));
  }
  CHECK_FALSE(!(worst.error <= kRounding));
}

TEST_CASE("by hand: draws of pixels from a model on N(0, I) [BER-4] [NOI-2]") {
  const Vae<B> model({.input_dim = kInput,
                      .hidden = mlp({kHidden}, Tanh{}),
                      .latent_dim = kLatent,
                      .init = Init::he});
  const Index n = 40;
  const Samples<double> drawn = model.sample(n, {.seed = 3, .draw = true}),
                        means = model.sample(n, {.seed = 3});
  NoiseKey key{.seed = 3, .step = 0, .stream = Stream::prior, .draw = 0};
  Worst worst;
  int ones = 0;
  for (Index j = 0; j < n; ++j) {
    key.stream = Stream::prior;
    Numbers mean = net(model, 4, 2, normal(key, j, kLatent));
    for (Real& a : mean) a = 1 / (1 + std::exp(-a));
    worst.see(column(means.view(), j), mean);
    key.stream = Stream::data;
    std::vector<double> u(kInput);
    uniform_column(key, j, kInput, u.data());
    for (std::size_t i = 0; i < u.size(); ++i) mean[i] = u[i] < mean[i] ? 1 : 0;
    worst.see(column(drawn.view(), j), mean);
    for (const Real pixel : mean) ones += pixel > 0;
  }
  CHECK_FALSE(!(worst.error <= kRounding));
  CHECK((ones > 0 && ones < 3 * n));
}

TEST_CASE("by hand: an autoencoder's one-shot calls are its two nets [REP-6]") {
  const Vae<B> model({.input_dim = kInput,
                      .hidden = mlp({kHidden}, Tanh{}),
                      .latent_dim = kLatent,
                      .latent = CodeSpec{},
                      .likelihood = Gaussian{.variance = kVariance},
                      .seed = 6});
  const Index n = 3;
  const std::vector<double> x = random_numbers(1, kInput, n);
  const Samples<double> X = samples_in_memory(x.data(), n, kInput);
  const Samples<double> z = model.encode(X), back = model.reconstruct(X);
  const Scores scores = model.score(X);
  Worst worst;
  for (Index j = 0; j < n; ++j) {
    const Numbers h = net(model, 0, 2, column(x, kInput, j)), m = net(model, 4, 2, h);
    worst.see(column(z.view(), j), h);
    worst.see(column(back.view(), j), m);
    worst.see(scores.log_likelihood_term(j),
              -Conditional::nll(m, column(x, kInput, j), Numbers(kInput, 1)));
    worst.see(scores.kl(j), 0);
  }
  CHECK_FALSE(!(worst.error <= kRounding));
}

TEST_CASE("by hand: an input transform may give one number for all rows, or none [INP-1] [INP-2]") {
  const VaeSpec config{
      .input_dim = 2, .hidden = {}, .latent_dim = 1, .likelihood = Gaussian{.variance = 1}};
  const std::vector<double> x{1, -2};
  const Samples<double> X = samples_in_memory(x.data(), 1, 2);
  const auto check = [&](std::vector<double> shift, std::vector<double> scale, Numbers inside) {
    Vae<B> model(config);
    model.set_transform({InputTransform::Kind::unit, shift, scale});
    Worst worst;
    worst.see(column(model.encode(X).view(), 0), {net(model, 0, 1, inside)[0]});
    const std::vector<double> z{0.4};
    Numbers out = net(model, 2, 1, {0.4});
    for (Real& v : out) v = v * (scale.empty() ? 1 : scale[0]) + (shift.empty() ? 0 : shift[0]);
    worst.see(column(model.decode(samples_in_memory(z.data(), 1, 1)).view(), 0), out);
    CHECK_FALSE(!(worst.error <= kRounding));
  };
  check({0.5}, {2}, {0.25, -1.25});
  check({}, {2}, {0.5, -1});
  check({0.5}, {}, {0.5, -2.5});
}

TEST_CASE("by hand: a decoder of its own widths; widths of 0 are refused") {
  const VaeSpec spec{.input_dim = 3, .hidden = {5, 4}, .decoder_hidden = NetSpec{6}};
  const auto widths = [](const NetSpec& net) {
    std::vector<Index> all;
    for (const StageSpec& stage : net.stages) all.push_back(stage.out());
    return all;
  };
  CHECK(widths(spec.decoder_net()) == std::vector<Index>{6});
  CHECK(widths(VaeSpec{.hidden = {5, 4}}.decoder_net()) == std::vector<Index>{4, 5});
  const Vae<B> model(spec);
  const ParamLayout& layout = model.params().layout();
  CHECK(layout.blocks()[layout.segment("decoder").first_block].outputs == 6);
  CHECK(layout.segment("decoder").blocks == 4);
  CHECK_THROWS_WITH_AS(Vae<B>({.input_dim = 3, .decoder_hidden = NetSpec{0}}),
                       "longhand: decoder: a stage has width 0, expected at least 1",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(Vae<B>({.input_dim = 3,
                               .latent = GaussianLatentSpec{.prior = ConditionalPrior{mlp({0})}},
                               .condition_dim = 1}),
                       "longhand: prior: a stage has width 0, expected at least 1",
                       std::invalid_argument);
}
