// SPDX-License-Identifier: MIT
// A discrete VAE so small that all its codes can be written down: log p(x), the bound and its
// gradient by enumeration.
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "longhand/backend/cpu.hpp"
#include "longhand/backend/reference.hpp"
#include "longhand/latent/categorical.hpp"
#include "longhand/models/vae.hpp"
#include "longhand/train/trainer.hpp"
#include "support/matrix.hpp"
#include "support/models.hpp"

namespace {

using namespace longhand;
using namespace longhand::test;

constexpr Index kInput = 3, kVariables = 2, kClasses = 3, kCodes = 9;

template <class B>
using Discrete = Vae<B, AnyLikelihood, CategoricalLatent<B>>;

VaeSpec discrete(Estimator estimator = Estimator::gumbel) {
  return {.input_dim = kInput,
          .hidden = {},
          .latent =
              CategoricalLatentSpec{
                  .variables = kVariables, .classes = kClasses, .estimator = estimator},
          .init = Init::he,
          .seed = 3};
}

/// The exact quantities of one sample.
struct Exact {
  double log_p = 0, elbo = 0, kl = 0;
};

template <class B>
Exact enumerate(const Discrete<B>& model, ConstView<B> x) {
  Workspace<B> workspace;
  const Pass<B> pass{.backend = model.backend(), .theta = model.params(), .workspace = workspace};
  // q from the model's own head: the KL and the draws are checked against it, not it.
  const View<B> W = model.params()[BlockId{0}], b = model.params()[BlockId{1}];
  std::vector<double> q;
  for (Index v = 0; v < kVariables; ++v) {
    std::vector<double> e;
    double sum = 0;
    for (Index k = 0; k < kClasses; ++k) {
      double l = b(0, v * kClasses + k);
      for (Index i = 0; i < kInput; ++i) l += W(i, v * kClasses + k) * x(i, 0);
      e.push_back(std::exp(l));
      sum += e.back();
    }
    for (const double number : e) q.push_back(number / sum);
  }
  Exact exact;
  double p = 0;
  for (Index code = 0; code < kCodes; ++code) {
    const Index first = code / kClasses, second = code % kClasses;
    const View<B> z = pass.matrix(kVariables * kClasses, 1), nll = pass.matrix(1, 1);
    model.backend().fill(z, 0);
    z(first, 0) = z(kClasses + second, 0) = 1;
    model.likelihood().value(pass, model.output(pass, z, {}), {.input = x}, nll);
    const double weight = q[std::size_t(first)] * q[std::size_t(kClasses + second)];
    p += std::exp(-nll(0, 0)) / kCodes;
    exact.elbo -= weight * nll(0, 0);
  }
  for (const double number : q) exact.kl += number * std::log(number * kClasses);
  exact.elbo -= exact.kl;
  exact.log_p = std::log(p);
  return exact;
}

}  // namespace

TEST_CASE("discrete: the bound and log p(x) by enumeration of all codes [CAT-10] [CAT-14]") {
  using B = Reference<double>;
  const Discrete<B> model(discrete());
  const Index n = 4000;  // one sample many times: draws differ by the sample's number
  Eigen::MatrixXd x(kInput, n);
  for (Index j = 0; j < n; ++j) x.col(j) << 1, 0, 1;
  const Exact exact = enumerate(model, columns_of(x).middle_cols(0, 1));
  CHECK(exact.elbo < exact.log_p);

  const Scores scores = model.score(samples_in_columns(x), {.draws = 5});
  const Eigen::VectorXd elbo = scores.elbo();
  const double error = std::sqrt((elbo.array() - elbo.mean()).square().mean() / double(n));
  CHECK(scores.kl(0) == doctest::Approx(exact.kl).epsilon(1e-12));
  CHECK(!(std::fabs(elbo.mean() - exact.elbo) > 4.5 * error));

  Data<double> data;
  data.input = samples_in_columns(x);
  const Evaluation one = evaluate(model, data, {.importance = 1});
  const Evaluation few = evaluate(model, data, {.importance = 10});
  const Evaluation many = evaluate(model, data, {.importance = 300});
  CHECK(!(std::fabs(*one.importance_bound - exact.elbo) > 0.02));
  CHECK(*few.importance_bound > *one.importance_bound);
  CHECK(*many.importance_bound > *few.importance_bound);
  CHECK(!(std::fabs(*many.importance_bound - exact.log_p) > 0.005));
  CHECK_FALSE(evaluate(model, data, {}).importance_bound.has_value());
}

TEST_CASE("discrete: the log of a mean by hand, and the neighbours do not matter [CAT-14]") {
  LogMeanExp two;
  two.add(std::log(0.2) - 1000);
  two.add(std::log(0.6) - 1000);
  CHECK(two.value() == doctest::Approx(std::log(0.4) - 1000).epsilon(1e-15));
  using B = Reference<double>;
  const Discrete<B> model(discrete());
  Eigen::MatrixXd x(kInput, 2);
  x << 1, 0, 0, 1, 1, 1;
  const auto bound = [&](const Eigen::MatrixXd& columns, const std::vector<std::uint32_t>& which) {
    Data<double> data;
    data.input = samples_in_columns(columns);
    return *evaluate(model, data, which, {.importance = 7}).importance_bound;
  };
  CHECK(bound(x, {0, 1}) == doctest::Approx((bound(x, {0}) + bound(x, {1})) / 2).epsilon(1e-14));
}

