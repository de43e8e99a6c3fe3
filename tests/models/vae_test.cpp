// SPDX-License-Identifier: MIT
#include "longhand/models/vae.hpp"

#include <doctest/doctest.h>

#include <cstring>
#include <limits>
#include <numbers>
#include <thread>

#include "longhand/backend/cpu.hpp"
#include "longhand/infer.hpp"
#include "models/model_support.hpp"
#include "support/models.hpp"

using namespace longhand;
using longhand::test::Case;

// A backend that is given is deduced as well, where the likelihood is named.
static_assert(
    std::is_same_v<decltype(Vae(Bernoulli{}, {.input_dim = 2}, Cpu<double>(2))),
                   Vae<Cpu<double>, PerElement<BernoulliLogits>, GaussianLatent<Cpu<double>>>>);

TEST_CASE("whole model: the worked numbers of docs/derivations/elbo.md [ELBO-1] [ELBO-4]") {
  using B = Cpu<double>;
  Vae<B> model(
      {.input_dim = 1, .hidden = {}, .latent_dim = 1, .likelihood = Gaussian{.variance = 0.5}});
  // encoder W (2 x 1), b; decoder w, b: blocks in the order they were added
  const auto set = [&](std::uint32_t block, std::vector<double> values) {
    model.backend().upload(values.data(), model.params()[static_cast<BlockId>(block)]);
  };
  set(0, {0.5, 0.2});
  set(1, {-0.1, -0.6});
  set(2, {1.5});
  set(3, {0.25});
  double x[] = {1.2, -0.8};

  SUBCASE("expected value, exact") {  // E_q nll by the closed form, from the model's own moments
    const double elbo[] = {-2.3360728759307916, -1.9539585812030187};
    const double logvar[] = {-0.359930895921536, -0.7593503322847154};
    const double kl[] = {0.15382771796900865, 0.23866034289435056};
    const Samples<double> s = samples_in_memory(x, 2, 1);
    const Eigen::MatrixXd mu = model.encode(s).in_columns(),
                          l = model.encode_logvar(s).in_columns();
    const Scores scores = model.score(samples_in_memory(x, 2, 1));
    for (Index j = 0; j < 2; ++j) {
      CHECK(mu(0, j) == doctest::Approx(j == 0 ? 0.5 : -0.5).epsilon(1e-14));
      CHECK(l(0, j) == doctest::Approx(logvar[j]).epsilon(1e-14));
      CHECK(scores.kl(j) == doctest::Approx(kl[j]).epsilon(1e-13));
      const double r = 1.5 * mu(0, j) + 0.25 - x[j];
      const double nll =
          (r * r + 2.25 * std::exp(l(0, j))) / (2 * 0.5) + 0.5 * std::log(std::numbers::pi);
      CHECK(-nll - kl[j] == doctest::Approx(elbo[j]).epsilon(1e-13));
    }
  }
}

TEST_CASE("equal bits for 1, 2, 3 and 8 threads") {
  VaeSpec config{.input_dim = 97, .hidden = {130, 65}, .latent_dim = 20};
  std::vector<float> first;
  for (const int threads : {1, 2, 3, 8}) {
    using B = Cpu<float>;
    Case<B> c(config, 131, B(threads));
    Grads<B> grads(c.model.params().layout());
    const test::Matrix<float> terms = c.loss_and_gradient(grads);
    std::vector<float> all(grads.flat().data, grads.flat().data + grads.flat().rows);
    for (Index j = 0; j < terms.cols(); ++j)
      for (Index t = 0; t < terms.rows(); ++t) all.push_back(terms(t, j));
    if (first.empty()) first = all;
    CAPTURE(threads);
    CHECK(std::memcmp(first.data(), all.data(), all.size() * sizeof(float)) == 0);
  }
}

TEST_CASE("float agrees with the reference in long double on the same weights") {
  VaeSpec config{.input_dim = 40, .hidden = {33, 17}, .latent_dim = 5};
  Case<Cpu<float>> c(config, 19);
  Case<Reference<long double>> r(config, 19);
  Grads<Cpu<float>> cg(c.model.params().layout());
  Grads<Reference<long double>> rg(r.model.params().layout());
  const auto ct = c.loss_and_gradient(cg);
  const auto rt = r.loss_and_gradient(rg);
  for (Index j = 0; j < 19; ++j)
    CHECK(static_cast<double>(ct(0, j)) ==
          doctest::Approx(static_cast<double>(rt(0, j))).epsilon(1e-5));
  double worst = 0, scale = 0;
  for (std::size_t b = 0; b < c.model.params().layout().blocks().size(); ++b) {
    const auto cb = cg[static_cast<BlockId>(b)];
    const auto rb = rg[static_cast<BlockId>(b)];
    for (Index i = 0; i < cb.size(); ++i) {
      worst = std::max(worst,
                       std::abs(static_cast<double>(cb.data[i]) - static_cast<double>(rb.data[i])));
      scale = std::max(scale, std::abs(static_cast<double>(rb.data[i])));
    }
  }
  CHECK(!(worst > 1e-5 * scale));
}

