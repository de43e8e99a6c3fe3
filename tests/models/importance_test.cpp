// SPDX-License-Identifier: MIT
// The importance-weighted bound of a model with Gaussian latents, where log p(x) is known.
#include <doctest/doctest.h>

#include <cmath>

#include "longhand/train/evaluate.hpp"
#include "support/linear_model.hpp"

namespace {

using namespace longhand;
using namespace longhand::test;
using Row = Eigen::Vector4d;

double bound(const LinearModel& linear, const Row& x, int draws, std::uint64_t seed = 0) {
  Data<double> data;
  data.input = samples_in_columns(x);
  return *evaluate(linear.model, data, {.importance = draws, .seed = seed}).importance_bound;
}

}  // namespace

TEST_CASE("importance: where q is the posterior every draw weighs log p(x) [IMP-1] [IMP-2]") {
  const LinearModel exact = LinearModel::with_exact_posterior();
  for (const Row& x : {Row(0.5, 1, -1, 0), Row(2, -0.3, 0.4, 1), Row(-7, 5, 0, 3)}) {
    const double log_p = exact.log_density(x);
    for (const int draws : {1, 2, 50})
      CHECK(bound(exact, x, draws) == doctest::Approx(log_p).epsilon(1e-13));
    CHECK(exact.model.elbo(samples_in_columns(x), {.draws = 20000})(0) ==
          doctest::Approx(log_p).epsilon(0.01));
  }
}

TEST_CASE("importance: the bound rises with the draws, from the ELBO to log p(x) [IMP-1]") {
  const LinearModel linear;
  const Row x(1.2, 0.4, -1.1, 0.1);
  const double log_p = linear.log_density(x);
  const auto mean = [&](int draws, int repeats) {
    double sum = 0;
    for (int k = 0; k < repeats; ++k)
      sum += bound(linear, x, draws, static_cast<std::uint64_t>(k)) / repeats;
    return sum;
  };
  const double one = mean(1, 4000), five = mean(5, 400), fifty = mean(50, 40);
  const double elbo = linear.model.elbo(samples_in_columns(x), {.draws = 20000})(0);
  CHECK(one == doctest::Approx(elbo).epsilon(0.03));
  CHECK(one < five);
  CHECK(five < fifty);
  CHECK(fifty < log_p + 0.02);
}

TEST_CASE("importance: the mean weight is an unbiased estimate of p(x) [IMP-1]") {
  const LinearModel linear;
  const Row x(1.2, 0.4, -1.1, 0.1);
  constexpr int repeats = 40;
  double mean = 0, squares = 0;
  for (int k = 0; k < repeats; ++k) {
    const double estimate =
        std::exp(bound(linear, x, 2000, static_cast<std::uint64_t>(k)) - linear.log_density(x));
    mean += estimate / repeats;
    squares += estimate * estimate / repeats;
  }
  const double error = std::sqrt((squares - mean * mean) / (repeats - 1));
  CHECK(error < 0.02);
  CHECK_FALSE(!(std::abs(mean - 1) <= 4 * error));
}

TEST_CASE("importance: what is missing adds nothing to the weight of a draw [IMP-2]") {
  const LinearModel linear;
  Data<double> data;
  data.input = samples_in_columns(Row(1.2, 0.4, 77, -55));
  data.mask = samples_in_columns(Row(1, 1, 0, 0));
  // The density of the observed two, whose covariance is a part of the whole one.
  Eigen::Matrix2d covariance = linear.w.head<2>() * linear.w.head<2>().transpose();
  covariance.diagonal().array() += LinearModel::kVariance;
  const Eigen::Vector2d centred = Eigen::Vector2d(1.2, 0.4) - linear.b.head<2>();
  const double a = covariance(0, 0), c = covariance(0, 1), d = covariance(1, 1),
               determinant = a * d - c * c;
  const double square = (d * centred(0) * centred(0) - 2 * c * centred(0) * centred(1) +
                         a * centred(1) * centred(1)) /
                        determinant;
  const double log_p = -(2 * std::log(2 * std::numbers::pi) + std::log(determinant) + square) / 2;
  CHECK(std::abs(*evaluate(linear.model, data, {.importance = 60000}).importance_bound - log_p) <
        0.03);
  data.mask = samples_in_columns(Row(1, 1, 1, 0));  // the far number makes the row unlikely
  CHECK(*evaluate(linear.model, data, {.importance = 100}).importance_bound < -1000);
}
