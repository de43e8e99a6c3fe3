// SPDX-License-Identifier: MIT
#include <longhand/backend/cpu.hpp>
#include <longhand/backend/reference.hpp>
#include <longhand/gradcheck/check_latent.hpp>
#include <longhand/latent/code.hpp>

#include "support/matrix.hpp"

using namespace longhand;
using namespace longhand::test;

TEST_CASE_TEMPLATE("code latent: z = h and dh = dz, to the bit [REP-6] [REP-7]", B,
                   Reference<double>, Cpu<double>, Cpu<float>) {
  using S = typename B::Scalar;
  for (const auto& [dim, n] : {std::array<Index, 2>{1, 1}, {2, 7}, {33, 257}, {3, 0}}) {
    Bench<B> bench;
    const CodeLatent<B> latent(bench.layout, {.dim = dim}, 0);
    bench.ready();
    Matrix<S> h(dim, n, 2), z(dim, n, 1), mean(dim, n), means(dim, n), dz(dim, n, 3), dh(dim, n, 2);
    h.randomise(1), dz.randomise(2);
    const Pass<B> pass = bench.pass();
    typename CodeLatent<B>::Cache cache;
    latent.forward(pass, h.view(), {}, z.view(), cache);
    latent.mean(pass, h.view(), mean.view());
    latent.statistics(pass, cache, {}, means.view());
    latent.backward(pass, cache, {}, dz.view(), dh.view(), {});
    CHECK(z.flat() == h.flat());
    CHECK(mean.flat() == h.flat());
    CHECK(means.flat() == h.flat());
    CHECK(dh.flat() == dz.flat());
    latent.backward(pass, cache, {}, dz.view(), dh.view(), {});  // assigns
    CHECK(dh.flat() == dz.flat());
    for (const auto* m : {&h, &z, &dz, &dh}) CHECK(m->guarded());
  }
}

TEST_CASE("code latent: gradient and contracts [REP-7]") {
  LONGHAND_CHECK(check_latent(
      "code", []<class B>(ParamLayout& layout) { return CodeLatent<B>(layout, {.dim = 3}, 0); }));
}

TEST_CASE("code latent: no density, no terms, no parameters, no draws") {
  using B = Cpu<double>;
  Bench<B> bench;
  const CodeLatent<B> latent(bench.layout, {.dim = 3}, 0);
  bench.ready();
  CHECK(!latent.has_density());
  CHECK(latent.terms().empty());
  CHECK(latent.head_rows() == 3);
  CHECK(latent.z_rows() == 3);
  CHECK(latent.units() == 3);
  CHECK(bench.layout.blocks().empty());
  Matrix<double> z(3, 2);
  check_refused("an autoencoder has no prior",
                [&] { latent.from_prior(bench.pass(), {}, z.view()); });
}

TEST_CASE("code latent: wrong shapes are refused by name") {
  using B = Cpu<double>;
  Bench<B> bench;
  const CodeLatent<B> latent(bench.layout, {.dim = 3}, 0);
  bench.ready();
  Matrix<double> three(3, 4), four(4, 4);
  CodeLatent<B>::Cache cache;
  check_refused("latent: h",
                [&] { latent.forward(bench.pass(), four.view(), {}, three.view(), cache); });
  check_refused("latent: z",
                [&] { latent.forward(bench.pass(), three.view(), {}, four.view(), cache); });
  check_refused("latent: dh",
                [&] { latent.backward(bench.pass(), cache, {}, three.view(), four.view(), {}); });
}