TEST_CASE("one-shot calls: orientation, shapes, units") {
  using V = Vae<Cpu<double>>;
  VaeSpec config{
      .input_dim = 5, .hidden = {8}, .latent_dim = 5, .likelihood = Gaussian{.variance = 1}};
  const Eigen::MatrixXd X = Eigen::MatrixXd::Random(5, 5) * 3;  // square: nothing can be guessed
  V model(config);
  const Eigen::MatrixXd rows = model.encode(samples_in_rows(X)).in_rows();
  const Eigen::MatrixXd columns = model.encode(samples_in_columns(X.transpose())).in_columns();
  CHECK(rows == columns.transpose());
  CHECK(rows != model.encode(samples_in_columns(X)).in_columns());

  SUBCASE("the transform is applied on the way in and undone on the way out") {
    V transformed(config);
    InputTransform t{InputTransform::Kind::standardize, {1, 2, 3, 4, 5}, {2, 2, 2, 4, 4}};
    transformed.set_transform(t);
    Eigen::MatrixXd Y = X;
    for (Index i = 0; i < 5; ++i)
      Y.col(i) = (X.col(i).array() - t.shift[static_cast<std::size_t>(i)]) /
                 t.scale[static_cast<std::size_t>(i)];
    CHECK(transformed.encode(samples_in_rows(X)).in_rows() ==
          model.encode(samples_in_rows(Y)).in_rows());
    const Eigen::MatrixXd Z = Eigen::MatrixXd::Random(3, 5);
    const Eigen::MatrixXd back = transformed.decode(samples_in_rows(Z)).in_rows();
    const Eigen::MatrixXd plain = model.decode(samples_in_rows(Z)).in_rows();
    for (Index i = 0; i < 5; ++i)
      CHECK((back.col(i).array() - (plain.col(i).array() * t.scale[static_cast<std::size_t>(i)] +
                                    t.shift[static_cast<std::size_t>(i)]))
                .abs()
                .maxCoeff() < 1e-14 * 20);
  }
  SUBCASE("samples depend on seed and index alone") {
    const Eigen::MatrixXd few = model.sample(3, {.seed = 9}).in_rows(),
                          many = model.sample(700, {.seed = 9}).in_rows();
    CHECK((few - many.topRows(3)).cwiseAbs().maxCoeff() < 1e-12);
    CHECK(few != model.sample(3, {.seed = 10}).in_rows());
    const Eigen::MatrixXd drawn = model.sample(3, {.seed = 9, .draw = true}).in_rows();
    CHECK((drawn - few).cwiseAbs().minCoeff() > 0);
  }
  SUBCASE("elbo = log likelihood term - KL, and draws average") {
    const Scores s = model.score(samples_in_rows(X), {.draws = 3, .seed = 4});
    CHECK(s.elbo() == s.log_likelihood_term - s.kl);
    CHECK(model.elbo(samples_in_rows(X), {.draws = 3, .seed = 4}) == s.elbo());
  }
  SUBCASE("wrong shapes name the argument") {
    const Eigen::MatrixXd bad = Eigen::MatrixXd::Zero(2, 4);
    CHECK_THROWS_WITH_AS(model.encode(samples_in_rows(bad)),
                         "longhand: encode: x has 2 samples of 4 numbers, expected 2 of 5",
                         std::invalid_argument);
    CHECK_THROWS_AS(model.decode(samples_in_rows(bad)), std::invalid_argument);
    CHECK_THROWS_AS(model.elbo(samples_in_rows(bad)), std::invalid_argument);
    CHECK_THROWS_AS(model.encode(Samples<double>()), std::invalid_argument);
    CHECK_THROWS_AS(model.encode(samples_in_rows(X), samples_in_rows(X)), std::invalid_argument);
    CHECK_THROWS_AS(model.sample(0), std::invalid_argument);
  }
}

TEST_CASE("an autoencoder cannot be sampled and has no bound") {
  Vae<Cpu<double>> model({.input_dim = 4, .latent_dim = 2, .latent = CodeSpec{}});
  const Eigen::MatrixXd X = Eigen::MatrixXd::Constant(3, 4, 0.5);
  CHECK(model.encode(samples_in_rows(X)).dim() == 2);
  CHECK_THROWS_WITH(model.sample(4),
                    "longhand: an autoencoder has no prior over its latents: it cannot be sampled");
  CHECK_THROWS_AS(model.elbo(samples_in_rows(X)), std::invalid_argument);
  CHECK_THROWS_AS(model.encode_logvar(samples_in_rows(X)), std::invalid_argument);
}

TEST_CASE("configurations that make no sense are refused with the field's name") {
  const auto refused = [](VaeSpec c, const char* message) {
    CHECK_THROWS_WITH_AS(Vae<Cpu<float>>(std::move(c)), message, std::invalid_argument);
  };
  refused({.input_dim = 0}, "longhand: input_dim is 0, expected at least 1");
  refused({.input_dim = 3, .latent_dim = 0}, "longhand: latent_dim is 0, expected at least 1");
  refused({.input_dim = 3, .hidden = {4, 0}},
          "longhand: encoder: a stage has width 0, expected at least 1");
  refused({.input_dim = 3, .latent = GaussianLatentSpec{.logvar_bound = 0}},
          "longhand: logvar_bound is 0, expected a positive number or infinity");
  refused({.input_dim = 3, .hidden = mlp({400}, Relu{}, 1)},
          "longhand: encoder: dropout is 1, expected 0 <= p < 1");
  refused({.input_dim = 3, .latent = GaussianLatentSpec{.prior = ConditionalPrior{mlp({})}}},
          "longhand: a conditional prior needs condition_dim > 0");
}

TEST_CASE("const calls are re-entrant: two threads, one model") {
  const Vae<Cpu<float>> model({.input_dim = 30, .hidden = {40}, .latent_dim = 3}, Cpu<float>(1));
  const Eigen::MatrixXf X = Eigen::MatrixXf::Random(600, 30).cwiseAbs();
  const Eigen::VectorXd alone = model.elbo(samples_in_rows(X));
  std::vector<Eigen::VectorXd> together(4);
  std::vector<std::thread> threads;
  for (Eigen::VectorXd& result : together)
    threads.emplace_back([&] { result = model.elbo(samples_in_rows(X)); });
  for (std::thread& t : threads) t.join();
  for (const Eigen::VectorXd& result : together) CHECK(result == alone);
}
