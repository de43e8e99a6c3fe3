// SPDX-License-Identifier: MIT
// A gradient check cannot see a wrong loss: a loss with a wrong constant has a right gradient. Here
// values are held against mathematics that does not share a line with the library.
#include <doctest/doctest.h>

#include <Eigen/Eigenvalues>
#include <cmath>
#include <functional>
#include <numbers>
#include <vector>

#include "longhand/backend/cpu.hpp"
#include "longhand/train/trainer.hpp"
#include "models/model_support.hpp"
#include "support/models.hpp"

namespace {

using namespace longhand;
using longhand::test::Case;
using Real = long double;

/// Simpson's rule; the integrands are smooth and vanish at both ends.
Real integrate(const std::function<Real(Real)>& f, Real low, Real high, int intervals) {
  const Real h = (high - low) / intervals;
  Real sum = f(low) + f(high);
  for (int i = 1; i < intervals; ++i) sum += (i % 2 == 1 ? 4 : 2) * f(low + i * h);
  return sum * h / 3;
}

Real log_normal(Real x, Real mu, Real logvar) {
  const Real r = x - mu;
  return -0.5L * (std::log(2 * std::numbers::pi_v<Real>) + logvar + r * r * std::exp(-logvar));
}

}  // namespace

TEST_CASE("Gaussian KL against quadrature in long double [KL-1] [KL-4]") {
  struct Point {
    double mu, logvar, mu_p, logvar_p;
  };
  for (const Point& q : {Point{0.5, -0.2, 0, 0}, Point{-2, 1.5, 0, 0}, Point{0.01, 0.001, 0, 0},
                         Point{3, -6, 0, 0}, Point{0.4, -1, -0.7, 0.5}, Point{1, 2, 1.5, -1}}) {
    const Real sigma = std::exp(0.5L * static_cast<Real>(q.logvar));
    const Real expected = integrate(
        [&](Real z) {
          const Real log_q = log_normal(z, q.mu, q.logvar);
          return std::exp(log_q) * (log_q - log_normal(z, q.mu_p, q.logvar_p));
        },
        q.mu - 14 * sigma, q.mu + 14 * sigma, 4000);
    double dmu, dlogvar, dmu_p, dlogvar_p, kl;
    if (q.mu_p == 0 && q.logvar_p == 0) {
      StandardNormalKl{}(q.mu, q.logvar, 1.0, dmu, dlogvar, kl);
      CHECK(kl == doctest::Approx(static_cast<double>(expected)).epsilon(1e-11));
    }
    ConditionalKl{}(q.mu, q.logvar, q.mu_p, q.logvar_p, 1.0, dmu, dlogvar, dmu_p, dlogvar_p, kl);
    CHECK(kl == doctest::Approx(static_cast<double>(expected)).epsilon(1e-11));
  }
}

TEST_CASE("log p(x) = ELBO + KL(q || posterior), by integration over z [ELBO-1] [BER-1]") {
  using B = Reference<double>;
  Case<B> c(
      {.input_dim = 3, .hidden = mlp({4}, Tanh{}), .latent_dim = 1, .init = Init::he, .seed = 2},
      1);
  // -log p(x | z) for any z, through the model's own decoder and likelihood
  const auto nll = [&](Real z) {
    const Pass<B> pass = c.pass(nullptr);
    const View<B> latent = pass.matrix(1, 1), value = pass.matrix(1, 1);
    latent(0) = static_cast<double>(z);
    part_of(Bernoulli{}).value(pass, c.model.output(pass, latent, {}), c.batch(), value);
    return static_cast<Real>(value(0));
  };
  Real total = 0;  // over all x: p is a distribution
  for (int pixels = 0; pixels < 8; ++pixels) {
    for (int i = 0; i < 3; ++i) c.input[static_cast<std::size_t>(i)] = pixels >> i & 1;
    const Pass<B> pass = c.pass(nullptr);
    const View<B> terms = pass.matrix(2, 1), mean = pass.matrix(1, 1), bounded = pass.matrix(1, 1);
    c.model.values(pass, c.batch(), terms);
    c.model.posterior(pass, c.batch(), mean, bounded);
    const Real mu = mean(0), logvar = bounded(0), kl = terms(1, 0);
    const Real sigma = std::exp(0.5L * logvar);
    const Real p_x =
        integrate([&](Real z) { return std::exp(-nll(z) + log_normal(z, 0, 0)); }, -12, 12, 1200);
    const Real expected_nll =
        integrate([&](Real z) { return std::exp(log_normal(z, mu, logvar)) * nll(z); },
                  mu - 12 * sigma, mu + 12 * sigma, 1200);
    const Real kl_to_posterior = integrate(
        [&](Real z) {
          const Real log_q = log_normal(z, mu, logvar);
          return std::exp(log_q) * (log_q - (-nll(z) + log_normal(z, 0, 0) - std::log(p_x)));
        },
        mu - 12 * sigma, mu + 12 * sigma, 1200);
    const Real elbo = -expected_nll - kl;
    CHECK(static_cast<double>(elbo + kl_to_posterior) ==
          doctest::Approx(static_cast<double>(std::log(p_x))).epsilon(1e-10));
    CHECK(elbo <= std::log(p_x));
    total += p_x;
  }
  CHECK(static_cast<double>(total) == doctest::Approx(1).epsilon(1e-10));
}

