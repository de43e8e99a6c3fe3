// SPDX-License-Identifier: MIT
#include "per_element.hpp"

using namespace longhand;
using namespace longhand::test;

TEST_CASE_TEMPLATE("bernoulli likelihood: worked numbers, summed per row [BER-2] [BER-3] [BER-4]",
                   B, Reference<double>, Cpu<double>, Cpu<float>) {
  using S = typename B::Scalar;
  const auto likelihood = part_of(Bernoulli{});
  LikelihoodFixture<B> f(likelihood, 2, 1);
  const S a[] = {S(0.8), S(-1.5)}, t[] = {1, S(0.3)};
  f.backend.upload(a, f.output.view());
  f.backend.upload(t, f.target.view());
  Matrix<S> w(1, 1);
  w.fill(2);
  likelihood.value_and_gradient(f.pass(), w.view(), f.output.view(), f.batch(false), f.nll.view(),
                                f.doutput.view());
  Matrix<S> mean(2, 1);
  likelihood.mean(f.pass(), f.output.view(), mean.view());
  const double e = 4 * std::numeric_limits<S>::epsilon();
  CHECK_FALSE(!(std::abs(f.nll(0) - (0.37110066594777774 + 0.6514132779827524)) <= e));
  CHECK_FALSE(!(std::abs(f.doutput(0) - 2 * -0.31002551887238755) <= e));
  CHECK_FALSE(!(std::abs(f.doutput(1) - 2 * -0.11757447619364365) <= e));
  CHECK_FALSE(!(std::abs(mean(0) - 0.6899744811276124) <= e));
  CHECK_FALSE(!(std::abs(mean(1) - 0.18242552380635635) <= e));
}

TEST_CASE_TEMPLATE("bernoulli likelihood: gradient and contracts [BER-3]", B, Reference<double>,
                   Cpu<double>) {
  check_likelihood_gradient<B>(part_of(Bernoulli{}));
}
TEST_CASE_TEMPLATE("bernoulli likelihood: contract, masks and extremes [BER-2]", B,
                   Reference<double>, Cpu<double>, Cpu<float>) {
  check_likelihood_contract<B>(part_of(Bernoulli{}));
  check_likelihood_rows<B>(part_of(Bernoulli{}));
  check_likelihood_mask<B>(part_of(Bernoulli{}));
  check_likelihood_extremes<B>(part_of(Bernoulli{}), {-1e30, -710, -88, -0.0, 0, 88, 710, 1e30});
}
TEST_CASE("bernoulli likelihood: float, shapes, allocations [BER-2] [BER-3]") {
  check_likelihood_parity(part_of(Bernoulli{}), 2, 6);  // |a| <= 3: no term above nll + a + a t
  check_likelihood_shapes(part_of(Bernoulli{}));
  check_likelihood_allocations(part_of(Bernoulli{}));
}

TEST_CASE("bernoulli likelihood: draws are 0 or 1, 1 as often as the mean says [BER-4]") {
  using B = Cpu<double>;
  const auto likelihood = part_of(Bernoulli{});
  LikelihoodFixture<B> f(likelihood, 100, 200);
  f.output.fill(0.8);
  Matrix<double> x(100, 200), again(100, 200);
  likelihood.draw(f.pass(), f.output.view(), x.view());
  likelihood.draw(f.pass(), f.output.view(), again.view());
  CHECK(x.flat() == again.flat());
  double ones = 0;
  for (const double v : x.flat()) {
    CHECK((v == 0 || v == 1));
    ones += v;
  }
  CHECK(std::abs(ones - 20000 * 0.6899744811276124) < 6 * std::sqrt(20000 * 0.69 * 0.31));
}
