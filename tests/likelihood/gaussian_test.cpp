// SPDX-License-Identifier: MIT
#include "per_element.hpp"

using namespace longhand;
using namespace longhand::test;

namespace {

template <class S>
bool near(double got, double want) {
  return std::abs(got - want) <= 8 * std::numeric_limits<S>::epsilon() * (1 + std::abs(want));
}

}  // namespace

TEST_CASE_TEMPLATE("gaussian likelihood: worked numbers, summed per row [GAU-1] [GAU-2]", B,
                   Reference<double>, Cpu<double>, Cpu<float>) {
  using S = typename B::Scalar;
  const auto likelihood = part_of(Gaussian{.variance = 0.5});
  LikelihoodFixture<B> f(likelihood, 2, 1);
  const S m[] = {S(0.8), S(-0.3)}, t[] = {1, S(0.4)};
  f.backend.upload(m, f.output.view());
  f.backend.upload(t, f.target.view());
  likelihood.value_and_gradient(f.pass(), f.ones.view(), f.output.view(), f.batch(false),
                                f.nll.view(), f.doutput.view());
  CHECK(near<S>(f.nll(0), 0.6123649429247001 + 1.0623649429247002));
  CHECK(near<S>(f.doutput(0), -0.4));
  CHECK(near<S>(f.doutput(1), -1.4));
}

TEST_CASE_TEMPLATE("learned gaussian likelihood: worked numbers, mean above raw [GAU-3] [GAU-4]", B,
                   Reference<double>, Cpu<double>, Cpu<float>) {
  using S = typename B::Scalar;
  const auto likelihood = part_of(LearnedGaussian{});
  LikelihoodFixture<B> f(likelihood, 2, 1);
  const S out[] = {S(0.8), S(-0.3), S(-1.5), 2}, t[] = {1, S(0.4)};
  f.backend.upload(out, f.output.view());
  f.backend.upload(t, f.target.view());
  likelihood.value_and_gradient(f.pass(), f.ones.view(), f.output.view(), f.batch(false),
                                f.nll.view(), f.doutput.view());
  CHECK(near<S>(f.nll(0), 0.2606170811360364 + 1.946604094576505));
  CHECK(near<S>(f.doutput(0), -0.8918850761853229));
  CHECK(near<S>(f.doutput(1), -0.09585613840069848));
  CHECK(near<S>(f.doutput(2), 0.406730610499621));
  CHECK(near<S>(f.doutput(3), 0.458255200763939));
  Matrix<S> mean(2, 1);
  likelihood.mean(f.pass(), f.output.view(), mean.view());
  CHECK(mean.flat() == std::vector<double>{out[0], out[1]});
}

TEST_CASE_TEMPLATE("gaussian likelihoods: gradient and contracts [GAU-2] [GAU-4] [GAU-5] [GAU-7]",
                   B, Reference<double>, Cpu<double>) {
  check_likelihood_gradient<B>(part_of(Gaussian{.variance = 0.3}));
  check_likelihood_gradient<B>(part_of(Gaussian{.variance = 0.3, .output = OutputMap::sigmoid}));
  check_likelihood_gradient<B>(part_of(LearnedGaussian{}));
  check_likelihood_gradient<B>(
      part_of(LearnedGaussian{.output = OutputMap::sigmoid, .logvar_bound = 2}));
}

TEST_CASE_TEMPLATE("gaussian likelihoods: contract and masks [GAU-1] [GAU-3]", B, Reference<double>,
                   Cpu<double>, Cpu<float>) {
  check_likelihood_contract<B>(part_of(Gaussian{.variance = 0.3, .output = OutputMap::sigmoid}));
  check_likelihood_contract<B>(part_of(LearnedGaussian{}));
  check_likelihood_rows<B>(part_of(Gaussian{.variance = 0.3}));
  check_likelihood_rows<B>(part_of(LearnedGaussian{}));
  check_likelihood_mask<B>(part_of(Gaussian{.variance = 0.3}));
  check_likelihood_mask<B>(part_of(LearnedGaussian{}));
}

