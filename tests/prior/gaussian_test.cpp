// SPDX-License-Identifier: MIT
#include <longhand/backend/cpu.hpp>
#include <longhand/backend/reference.hpp>
#include <longhand/prior/gaussian.hpp>

#include "support/matrix.hpp"

using namespace longhand;
using namespace longhand::test;

namespace {

template <class B>
struct Fixture : Bench<B> {
  Prior<B> prior;
  Matrix<double> c, dh;
  Fixture(Index condition, std::vector<Index> hidden, Index dim, Index n, double bound)
      : prior(this->layout, condition, hidden, dim, Tanh{}, LogvarBound{bound}),
        c(condition, n),
        dh(2 * dim, n) {
    this->ready();
    c.randomise(7);
  }
  /// (mu_p; logvar_p), one column after the other.
  std::vector<double> moments(const Pass<B>& pass, typename Prior<B>::Cache& cache) {
    const PriorMoments<B> p = prior.forward(pass, c.view(), cache);
    std::vector<double> both;
    for (Index j = 0; j < c.cols(); ++j) {
      for (Index i = 0; i < p.mu.rows; ++i) both.push_back(p.mu(i, j));
      for (Index i = 0; i < p.mu.rows; ++i) both.push_back(p.logvar(i, j));
    }
    return both;
  }
};

}  // namespace

TEST_CASE_TEMPLATE("gaussian prior: gradient by differences [REP-1] [REP-5] [KL-7] [KL-8]", B,
                   Reference<double>, Cpu<double>) {
  for (const double bound : {15.0, 1.0, HUGE_VAL})
    for (const std::vector<Index>& hidden : {std::vector<Index>{}, {4}, {5, 3}}) {
      Fixture<B> f(3, hidden, 2, 4, bound);
      check_passed(check_gradient(
          "prior", f.parameters({}),
          [&] {
            typename Prior<B>::Cache cache;
            return f.moments(f.pass(), cache);
          },
          [&](std::span<const double> dy, TensorGradients& g) {
            const Pass<B> pass = f.pass();
            typename Prior<B>::Cache cache;
            f.moments(pass, cache);
            f.dh = cotangent<double>(dy, 4, 4);
            f.grads.clear();
            f.prior.backward(pass, cache, f.dh.view());
            f.give(g);
          }));
    }
}

TEST_CASE_TEMPLATE("gaussian prior: moments are the net's halves, the second one bounded [REP-1]",
                   B, Reference<double>, Cpu<double>) {
  Fixture<B> bounded(3, {4}, 2, 5, 0.5), free(3, {4}, 2, 5, HUGE_VAL);
  typename Prior<B>::Cache cache;
  const auto got = bounded.moments(bounded.pass(), cache), raw = free.moments(free.pass(), cache);
  double largest = 0;
  for (std::size_t k = 0; k < got.size(); ++k) {
    const double want = k % 4 < 2 ? raw[k] : 0.5 * std::tanh(raw[k] / 0.5);
    CHECK_FALSE(!(std::abs(got[k] - want) <= 1e-15));
    if (k % 4 >= 2) largest = std::max(largest, std::abs(raw[k]));
  }
  CHECK(largest > 0.3);  // the bound had something to do
}

TEST_CASE("gaussian prior: names, segment, and accumulation over two backwards") {
  using B = Cpu<double>;
  Fixture<B> f(3, {4}, 2, 5, 15);
  CHECK(f.prior.learned());
  CHECK(f.layout.blocks()[0].parts[0].name == "prior.0.weight");
  CHECK(f.layout.blocks()[2].parts[0].name == "prior.2.weight");
  CHECK(f.layout.blocks()[2].outputs == 4);
  for (const ParamBlock& block : f.layout.blocks()) CHECK(block.segment == Segment::prior);
  const Pass<B> pass = f.pass();
  Prior<B>::Cache cache;
  f.moments(pass, cache);
  f.poison_gradients();
  f.dh.randomise(8);
  f.prior.backward(pass, cache, f.dh.view());
  const auto once = flat(f.grads[BlockId{0}]);
  f.dh.randomise(8);
  f.prior.backward(pass, cache, f.dh.view());
  const auto twice = flat(f.grads[BlockId{0}]);
  for (std::size_t k = 0; k < once.size(); ++k) CHECK(twice[k] == 2 * once[k]);
}

TEST_CASE("gaussian prior: frozen writes no gradient, wrong conditions are refused") {
  using B = Cpu<double>;
  Fixture<B> f(3, {4}, 2, 5, 15);
  Prior<B>::Cache cache;
  const Pass<B> pass = f.frozen();
  f.moments(pass, cache);
  f.poison_gradients();
  f.dh.randomise(8);
  f.prior.backward(pass, cache, f.dh.view());
  for (const double g : f.flat_gradients()) CHECK(std::isnan(g));
  Matrix<double> four(4, 5);
  check_refused("mlp: input", [&] { f.prior.forward(f.pass(), four.view(), cache); });
}

TEST_CASE("standard normal prior: owns nothing, has no moments [KL-1]") {
  using B = Cpu<double>;
  Bench<B> bench;
  bench.ready();
  const Prior<B> prior;
  Prior<B>::Cache cache;
  CHECK(!prior.learned());
  const PriorMoments<B> p = prior.forward(bench.pass(), {}, cache);
  CHECK(!p.mu.present());
  CHECK(!p.logvar.present());
  prior.backward(bench.pass(), cache, {});
  CHECK(bench.layout.size() == 0);
}
