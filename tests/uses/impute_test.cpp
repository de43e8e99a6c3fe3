// SPDX-License-Identifier: MIT
#include "longhand/uses/impute.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "support/linear_model.hpp"

namespace {

using namespace longhand;
using namespace longhand::test;
using B = Cpu<double>;
constexpr Index kFeatures = LinearModel::kFeatures;

struct Rows {
  Eigen::MatrixXd x{kFeatures, 3}, mask{kFeatures, 3};
  Rows() {
    x << 2.2, 0, 0.1, 0.1, 0, 1.5, 0, -2.3, -1.2, 0, -0.3, 0.3;
    mask << 1, 0, 1, 1, 0, 1, 0, 1, 1, 0, 1, 1;
  }
  Data<double> data() const {
    Data<double> all;
    all.input = samples_in_columns(x);
    all.mask = samples_in_columns(mask);
    return all;
  }
};

}  // namespace

TEST_CASE("impute: many draws come to the conditional mean of a linear model [IMP-4] [IMP-5]") {
  const LinearModel linear;
  const Rows rows;
  const auto found = impute(linear.model, rows.data(), {.draws = 65535, .seed = 4});
  const std::vector<std::vector<Index>> observed{{0, 1}, {2, 3}};
  for (Index j = 0; j < 2; ++j)
    for (Index i = 0; i < kFeatures; ++i) {
      if (rows.mask(i, j) > 0) {
        CHECK(found.values(i, j) == rows.x(i, j));
        CHECK(found.deviation(i, j) == 0);
        continue;
      }
      const auto [mean, deviation] =
          linear.given(rows.x.col(j), observed[static_cast<std::size_t>(j)], i);
      // Four standard errors of the mean of the draws, and of a deviation of them.
      const double error = 4 * deviation / std::sqrt(found.effective_draws[std::size_t(j)]);
      CHECK_FALSE(!(std::abs(found.values(i, j) - mean) <= error));
      CHECK_FALSE(!(std::abs(found.deviation(i, j) - deviation) <= error));
      CHECK(std::abs(linear.b(i) + linear.w(i) * 0.3 - mean) > 2 * error);  // the encoder's own
    }
  // A row without gaps comes back as it was.
  CHECK(found.values.col(2) == rows.x.col(2));
}

TEST_CASE("impute: weights by hand [IMP-3] [IMP-4] [IMP-5] [IMP-6]") {
  WeightedMoments two(1);
  using One = Eigen::Matrix<double, 1, 1>;
  two.add(-std::numeric_limits<double>::infinity(), One(100), One(100));  // weighs nothing
  // Weights 1/4 and 3/4 after a shift that would overflow.
  two.add(2000 + std::log(1.0), One(2), One(3));
  two.add(2000 + std::log(3.0), One(4), One(5));
  CHECK(two.mean()(0) == doctest::Approx(3.5).epsilon(1e-12));
  CHECK(two.deviation()(0) == doctest::Approx(std::sqrt(1.75)).epsilon(1e-12));
  CHECK(two.effective_draws() == doctest::Approx(1.6).epsilon(1e-12));
  two.add(-std::numeric_limits<double>::infinity(), One(100), One(100));  // weighs nothing
  CHECK(two.mean()(0) == doctest::Approx(3.5).epsilon(1e-12));
}

TEST_CASE("impute: one pass is the reconstruction where something is missing") {
  const LinearModel linear;
  const Rows rows;
  const auto found = impute(linear.model, rows.data());
  CHECK(found.deviation.size() == 0);
  CHECK(found.effective_draws.empty());
  for (Index j = 0; j < 3; ++j)
    for (Index i = 0; i < kFeatures; ++i)
      CHECK(found.values(i, j) ==
            doctest::Approx(rows.mask(i, j) > 0 ? rows.x(i, j) : linear.b(i) + linear.w(i) * 0.3));
}

TEST_CASE("impute: many passes of a model whose q is the posterior come to the conditional mean") {
  const LinearModel exact = LinearModel::with_exact_posterior();
  const Rows rows;
  const auto found = impute(exact.model, rows.data(), {.passes = 200});
  const std::vector<std::vector<Index>> observed{{0, 1}, {2, 3}};
  for (Index j = 0; j < 2; ++j)
    for (Index i = 0; i < kFeatures; ++i)
      if (!(rows.mask(i, j) > 0))
        CHECK(found.values(i, j) ==
              doctest::Approx(
                  exact.given(rows.x.col(j), observed[static_cast<std::size_t>(j)], i).first)
                  .epsilon(1e-12));
  // Draws from there come from a better q: more of them count.
  const auto once = impute(exact.model, rows.data(), {.draws = 500}),
             often = impute(exact.model, rows.data(), {.passes = 20, .draws = 500});
  CHECK(often.effective_draws[0] > once.effective_draws[0]);
}

TEST_CASE("impute: neither the batch nor the neighbours change a row") {
  const LinearModel linear;
  const Rows rows;
  const auto all = impute(linear.model, rows.data(), {.draws = 20, .seed = 1});
  const auto parts = impute(linear.model, rows.data(), {.draws = 20, .seed = 1, .batch = 2});
  CHECK(all.values == parts.values);
  CHECK(all.deviation == parts.deviation);
  CHECK(all.effective_draws == parts.effective_draws);
  CHECK(impute(linear.model, rows.data(), {.draws = 20, .seed = 2}).values != all.values);
}

TEST_CASE("impute: what does not suit is one sentence") {
  const LinearModel linear;
  Data<double> whole = Rows().data();
  whole.mask = {};
  CHECK_THROWS_WITH(impute(linear.model, whole), doctest::Contains("nothing is missing"));
  CHECK_THROWS_WITH(impute(linear.model, Rows().data(), {.draws = -1}),
                    doctest::Contains("draws is -1"));
  CHECK_THROWS_WITH(impute(linear.model, Rows().data(), {.passes = 0}),
                    doctest::Contains("passes is 0"));
  VaeSpec code = LinearModel::spec();
  code.latent = CodeSpec{1};
  CHECK_THROWS_WITH(impute(Vae<B>(code), Rows().data(), {.draws = 3}),
                    doctest::Contains("no density"));
}

TEST_CASE("impute: numbers far from 0 keep their deviation [IMP-5]") {
  using One = Eigen::Matrix<double, 1, 1>;
  for (const double far : {0.0, 1e9}) {
    WeightedMoments moments(1);
    for (const double v : {-1.0, 1.0, 3.0, -3.0})
      moments.add(v / 4, One(far + v), One(far + v + 1));
    double sum = 0, mean = 0, squares = 0;
    for (const double v : {-1.0, 1.0, 3.0, -3.0})
      sum += std::exp(v / 4), mean += std::exp(v / 4) * v;
    mean /= sum;
    for (const double v : {-1.0, 1.0, 3.0, -3.0})
      squares += std::exp(v / 4) / sum * (1 + (v - mean) * (v - mean));
    CHECK(moments.deviation()(0) == doctest::Approx(std::sqrt(squares)).epsilon(1e-7));
  }
}
