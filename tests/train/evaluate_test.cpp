// SPDX-License-Identifier: MIT
#include "longhand/train/evaluate.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "longhand/backend/cpu.hpp"
#include "longhand/models/vae.hpp"
#include "support/models.hpp"

namespace {

using namespace longhand;
using B = Cpu<float>;

Data<float> grey(Index rows, Index dim) {
  Eigen::MatrixXf columns(dim, rows);
  for (Index j = 0; j < rows; ++j)
    for (Index i = 0; i < dim; ++i)
      columns(i, j) = static_cast<float>((i * 7 + j * 13) % 101) / 100.0f;
  Data<float> data;
  data.input = Samples<float>(std::move(columns));
  return data;
}

}  // namespace

TEST_CASE("evaluation does not depend on the batch size, ragged last batch included") {
  const Vae<B> model({.input_dim = 30, .hidden = {40}, .latent_dim = 6});
  const Data<float> data = grey(257, 30);
  const Evaluation all = evaluate(model, data, {.batch = 257, .draws = 2});
  for (const Index batch : {1, 2, 16, 100, 128, 256, 1000}) {
    const Evaluation e = evaluate(model, data, {.batch = batch, .draws = 2});
    CAPTURE(batch);
    CHECK(e.samples == 257);
    CHECK(!(std::abs(e.log_likelihood_term() - all.log_likelihood_term()) >
            1e-6 * std::abs(all.log_likelihood_term())));
    CHECK(!(std::abs(e.kl() - all.kl()) > 1e-6 * std::max(1.0, all.kl())));
    CHECK(e.active_units == all.active_units);
  }
}

TEST_CASE("the means are those of the samples, and the dimensions add up to the KL") {
  const Vae<B> model({.input_dim = 30, .hidden = {40}, .latent_dim = 6});
  const Data<float> data = grey(100, 30);
  const Evaluation e = evaluate(model, data, {.draws = 3, .seed = 5});
  const Scores rows = model.score(data.input, {.draws = 3, .seed = 5});
  CHECK(e.elbo() == doctest::Approx(rows.elbo().mean()).epsilon(1e-6));
  CHECK(e.kl() == doctest::Approx(rows.kl.mean()).epsilon(1e-6));
  double sum = 0;
  for (const double kl : e.kl_per_unit) sum += kl;
  CHECK(sum == doctest::Approx(e.kl()).epsilon(1e-5));
}

TEST_CASE("active units: a latent whose mean never moves is not one") {
  Vae<B> model({.input_dim = 4, .hidden = {}, .latent_dim = 3});
  std::vector<float> w(4 * 6, 0.0f);  // the head's weight, a column per output: mu_0 alone reads x
  w[0] = 3;
  model.backend().upload(w.data(), model.params()[BlockId{0}]);
  CHECK(evaluate(model, grey(200, 4)).active_units == 1);
}

TEST_CASE("binarised evaluation draws 0 and 1 once, the same every time") {
  const Vae<B> model({.input_dim = 30, .hidden = {8}, .latent_dim = 2});
  const Data<float> data = grey(50, 30);
  const EvaluateOptions fixed{.changes = {.binarize = Binarize::fixed}};
  const Evaluation a = evaluate(model, data, fixed), b = evaluate(model, data, fixed);
  CHECK(a.log_likelihood_term() == b.log_likelihood_term());
  CHECK(a.log_likelihood_term() != evaluate(model, data).log_likelihood_term());
}

TEST_CASE("labels become columns with one 1; a label out of range names its row") {
  const std::vector<int> labels{2, 0, 1};
  Eigen::MatrixXf expected(3, 3);
  expected << 0, 1, 0, 0, 0, 1, 1, 0, 0;
  CHECK(one_hot<float>(labels, 3).in_columns() == expected);
  CHECK_THROWS_WITH_AS(one_hot<float>(labels, 2), "longhand: label of row 0 is 2, expected 0 to 1",
                       std::invalid_argument);
}