TEST_CASE("the mean gradient over 100,000 draws is the closed form's [ELBO-1] [REP-4]") {
  // x | z ~ N(a z + b, v), z = m x + k + sigma eps: E_q nll = ((a mu + b - x)^2 + a^2 s^2)/(2 v) +
  // …
  using B = Cpu<double>;
  const double a = 1.3, b = -0.2, v = 0.4, m = 0.6, k = 0.1, p = 0.3, q = -0.5, x = 0.8, beta = 0.7;
  Vae<B> model(
      {.input_dim = 1,
       .hidden = {},
       .latent_dim = 1,
       .latent = GaussianLatentSpec{.logvar_bound = std::numeric_limits<double>::infinity()},
       .likelihood = Gaussian{.variance = v}},
      B(1));
  const auto set = [&](std::uint32_t block, std::vector<double> values) {
    model.backend().upload(values.data(), model.params()[static_cast<BlockId>(block)]);
  };
  set(0, {m, p});
  set(1, {k, q});
  set(2, {a});
  set(3, {b});
  const double mu = m * x + k, logvar = p * x + q, s2 = std::exp(logvar), r = a * mu + b - x;
  const double dmu = a * r / v + beta * mu;
  const double dlogvar = a * a * s2 / (2 * v) + beta * 0.5 * (s2 - 1);
  // in the order of the blocks: encoder weight (mu, logvar), encoder bias, decoder weight, bias
  const std::vector<double> exact{dmu * x, dlogvar * x, dmu, dlogvar, (r * mu + a * s2) / v, r / v};

  const Index rows = 500, steps = 200;  // 100,000 draws in 200 independent means
  const std::vector<double> input(static_cast<std::size_t>(rows), x);
  const HostScalars<double> scalars{.inverse_samples = 1.0 / static_cast<double>(rows),
                                    .schedules = {beta}};
  Workspace<B> workspace;
  std::vector<double> sum(6), squares(6);
  for (Index step = 0; step < steps; ++step) {
    workspace.reset();
    Grads<B> grads(model.params().layout());
    const Pass<B> pass{.backend = model.backend(),
                       .theta = model.params(),
                       .grads = &grads,
                       .workspace = workspace,
                       .key = {.seed = 1,
                               .step = static_cast<std::uint32_t>(step),
                               .stream = Stream::latent,
                               .draw = 0},
                       .sample_ids = {},
                       .mode = Mode::train,
                       .scalars = scalars.view()};
    Batch<B> batch;
    batch.input = {input.data(), 1, rows, 1};
    model.loss_and_gradient(pass, batch, pass.matrix(2, rows));
    std::size_t i = 0;
    for (std::uint32_t block = 0; block < 4; ++block) {
      const View<B> g = grads[static_cast<BlockId>(block)];
      for (Index e = 0; e < g.size(); ++e, ++i) {
        sum[i] += g.data[e];
        squares[i] += g.data[e] * g.data[e];
      }
    }
  }
  const double n = static_cast<double>(steps);
  for (std::size_t i = 0; i < exact.size(); ++i) {
    const double mean = sum[i] / n;
    const double error = std::sqrt((squares[i] / n - mean * mean) / (n - 1));
    CAPTURE(i);
    CHECK(error > 0);
    CHECK(!(std::abs(mean - exact[i]) > 4.5 * error));
    CHECK(50 * error < 1);  // sharp enough to mean something: entries are of order 1
  }
}

TEST_CASE("a linear Gaussian VAE reaches probabilistic PCA's closed form [GAU-1]") {
  // For a fixed noise variance v the best log likelihood of N(b, W W^T + v I) keeps the largest
  // eigenvalues of the covariance (Tipping and Bishop 1999); the posterior is Gaussian with a
  // diagonal covariance in the right rotation, so the bound is tight at the optimum.
  const Index n = 200, d = 5, latent = 2;
  const double v = 0.1;
  Eigen::MatrixXd X(d, n);
  {
    Eigen::MatrixXd W(d, latent);
    W << 1.2, 0.1, -0.8, 0.4, 0.3, 1.0, 0.5, -0.6, -0.2, 0.7;
    std::mt19937_64 random(4);
    std::normal_distribution<double> normal;
    for (Index j = 0; j < n; ++j) {
      Eigen::VectorXd z(latent), e(d);
      for (double& entry : z) entry = normal(random);
      for (double& entry : e) entry = 0.3 * normal(random);
      X.col(j) = W * z + e + Eigen::VectorXd::Constant(d, 0.5);
    }
  }
  const Eigen::MatrixXd centred = X.colwise() - X.rowwise().mean();
  const Eigen::VectorXd lambda =
      Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(centred * centred.transpose() / double(n))
          .eigenvalues();  // ascending
  double best = double(d) * std::log(2 * std::numbers::pi);
  for (Index i = 0; i < d; ++i) {
    const bool kept = i >= d - latent;
    best += kept ? std::log(lambda(i)) + 1 : std::log(v) + lambda(i) / v;
  }
  best *= -0.5;

  Vae<Cpu<double>> model({.input_dim = d,
                          .hidden = {},
                          .latent_dim = latent,
                          .likelihood = Gaussian{.variance = v},
                          .seed = 3},
                         Cpu<double>(1));
  LearningRateSchedule cosine{.kind = LearningRateSchedule::Kind::cosine};
  fit(model, samples_in_columns(X),
      {.epochs = 3000, .batch = n, .learning_rate = 0.02, .schedule = cosine});
  // 400 draws of 200 rows: the mean's standard error is measured from the rows
  const Eigen::VectorXd elbo = model.elbo(samples_in_columns(X), {.draws = 400, .seed = 1});
  const double mean = elbo.mean();
  MESSAGE("ELBO ", mean, ", closed form ", best);
  CHECK(mean < best + 0.005);
  CHECK(mean > best - 0.02);
}