TEST_CASE_TEMPLATE("gaussian likelihoods: extreme outputs stay finite [GAU-1] [GAU-3] [GAU-6]", B,
                   Cpu<double>, Cpu<float>) {
  check_likelihood_extremes<B>(part_of(Gaussian{.variance = 0.3}),
                               {-1e15, -710, -88, -0.0, 0, 88, 710, 1e15});
  check_likelihood_extremes<B>(part_of(Gaussian{.variance = 0.3, .output = OutputMap::sigmoid}),
                               {-1e30, -710, -88, 88, 710, 1e30});
  check_likelihood_extremes<B>(part_of(LearnedGaussian{}), {-1e14, -710, -88, 0, 88, 710, 1e14});
  check_likelihood_extremes<B>(part_of(LearnedGaussian{.output = OutputMap::sigmoid}),
                               {-1e30, -88, 88, 710, 1e30});
}

TEST_CASE("gaussian likelihoods: float, shapes, allocations [GAU-1] [GAU-3]") {
  check_likelihood_parity(part_of(Gaussian{.variance = 0.3}), 4, 60);  // |m - t| <= 4
  check_likelihood_parity(part_of(LearnedGaussian{}), 8,
                          16 * 20);  // 4^2 e^3, with e^-l of a rounded l
  check_likelihood_shapes(part_of(Gaussian{}));
  check_likelihood_shapes(part_of(LearnedGaussian{}));
  check_likelihood_allocations(part_of(LearnedGaussian{}));
}

TEST_CASE("gaussian likelihood: a variance must be a positive number") {
  for (const double v : {0.0, -1.0, HUGE_VAL, std::nan("")})
    check_refused("likelihood variance", [&] { part_of(Gaussian{.variance = v}); });
}

TEST_CASE("gaussian likelihoods: draws have the mean and the variance of the model [GAU-6]") {
  using B = Cpu<double>;
  const auto moments = [](const auto& likelihood, double a, double raw) {
    LikelihoodFixture<B> f(likelihood, 100, 200);
    for (Index j = 0; j < 200; ++j)
      for (Index i = 0; i < f.output.rows(); ++i) f.output(i, j) = i < 100 ? a : raw;
    Matrix<double> x(100, 200);
    likelihood.draw(f.pass(), f.output.view(), x.view());
    double sum = 0, squares = 0;
    for (const double v : x.flat()) sum += v, squares += v * v;
    return std::pair{sum / 20000, squares / 20000 - sum / 20000 * sum / 20000};
  };
  const auto check = [](std::pair<double, double> got, double mean, double variance) {
    CHECK(std::abs(got.first - mean) < 6 * std::sqrt(variance / 20000));
    CHECK(std::abs(got.second - variance) < 6 * variance * std::sqrt(2.0 / 20000));
  };
  check(moments(part_of(Gaussian{.variance = 0.25}), 0.8, 0), 0.8, 0.25);
  check(moments(part_of(Gaussian{.variance = 0.25, .output = OutputMap::sigmoid}), 0.8, 0),
        0.6899744811276124, 0.25);
  check(moments(part_of(LearnedGaussian{}), 0.8, -1.5), 0.8, std::exp(-1.4950199193743372));
}

TEST_CASE("gaussian likelihoods: a draw is m + sqrt(v) eps of the stream `data` [REP-1] [GAU-6]") {
  using B = Reference<double>;
  const Index d = 3, n = 2;
  LikelihoodFixture<B> f(part_of(LearnedGaussian{}), d, n);
  Matrix<double> x(d, n, 2);
  f.key.stream = Stream::latent;  // the noise of z: a draw takes another
  part_of(LearnedGaussian{}).draw(f.pass(), f.output.view(), x.view());
  NoiseKey key = f.key;
  key.stream = Stream::data;
  for (Index j = 0; j < n; ++j) {
    double eps[3];
    normal_column(key, j, d, eps);
    for (Index i = 0; i < d; ++i) {
      const double l = 15 * std::tanh(f.output(i + d, j) / 15);
      const double want = f.output(i, j) + std::exp(l / 2) * eps[i];
      CHECK_FALSE(!(std::abs(x(i, j) - want) <= 32 * std::numeric_limits<double>::epsilon()));
    }
  }
  CHECK(x.guarded());
}
