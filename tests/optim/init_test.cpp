// SPDX-License-Identifier: MIT
#include <longhand/backend/cpu.hpp>
#include <longhand/backend/reference.hpp>
#include <longhand/layers/dense.hpp>
#include <longhand/optim/init.hpp>

#include "support/matrix.hpp"

using namespace longhand;
using namespace longhand::test;

namespace {

ParamBlock block(Index in, Index out, bool bias) {
  return {
      .inner = bias ? std::vector<Index>{} : std::vector<Index>{in}, .outputs = out, .fan_in = in};
}

}  // namespace

TEST_CASE("init: worked numbers [INIT-1] [INIT-2] [INIT-3]") {
  const auto near = [](double got, double want) { return std::abs(got - want) <= 1e-16; };
  CHECK(near(init_half_width(Init::pytorch, block(784, 400, false)), 0.03571428571428571));
  CHECK(near(init_half_width(Init::pytorch, block(784, 400, true)), 0.03571428571428571));
  CHECK(near(init_half_width(Init::glorot, block(784, 400, false)), 0.07118684968143743));
  CHECK(init_half_width(Init::glorot, block(784, 400, true)) == 0);
  CHECK(near(init_half_width(Init::he, block(784, 400, false)), 0.08748177652797065));
  CHECK(init_half_width(Init::he, block(784, 400, true)) == 0);
}

TEST_CASE_TEMPLATE("init: uniform over its width, padding zero [INIT-1] [INIT-2] [INIT-3]", B,
                   Reference<double>, Cpu<double>, Cpu<float>) {
  for (const Init init : {Init::pytorch, Init::glorot, Init::he}) {
    Bench<B> bench;
    const Dense<B> first(bench.layout, "first", 101, 33);
    const Dense<B> second(bench.layout, "second", 101, 33);
    bench.ready();
    initialize(bench.backend, init, 42, bench.theta);
    for (const BlockId id : {first.weight(), first.bias()}) {
      const double half = init_half_width(init, bench.layout[id]);
      const std::vector<double> values = flat(bench.theta[id]);
      double sum = 0, squares = 0, largest = 0;
      for (const double v : values) {
        sum += v, squares += v * v, largest = std::max(largest, std::abs(v));
      }
      const double n = static_cast<double>(values.size());
      CHECK_FALSE(!(largest <= half * (1 + 1e-7)));
      if (half == 0) continue;
      CHECK(std::abs(sum / n) < 6 * half / std::sqrt(3 * n));
      CHECK(std::abs(squares / n - half * half / 3) < 6 * half * half * std::sqrt(4 / 45.0 / n));
    }
    // Equal blocks get different numbers; another seed others; the same seed the same.
    CHECK(flat(bench.theta[first.weight()]) != flat(bench.theta[second.weight()]));
    const auto before = flat(bench.theta[first.weight()]);
    initialize(bench.backend, init, 43, bench.theta);
    CHECK(flat(bench.theta[first.weight()]) != before);
    initialize(bench.backend, init, 42, bench.theta);
    CHECK(flat(bench.theta[first.weight()]) == before);
    const View<B> all = bench.theta.flat();
    double covered = 0, everything = 0;
    for (const ParamBlock& b : bench.layout.blocks())
      for (Index k = 0; k < b.size(); ++k) covered += std::abs(all(b.offset + k));
    for (Index k = 0; k < all.rows; ++k) everything += std::abs(all(k));
    CHECK_FALSE(!(std::abs(covered - everything) <= 1e-9));
  }
}

TEST_CASE("init: the same numbers on every backend, up to the scalar's rounding") {
  const auto made = [](auto backend) {
    using B = decltype(backend);
    Bench<B> bench(backend);
    const Dense<B> layer(bench.layout, "layer", 7, 5);
    bench.ready();
    initialize(bench.backend, Init::pytorch, 1, bench.theta);
    return flat(bench.theta[layer.weight()]);
  };
  const auto want = made(Reference<double>());
  CHECK(made(Cpu<double>(2)) == want);
  const auto in_float = made(Cpu<float>(2));
  for (std::size_t k = 0; k < want.size(); ++k)
    CHECK(in_float[k] == static_cast<double>(static_cast<float>(want[k])));
}

TEST_CASE("init: number for number (2 u - 1) / sqrt(fan_in), u from the block's noise [INIT-1]") {
  using B = Reference<double>;
  Bench<B> bench;
  const Dense<B> layer(bench.layout, "layer", 5, 3);
  bench.ready();
  initialize(bench.backend, Init::pytorch, 7, bench.theta);
  for (const BlockId id : {layer.weight(), layer.bias()}) {
    const std::vector<double> got = flat(bench.theta[id]);
    std::vector<double> u(got.size());
    const NoiseKey key{.seed = 7, .step = 0, .stream = Stream::init, .draw = 0};
    uniform_column(key, static_cast<std::int64_t>(id), static_cast<std::int64_t>(u.size()),
                   u.data());
    for (std::size_t k = 0; k < got.size(); ++k)
      CHECK_FALSE(!(std::abs(got[k] - (2 * u[k] - 1) / std::sqrt(5.0)) <= 1e-16));
  }
}
