// SPDX-License-Identifier: MIT
#include <longhand/likelihood/bernoulli.hpp>

#include "per_element.hpp"

using namespace longhand;
using namespace longhand::test;

TEST_CASE_TEMPLATE("bernoulli likelihood: worked numbers, summed per row [BER-2] [BER-3] [BER-4]",
                   B, Reference<double>, Cpu<double>, Cpu<float>) {
  using S = typename B::Scalar;
  const Bernoulli likelihood;
  LikelihoodFixture<B> f(likelihood, 2, 1);
  const S a[] = {S(0.8), S(-1.5)}, t[] = {1, S(0.3)};
  f.backend.upload(a, f.output.view());
  f.backend.upload(t, f.target.view());
  likelihood.value_and_gradient(f.pass(), constant<B>(2), f.output.view(), f.batch(false),
                                f.nll.view(), f.doutput.view());
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
  check_likelihood_gradient<B>(Bernoulli());
}
TEST_CASE_TEMPLATE("bernoulli likelihood: contract, masks and extremes [BER-2]", B,
                   Reference<double>, Cpu<double>, Cpu<float>) {
  check_likelihood_contract<B>(Bernoulli());
  check_likelihood_mask<B>(Bernoulli());
  check_likelihood_extremes<B>(Bernoulli(), {-1e30, -710, -88, -0.0, 0, 88, 710, 1e30});
}
TEST_CASE("bernoulli likelihood: float, shapes, allocations [BER-2] [BER-3]") {
  check_likelihood_parity(Bernoulli(), 2, 6);  // |a| <= 3: no term above nll + a + a t
  check_likelihood_shapes(Bernoulli());
  check_likelihood_allocations(Bernoulli());
}

TEST_CASE("bernoulli likelihood: draws are 0 or 1, 1 as often as the mean says [BER-4]") {
  using B = Cpu<double>;
  const Bernoulli likelihood;
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

TEST_CASE("any likelihood: hands every call on [BER-2] [BER-4]") {
  using B = Cpu<double>;
  const AnyLikelihood any = Bernoulli();
  CHECK(std::string(any.name()) == "bernoulli");
  CHECK(any.domain() == std::pair<double, double>{0, 1});
  CHECK(any.output_rows(7) == 7);
  LikelihoodFixture<B> f(any, 3, 4), g(any, 3, 4);
  const auto w = per_sample(f.weights.view());
  any.value_and_gradient<B>(f.pass(), w, f.output.view(), f.batch(true), f.nll, f.doutput);
  Bernoulli().value_and_gradient<B>(g.pass(), w, g.output.view(), g.batch(true), g.nll, g.doutput);
  CHECK(f.nll.flat() == g.nll.flat());
  CHECK(f.doutput.flat() == g.doutput.flat());
  f.nll.poison(), f.doutput.poison();
  any.value<B>(f.pass(), f.output.view(), f.batch(true), f.nll);
  any.gradient<B>(f.pass(), w, f.output.view(), f.batch(true), f.doutput);
  CHECK(f.nll.flat() == g.nll.flat());
  CHECK(f.doutput.flat() == g.doutput.flat());
  Matrix<double> one(3, 4), two(3, 4);
  any.mean<B>(f.pass(), f.output.view(), one);
  Bernoulli().mean<B>(f.pass(), f.output.view(), two);
  CHECK(one.flat() == two.flat());
  any.draw<B>(f.pass(), f.output.view(), one);
  Bernoulli().draw<B>(f.pass(), f.output.view(), two);
  CHECK(one.flat() == two.flat());
}
