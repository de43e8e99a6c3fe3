// SPDX-License-Identifier: MIT
#include "longhand/latent/sampled_prior.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <numbers>

#include "longhand/backend/cpu.hpp"
#include "longhand/backend/reference.hpp"
#include "math/formulas.hpp"
#include "support/matrix.hpp"

using namespace longhand;
using namespace longhand::test;

namespace {

template <class B>
Eigen::MatrixXd draws(const SampledPriorSpec& spec, Index dim, Index n, NoiseKey key = {.seed = 4},
                      const B& backend = B()) {
  ParamLayout layout;
  const SampledPrior<B> prior(backend, layout, spec, dim);
  const Params<B> none(std::move(layout));
  Workspace<B> workspace;
  Matrix<typename B::Scalar> z(dim, n, 3);
  prior.draw({.backend = backend, .theta = none, .workspace = workspace, .key = key}, z.view());
  Eigen::MatrixXd numbers(dim, n);
  for (Index j = 0; j < n; ++j)
    for (Index i = 0; i < dim; ++i) numbers(i, j) = double(z(i, j));
  return numbers;
}

}  // namespace

TEST_CASE_TEMPLATE("sampled prior: a normal prior has its scale [ADV-2]", B, Reference<double>,
                   Cpu<float>) {
  const Index n = 20000;
  const Eigen::MatrixXd z = draws<B>(NormalPrior{.scale = 3}, 4, n);
  const double bound = 4.5 / std::sqrt(double(n));
  CHECK(z.rowwise().mean().cwiseAbs().maxCoeff() < 3 * bound);
  const Eigen::MatrixXd covariance = z * z.transpose() / double(n) / 9;
  CHECK((covariance - Eigen::MatrixXd::Identity(4, 4)).cwiseAbs().maxCoeff() < 1.5 * bound);
  // It scales the same noise.
  CHECK(draws<B>(NormalPrior{}, 4, 50).isApprox(draws<B>(NormalPrior{.scale = 3}, 4, 50) / 3, 1e-6));
}

TEST_CASE_TEMPLATE("sampled prior: a ring has every component as often as the others [ADV-2]", B,
                   Reference<double>, Cpu<float>) {
  const Index n = 20000, K = 5;
  const RingPrior ring{.components = K, .radius = 4, .deviation = 0.25};
  const Eigen::MatrixXd z = draws<B>(ring, 2, n);
  Eigen::VectorXd count = Eigen::VectorXd::Zero(K);
  double squares = 0;
  for (Index j = 0; j < n; ++j) {
    const double turn = std::atan2(z(1, j), z(0, j)) / (2 * std::numbers::pi) * double(K);
    const Index k = (Index(std::lround(turn)) + K) % K;
    count(k) += 1;
    const double angle = 2 * std::numbers::pi * double(k) / double(K);
    squares += std::pow(z(0, j) - 4 * std::cos(angle), 2) +
               std::pow(z(1, j) - 4 * std::sin(angle), 2);
  }
  CHECK((count.array() / double(n) - 1.0 / double(K)).abs().maxCoeff() <
        4.5 * std::sqrt(0.16 / double(n)));
  CHECK(std::sqrt(squares / double(2 * n)) == doctest::Approx(0.25).epsilon(0.02));
}

TEST_CASE("sampled prior: the component does not depend on the noise around it") {
  const Index n = 20000;
  const RingPrior ring{.components = 2, .radius = 100, .deviation = 1};
  const Eigen::MatrixXd z = draws<Reference<double>>(ring, 2, n);
  double correlation = 0;
  for (Index j = 0; j < n; ++j) {
    const double side = z(0, j) > 0 ? 1 : -1;
    correlation += side * (z(0, j) - 100 * side) / double(n);
  }
  CHECK(std::fabs(correlation) < 4.5 / std::sqrt(double(n)));
}

TEST_CASE("sampled prior: draws are keyed by seed, step and sample, on every backend alike") {
  const RingPrior ring{.components = 7};
  const auto of = [&](NoiseKey key) { return draws<Reference<double>>(ring, 2, 40, key); };
  CHECK(of({.seed = 4}) == of({.seed = 4}));
  CHECK(of({.seed = 4}) != of({.seed = 5}));
  CHECK(of({.seed = 4}) != of({.seed = 4, .step = 1}));
  CHECK(of({.seed = 4}).leftCols(10) == draws<Reference<double>>(ring, 2, 10));
  CHECK((of({.seed = 4}) - draws<Cpu<double>>(ring, 2, 40)).cwiseAbs().maxCoeff() < 1e-14);
  CHECK((of({.seed = 4}) - draws<Cpu<float>>(ring, 2, 40)).cwiseAbs().maxCoeff() < 1e-5);
}

TEST_CASE("sampled prior: the draw of the page [ADV-2]") {
  const EqualMixture ring = mixture_of(RingPrior{3, 2, 0.5}, 2);
  const auto draw = [&](Index i, Index k, double eps) {
    double z;
    ShiftAndScale{}(ring.mean(i, k), 2 * std::log(ring.deviation), eps, z);
    return z;
  };
  check_worked("adv_draw[0,0]", draw(0, 1, 0.4), -0.8);
  check_worked("adv_draw[1,0]", draw(1, 1, -1.2), 1.1320508075688773);
  check_worked("adv_draw[0,1]", draw(0, 0, -0.6), 1.7);
  check_worked("adv_draw[1,1]", draw(1, 0, 0.8), 0.4);
}
