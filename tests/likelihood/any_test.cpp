// SPDX-License-Identifier: MIT
#include "per_element.hpp"

using namespace longhand;
using namespace longhand::test;

namespace {

using B = Cpu<double>;

template <class Spec>
void check_hands_on(const Spec& spec) {
  const AnyLikelihood any = LikelihoodSpec(spec);
  const auto own = part_of(spec);
  CHECK(std::string(any.name()) == Spec::name);
  CHECK(any.domain() == own.domain());
  CHECK(any.output_rows(7) == own.output_rows(7));
  CHECK(any.output_rows(7) == 7 * outputs_per_feature(spec));
  LikelihoodFixture<B> f(any, 3, 4), g(own, 3, 4);
  const ConstView<B> w = f.weights.view();
  any.value_and_gradient<B>(f.pass(), w, f.output.view(), f.batch(true), f.nll, f.doutput);
  own.template value_and_gradient<B>(g.pass(), w, g.output.view(), g.batch(true), g.nll, g.doutput);
  CHECK(f.nll.flat() == g.nll.flat());
  CHECK(f.doutput.flat() == g.doutput.flat());
  f.nll.poison(), f.doutput.poison();
  any.value<B>(f.pass(), f.output.view(), f.batch(true), f.nll);
  any.gradient<B>(f.pass(), w, f.output.view(), f.batch(true), f.doutput);
  CHECK(f.nll.flat() == g.nll.flat());
  CHECK(f.doutput.flat() == g.doutput.flat());
  Matrix<double> one(3, 4), two(3, 4);
  any.mean<B>(f.pass(), f.output.view(), one);
  own.template mean<B>(f.pass(), f.output.view(), two);
  CHECK(one.flat() == two.flat());
  any.draw<B>(f.pass(), f.output.view(), one);
  own.template draw<B>(f.pass(), f.output.view(), two);
  CHECK(one.flat() == two.flat());
}

}  // namespace

TEST_CASE("any likelihood: hands every call on [BER-2] [BER-4] [GAU-1] [GAU-3]") {
  check_hands_on(Bernoulli{});
  check_hands_on(Gaussian{.variance = 0.3, .output = OutputMap::sigmoid});
  check_hands_on(LearnedGaussian{.logvar_bound = 2});
}

TEST_CASE("any likelihood: refuses what it cannot make, by name") {
  const auto make = [](const LikelihoodSpec& spec) { return [=] { AnyLikelihood{spec}; }; };
  check_refused("likelihood variance", make(Gaussian{.variance = -1}));
  check_refused("'laplace' is a type of the program", make(CustomLikelihood{"laplace"}));
  check_refused("'laplace' is a type of the program",
                [] { outputs_per_feature(CustomLikelihood{"laplace"}); });
}

TEST_CASE("likelihood spec: names and outputs per feature") {
  CHECK(name_of(LikelihoodSpec(Bernoulli{})) == "bernoulli");
  CHECK(name_of(LikelihoodSpec(Gaussian{})) == "gaussian");
  CHECK(name_of(LikelihoodSpec(LearnedGaussian{})) == "gaussian-learned");
  CHECK(name_of(LikelihoodSpec(CustomLikelihood{"laplace"})) == "laplace");
  CHECK(outputs_per_feature(Gaussian{}) == 1);
  CHECK(outputs_per_feature(LearnedGaussian{}) == 2);
}
