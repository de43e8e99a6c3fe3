// SPDX-License-Identifier: MIT
#include <longhand/backend/cpu.hpp>
#include <longhand/backend/reference.hpp>
#include <longhand/gradcheck/check_latent.hpp>
#include <longhand/latent/gaussian_prior.hpp>

#include "instantiate/parts.hpp"
#include "support/matrix.hpp"

using namespace longhand;
using namespace longhand::test;

namespace {

PriorSpec learned(const std::vector<Index>& hidden) {
  return ConditionalPrior{mlp(hidden, Tanh{})};
}

template <class B>
struct Fixture : Bench<B> {
  GaussianPrior<B> prior;
  Matrix<double> c;
  Fixture(Index condition, const std::vector<Index>& hidden, Index dim, Index n, double bound)
      : prior(this->layout, learned(hidden), condition, dim, LogvarBound{bound}), c(condition, n) {
    this->ready();
    c.randomise(7);
  }
  /// (mu_p; logvar_p), one column after the other.
  std::vector<double> moments(const Pass<B>& pass, typename GaussianPrior<B>::Cache& cache) {
    const PriorMoments<B> p = prior.forward(pass, c.view(), cache);
    CHECK(p.present());
    std::vector<double> both;
    for (Index j = 0; j < c.cols(); ++j) {
      for (Index i = 0; i < p.mu.rows; ++i) both.push_back(p.mu(i, j));
      for (Index i = 0; i < p.mu.rows; ++i) both.push_back(p.logvar(i, j));
    }
    return both;
  }
};

}  // namespace

// Its gradient enters from the KL, as in training.
TEST_CASE_TEMPLATE("gaussian prior: gradient and contracts [REP-1] [REP-5] [KL-7] [KL-8]", B,
                   Reference<double>, Cpu<double>) {
  for (const double bound : {15.0, 1.0, HUGE_VAL})
    for (const std::vector<Index>& hidden : {std::vector<Index>{}, {4}, {5, 3}})
      LONGHAND_CHECK(check_latent<B>(
          "gaussian latent with a learned prior",
          [&]<class On>(ParamLayout& layout) {
            return GaussianLatent<On>(
                layout, {.dim = 2, .logvar_bound = bound, .prior = learned(hidden)}, 3);
          },
          {.condition_dim = 3}));
}

TEST_CASE_TEMPLATE("gaussian prior: moments are the net's halves, the second one bounded [REP-1]",
                   B, Reference<double>, Cpu<double>) {
  Fixture<B> bounded(3, {4}, 2, 5, 0.5), free(3, {4}, 2, 5, HUGE_VAL);
  typename GaussianPrior<B>::Cache cache;
  const auto got = bounded.moments(bounded.pass(), cache), raw = free.moments(free.pass(), cache);
  double largest = 0;
  for (std::size_t k = 0; k < got.size(); ++k) {
    const double want = k % 4 < 2 ? raw[k] : 0.5 * std::tanh(raw[k] / 0.5);
    CHECK_FALSE(!(std::abs(got[k] - want) <= 1e-15));
    if (k % 4 >= 2) largest = std::max(largest, std::abs(raw[k]));
  }
  CHECK(largest > 0.3);  // the bound had something to do
}

TEST_CASE("gaussian prior: names and segment; wrong conditions are refused") {
  using B = Cpu<double>;
  Fixture<B> f(3, {4}, 2, 5, 15);
  CHECK(f.prior.learned());
  CHECK(f.layout.blocks()[0].parts[0].name == "prior.0.weight");
  CHECK(f.layout.blocks()[2].parts[0].name == "prior.2.weight");
  CHECK(f.layout.blocks()[2].outputs == 4);
  REQUIRE(f.layout.segments().size() == 1);
  CHECK(f.layout.segment("prior").blocks == 4);
  GaussianPrior<B>::Cache cache;
  Matrix<double> four(4, 5);
  check_refused("net: input", [&] { f.prior.forward(f.pass(), four.view(), cache); });
}

TEST_CASE("standard normal prior: owns nothing, has no moments [KL-1]") {
  using B = Cpu<double>;
  Bench<B> bench;
  const GaussianPrior<B> none, prior(bench.layout, StandardNormal{}, 0, 3, LogvarBound{});
  bench.ready();
  for (const GaussianPrior<B>* p : {&none, &prior}) {
    GaussianPrior<B>::Cache cache;
    CHECK(!p->learned());
    const PriorMoments<B> moments = p->forward(bench.pass(), {}, cache);
    CHECK(!moments.present());
    CHECK(!moments.mu.present());
    CHECK(!moments.logvar.present());
    p->backward(bench.pass(), cache, {});
  }
  CHECK(bench.layout.size() == 0);
  CHECK(bench.layout.segments().empty());
}
