// SPDX-License-Identifier: MIT
#include <longhand/backend/cpu.hpp>
#include <longhand/backend/reference.hpp>
#include <longhand/gradcheck/check_latent.hpp>
#include <longhand/latent/deterministic.hpp>

#include "support/matrix.hpp"

using namespace longhand;
using namespace longhand::test;

TEST_CASE_TEMPLATE("deterministic latent: z = h and dh = dz, to the bit [REP-6] [REP-7]", B,
                   Reference<double>, Cpu<double>, Cpu<float>) {
  using S = typename B::Scalar;
  for (const auto& [dim, n] : {std::array<Index, 2>{1, 1}, {2, 7}, {33, 257}, {3, 0}}) {
    Bench<B> bench;
    bench.ready();
    const DeterministicLatent latent{dim};
    Matrix<S> h(dim, n, 2), z(dim, n, 1), mean(dim, n), dz(dim, n, 3), dh(dim, n, 2);
    h.randomise(1), dz.randomise(2);
    const Pass<B> pass = bench.pass();
    LatentCache<B> cache;
    latent.sample(pass, h.view(), z.view(), cache);
    latent.mean(pass, h.view(), mean.view(), View<B>{});
    latent.backward(pass, cache, dz.view(), dh.view());
    CHECK(z.flat() == h.flat());
    CHECK(mean.flat() == h.flat());
    CHECK(dh.flat() == dz.flat());
    latent.backward(pass, cache, dz.view(), dh.view());  // assigns
    CHECK(dh.flat() == dz.flat());
    for (const auto* m : {&h, &z, &dz, &dh}) CHECK(m->guarded());
  }
}

TEST_CASE("deterministic latent: gradient and contracts [REP-7]") {
  LONGHAND_CHECK(check_latent("deterministic", DeterministicLatent{3}));
}

TEST_CASE("deterministic latent: wrong shapes are refused by name") {
  using B = Cpu<double>;
  Bench<B> bench;
  bench.ready();
  const DeterministicLatent latent{3};
  Matrix<double> three(3, 4), four(4, 4);
  LatentCache<B> cache;
  check_refused("latent: h",
                [&] { latent.sample(bench.pass(), four.view(), three.view(), cache); });
  check_refused("latent: z",
                [&] { latent.sample(bench.pass(), three.view(), four.view(), cache); });
  check_refused("latent: dh",
                [&] { latent.backward(bench.pass(), cache, three.view(), four.view()); });
}
