// SPDX-License-Identifier: MIT
#include "layers/net_parity.hpp"

#include <longhand/backend/cpu.hpp>

#include "instantiate/parts.hpp"
#include "support/allocation_count.hpp"

using namespace longhand;
using namespace longhand::test;

TEST_CASE("net in float: every stage within its bound, every activation [DEN-1] [DEN-2] [DEN-4]") {
  for (const Activation& activation : all_activations) {
    const std::string name = name_of(activation);
    CAPTURE(name);
    const double worst =
        worst_ratio(Cpu<float>(2), {.in = 33, .hidden = mlp({65, 17}, activation), .out = 7}, 19);
    CAPTURE(worst);
    CHECK_FALSE(!(worst <= 1));
    CHECK(worst > 1e-3);  // the bound is not idle
  }
}

TEST_CASE("net in float: awkward shapes [DEN-1] [DEN-3]") {
  for (const Index width : {1, 2, 16, 17, 64, 65})
    for (const Index n : {1, 7, 257}) {
      CAPTURE(width);
      CAPTURE(n);
      CHECK_FALSE(!(
          worst_ratio(Cpu<float>(2), {.in = 3, .hidden = mlp({width}, Silu{}), .out = 2}, n) <= 1));
    }
}

TEST_CASE("net in float: a NaN in any parameter shows in the output, every activation [ACT-1]") {
  using B = Cpu<float>;
  for (const Activation& activation : all_activations)
    for (std::uint32_t b = 0; b < 4; ++b) {
      Bench<B> bench;
      const Net<B> net(bench.layout, "net", 3, mlp({4}, activation), outputs(2));
      bench.ready();
      bench.theta[BlockId{b}](0) = std::numeric_limits<float>::quiet_NaN();
      Matrix<float> x(3, 2);
      x.randomise(7);
      Net<B>::Cache cache;
      CHECK(std::isnan(net.forward(bench.pass(), x.view(), cache)(0, 0)));
    }
}

// LLVM's OpenMP allocates for every work-sharing loop, Eigen for every product, oneDNN for
// every tile.
#if !defined(__clang__) && !defined(LONGHAND_EIGEN_PRODUCTS) && !defined(LONGHAND_ONEDNN)
TEST_CASE("net in float: nothing is allocated after the first step") {
  using B = Cpu<float>;
  Bench<B> bench(B(2));
  const Net<B> net(bench.layout, "net", 64, mlp({65, 33}, Silu{}, 0.1), outputs(17));
  bench.ready();
  Matrix<float> x(64, 257), dy(17, 257), dx(64, 257);
  x.randomise(7), dy.randomise(9);
  const auto step = [&] {
    const Pass<B> pass = bench.pass();
    Net<B>::Cache cache;
    net.forward(pass, x.view(), cache);
    net.backward(pass, cache, dy.view(), dx);
  };
  step();
  AllocationCount count;
  step();
  CHECK(count.get() == 0);
}
#endif

TEST_CASE("net in float: the same bits on 1 and 3 threads, masks included") {
  using B = Cpu<float>;
  const auto run = [](int threads) {
    Bench<B> bench{B(threads)};
    const Net<B> net(bench.layout, "net", 64, mlp({65, 33}, Gelu{}, 0.1), outputs(17));
    bench.ready();
    Matrix<float> x(64, 257), dy(17, 257), dx(64, 257);
    x.randomise(7), dy.randomise(9);
    const Pass<B> pass = bench.pass();
    Net<B>::Cache cache;
    std::vector<double> all = flat(net.forward(pass, x.view(), cache));
    net.backward(pass, cache, dy.view(), dx);
    for (const auto& more : {dx.flat(), flat(bench.grads.flat())})
      all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  CHECK(run(1) == run(3));
}
