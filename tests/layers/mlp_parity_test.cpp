// SPDX-License-Identifier: MIT
#include "layers/mlp_parity.hpp"

#include <longhand/backend/cpu.hpp>

#include "support/allocation_count.hpp"

using namespace longhand;
using namespace longhand::test;

TEST_CASE("mlp in float: every stage within its bound, every activation [DEN-1] [DEN-2] [DEN-4]") {
  for (const Activation& activation : all_activations) {
    const std::string name = name_of(activation);
    CAPTURE(name);
    const double worst = worst_ratio(
        Cpu<float>(2), {.in = 33, .hidden = {65, 17}, .out = 7, .activation = activation}, 19);
    CAPTURE(worst);
    CHECK_FALSE(!(worst <= 1));
    CHECK(worst > 1e-3);  // the bound is not idle
  }
}

TEST_CASE("mlp in float: awkward shapes [DEN-1] [DEN-3]") {
  for (const Index width : {1, 2, 16, 17, 64, 65})
    for (const Index n : {1, 7, 257}) {
      CAPTURE(width);
      CAPTURE(n);
      CHECK_FALSE(
          !(worst_ratio(Cpu<float>(2), {.in = 3, .hidden = {width}, .out = 2, .activation = Silu{}},
                        n) <= 1));
    }
}

TEST_CASE("mlp in float: a NaN in any parameter shows in the output, every activation [ACT-1]") {
  using B = Cpu<float>;
  for (const Activation& activation : all_activations)
    for (std::uint32_t b = 0; b < 4; ++b) {
      Bench<B> bench;
      const Mlp<B> net(bench.layout, Segment::encoder, "net",
                       {.in = 3, .hidden = {4}, .out = 2, .activation = activation});
      bench.ready();
      bench.theta[BlockId{b}](0) = std::numeric_limits<float>::quiet_NaN();
      Matrix<float> x(3, 2);
      x.randomise(7);
      Mlp<B>::Cache cache;
      CHECK(std::isnan(net.forward(bench.pass(), x.view(), cache)(0, 0)));
    }
}

// LLVM's OpenMP allocates for every work-sharing loop, oneDNN for every tile.
#if !defined(__clang__) && !defined(LONGHAND_ONEDNN)
TEST_CASE("mlp in float: nothing is allocated after the first step") {
  using B = Cpu<float>;
  Bench<B> bench(B(2));
  const Mlp<B> net(bench.layout, Segment::encoder, "net",
                   {.in = 64, .hidden = {65, 33}, .out = 17, .activation = Silu{}, .dropout = 0.1});
  bench.ready();
  Matrix<float> x(64, 257), dy(17, 257), dx(64, 257);
  x.randomise(7), dy.randomise(9);
  const auto step = [&] {
    const Pass<B> pass = bench.pass();
    Mlp<B>::Cache cache;
    net.forward(pass, x.view(), cache);
    net.backward(pass, cache, dy.view(), dx);
  };
  step();
  AllocationCount count;
  step();
  CHECK(count.get() == 0);
}
#endif
