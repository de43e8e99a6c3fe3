// SPDX-License-Identifier: MIT
#include <longhand/backend/cpu.hpp>
#include <longhand/latent/any.hpp>

#include "instantiate/parts.hpp"
#include "support/matrix.hpp"

using namespace longhand;
using namespace longhand::test;

namespace {

using B = Cpu<double>;

/// All that a latent computes, in one list.
template <class L>
std::vector<double> everything(const typename L::Spec& spec, bool weighed) {
  Bench<B> bench;
  const L latent(bench.layout, spec, 2);
  bench.ready();
  const Index dim = latent.z_rows(), n = 4;
  Matrix<double> h(latent.head_rows(), n), condition(2, n), z(dim, n), dz(dim, n), w(1, n),
      dh(latent.head_rows(), n), kl(1, n), mean(dim, n), units(latent.units(), 1);
  h.randomise(1, -2, 2), condition.randomise(2), dz.randomise(3), w.randomise(4, 0.2, 2);
  kl.fill(0), units.fill(0);
  const Pass<B> pass = bench.pass();
  typename L::Cache cache;
  latent.forward(pass, h.view(), condition.view(), z.view(), cache);
  latent.backward(pass, cache, weighed ? ConstView<B>(w.view()) : ConstView<B>{}, dz.view(),
                  dh.view(), kl.view());
  std::vector<double> all{
      static_cast<double>(latent.head_rows()), static_cast<double>(latent.units()),
      static_cast<double>(latent.terms().size()), latent.has_density() ? 1.0 : 0.0};
  const auto add = [&](const std::vector<double>& more) {
    all.insert(all.end(), more.begin(), more.end());
  };
  add(z.flat()), add(dh.flat()), add(kl.flat());
  latent.values(pass, cache, kl.view());
  latent.statistics(pass, cache, units.view(), mean.view());
  add(kl.flat()), add(units.flat()), add(mean.flat());
  mean.poison();
  latent.mean(pass, h.view(), mean.view());
  add(mean.flat());
  if (latent.has_density()) {
    latent.from_prior(pass, condition.view(), z.view());
    add(z.flat());
  }
  bench.grads.zero_unwritten(bench.backend);
  add(flat(bench.grads.flat()));
  return all;
}

}  // namespace

TEST_CASE("any latent: hands every call on [REP-2] [REP-6]") {
  const GaussianLatentSpec plain{.dim = 3},
      learned{.dim = 2, .prior = ConditionalPrior{mlp({4}, Tanh{})}};
  for (const bool weighed : {true, false}) {
    for (const GaussianLatentSpec& spec : {plain, learned})
      CHECK(everything<AnyLatent<B>>(spec, weighed) ==
            everything<GaussianLatent<B>>(spec, weighed));
    CHECK(everything<AnyLatent<B>>(CodeSpec{.dim = 3}, weighed) ==
          everything<CodeLatent<B>>(CodeSpec{.dim = 3}, weighed));
  }
}

TEST_CASE("any latent: a code cannot be drawn from a prior") {
  Bench<B> bench;
  const AnyLatent<B> latent(bench.layout, CodeSpec{.dim = 2}, 0);
  bench.ready();
  Matrix<double> z(2, 3);
  check_refused("an autoencoder has no prior",
                [&] { latent.from_prior(bench.pass(), {}, z.view()); });
}

TEST_CASE("latent spec: heads, rows and densities") {
  const LatentSpec gaussian = GaussianLatentSpec{.dim = 3}, code = CodeSpec{.dim = 4};
  CHECK(z_rows(gaussian) == 3);
  CHECK(z_rows(code) == 4);
  CHECK(has_density(gaussian));
  CHECK(!has_density(code));
  CHECK(head_of(gaussian).size() == 6);
  CHECK(head_of(gaussian).parts[1].first == "logvar");
  CHECK(head_of(code).size() == 4);
}