// The relaxed objective is that of another model, whose gradient tends to this one's as the
// temperature falls, while its spread grows.
TEST_CASE("discrete: the mean of the soft estimator tends to the exact gradient [CAT-8]") {
  using B = Cpu<double>;
  Discrete<B> model(discrete(), AnyLikelihood(Bernoulli{}), B(1));
  const Index rows = 2000, steps = 500;  // 1,000,000 draws
  Eigen::MatrixXd x(kInput, rows);
  for (Index j = 0; j < rows; ++j) x.col(j) << 1, 0, 1;
  const View<B> theta = model.params().flat();
  std::vector<double> exact;  // of -ELBO, by central differences of the enumeration
  for (Index i = 0; i < theta.rows; ++i) {
    const double home = theta(i), step = 1e-5;
    theta(i) = home + step;
    const double up = enumerate(model, columns_of(x).middle_cols(0, 1)).elbo;
    theta(i) = home - step;
    const double down = enumerate(model, columns_of(x).middle_cols(0, 1)).elbo;
    theta(i) = home;
    exact.push_back(-(up - down) / (2 * step));
  }
  double farthest_before = HUGE_VAL, spread_before = 0, at_first = 0;
  for (const double tau : {1.0, 0.5, 0.25, 0.1}) {
    const HostScalars<double> numbers{.inverse_samples = 1 / double(rows), .schedules = {1, tau}};
    Workspace<B> workspace;
    std::vector<double> sum(exact.size()), squares(exact.size());
    for (Index step = 0; step < steps; ++step) {
      workspace.reset();
      Grads<B> grads(model.params().layout());
      const Pass<B> pass{
          .backend = model.backend(),
          .theta = model.params(),
          .grads = &grads,
          .workspace = workspace,
          .key = {.seed = 1, .step = static_cast<std::uint32_t>(step), .stream = Stream::latent},
          .mode = Mode::train,
          .scalars = numbers.view()};
      model.loss_and_gradient(pass, {.input = columns_of(x)}, pass.matrix(2, rows));
      for (std::size_t i = 0; i < exact.size(); ++i) {
        const double g = grads.flat()(static_cast<Index>(i));
        sum[i] += g;
        squares[i] += g * g;
      }
    }
    double farthest = 0, spread = 0;
    for (std::size_t i = 0; i < exact.size(); ++i) {
      const double mean = sum[i] / double(steps);
      farthest = std::max(farthest, std::fabs(mean - exact[i]));
      spread = std::max(spread, std::sqrt(std::max(0.0, squares[i] / double(steps) - mean * mean) *
                                          double(rows)));
    }
    MESSAGE("tau ", tau, ": mean off by ", farthest, " at most, one draw's spread ", spread);
    CHECK(farthest < farthest_before);
    CHECK(spread > spread_before);
    if (at_first == 0) at_first = farthest;
    farthest_before = farthest;
    spread_before = spread;
  }
  CHECK(farthest_before < at_first / 5);
}

TEST_CASE("discrete: both estimators train, and are judged with one-hot codes [CAT-9] [CAT-12]") {
  using B = Cpu<float>;
  Eigen::MatrixXf x(kInput, 200);  // what the first two features are, the third is as well
  for (Index j = 0; j < 200; ++j) x.col(j) << float(j % 2), float(j / 2 % 2), float(j % 2);
  for (const Estimator estimator : {Estimator::gumbel, Estimator::straight_through}) {
    Discrete<B> model(discrete(estimator), AnyLikelihood(Bernoulli{}));
    const auto options =
        TrainOptions{.epochs = 60,
                     .batch = 20,
                     .learning_rate = 0.03,
                     .schedules = {{"tau", Schedule::exponential(1, 0.5, std::log(2.0) / 300)}}};
    const TrainResult result = fit(model, samples_in_columns(x), options);
    CHECK(result.unfinished.empty());
    CHECK(result.history[0].schedules.get("tau") ==
          doctest::Approx(std::exp(-9 * std::log(2.0) / 300)));
    CHECK(result.history.back().schedules.get("tau") == 0.5);
    Data<float> data;
    data.input = samples_in_columns(x);
    const Evaluation e = evaluate(model, data);
    CHECK(e.elbo() > -1.7);  // ln 4 = 1.39 is the least; without a code 3 ln 2 = 2.08
    CHECK(e.kl_per_unit.size() == 2);
    const Eigen::MatrixXf z = model.encode(samples_in_columns(x)).in_columns();
    CHECK((z.array() == 0 || z.array() == 1).all());
    CHECK_THROWS_AS(model.encode_logvar(samples_in_columns(x)), std::invalid_argument);
    CHECK(model.sample(5).in_columns().allFinite());
  }
}
