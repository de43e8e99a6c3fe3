// SPDX-License-Identifier: MIT
#include <longhand/backend/cpu.hpp>
#include <longhand/backend/reference.hpp>
#include <longhand/gradcheck/check_layer.hpp>
#include <longhand/layers/net.hpp>
#include <set>

#include "instantiate/parts.hpp"
#include "support/matrix.hpp"

using namespace longhand;
using namespace longhand::test;

namespace {

template <class B>
struct Fixture : Bench<B> {
  using S = typename B::Scalar;
  using Cache = typename Net<B>::Cache;
  Net<B> net;
  Matrix<S> x, dx;
  Fixture(Index in, const NetSpec& hidden, Index out, Index n, B on = B())
      : Bench<B>(on), net(this->layout, "net", in, hidden, outputs(out)), x(in, n), dx(in, n) {
    this->ready();
    x.randomise(7);
  }
};

template <class B>
void check_net(const char* name, Index in, const NetSpec& hidden, const OutputSpec& out,
               Mode mode = Mode::train) {
  LONGHAND_CHECK(check_layer<B>(
      std::string("net, ") + name,
      [&]<class On>(ParamLayout& layout) { return Net<On>(layout, "net", in, hidden, out); },
      {.mode = mode}));
}

const Activation all_activations[] = {Relu{}, LeakyRelu{}, Tanh{}, Sigmoid{}, Softplus{},
                                      Elu{},  Silu{},      Gelu{}, Identity{}};

/// The factors of a stage's mask, as its noise stream has them.
std::vector<double> expected_mask(NoiseKey key, int stream, double p, Index rows, Index cols) {
  key.stream = static_cast<Stream>(stream);
  std::vector<double> mask;
  for (Index j = 0; j < cols; ++j) {
    std::vector<double> u(static_cast<std::size_t>(rows));
    uniform_column(key, j, rows, u.data());
    for (const double v : u) mask.push_back(v < p ? 0 : 1 / (1 - p));
  }
  return mask;
}

}  // namespace

TEST_CASE_TEMPLATE("net: gradient and contracts, every activation [DEN-2] [DEN-3] [DEN-4]", B,
                   Reference<double>, Cpu<double>) {
  for (const Activation& activation : all_activations)
    check_net<B>(name_of(activation), 3, mlp({5, 4}, activation), outputs(2));
}

TEST_CASE_TEMPLATE("net: gradient and contracts, other shapes and dropout [DRO-2]", B,
                   Reference<double>, Cpu<double>) {
  check_net<B>("no hidden stage", 3, {}, outputs(2));
  check_net<B>("wide", 2, mlp({17}, Tanh{}), outputs(1));
  check_net<B>("head", 4, mlp({3}, Tanh{}), OutputSpec{{{"mu", 3}, {"logvar", 3}}});
  const NetSpec dropped = mlp({6, 5}, Tanh{}, 0.3);
  check_net<B>("dropout", 3, dropped, outputs(2));
  check_net<B>("dropout, evaluating", 3, dropped, outputs(2), Mode::eval);
  check_net<B>("dropout behind silu", 3, mlp({6, 5}, Silu{}, 0.5), outputs(2));
  // Every stage is its own: widths, activations and rates differ, some without dropout.
  check_net<B>(
      "mixed", 3,
      {{{DenseSpec{4}, Gelu{}, 0}, {DenseSpec{6}, Tanh{}, 0.4}, {DenseSpec{3}, Silu{}, 0}}},
      outputs(2));
}

TEST_CASE("net: each stage is act(W x + b), the last one linear [DEN-1]") {
  Fixture<Cpu<double>> f(3, mlp({4}, Sigmoid{}), 2, 5);
  const Pass<Cpu<double>> pass = f.pass();
  Fixture<Cpu<double>>::Cache cache;
  const auto y = f.net.forward(pass, f.x.view(), cache);
  const auto block = [&](std::uint32_t b) { return pass.theta[BlockId{b}]; };
  for (Index j = 0; j < 5; ++j)
    for (Index o = 0; o < 2; ++o) {
      double sum = block(3)(0, o);
      for (Index h = 0; h < 4; ++h) {
        double a = block(1)(0, h);
        for (Index i = 0; i < 3; ++i) a += block(0)(i, h) * f.x(i, j);
        sum += block(2)(h, o) / (1 + std::exp(-a));
      }
      CHECK_FALSE(!(std::abs(y(o, j) - sum) <= 1e-14));
    }
}

TEST_CASE_TEMPLATE("net: dropout while training only, scaled, another mask per key [DRO-1]", B,
                   Reference<double>, Cpu<double>) {
  Fixture<B> f(3, mlp({100}, Softplus{}, 0.25), 1, 50);
  typename Fixture<B>::Cache cache;
  const auto train = flat(f.net.forward(f.pass(), f.x.view(), cache));
  const auto factors = flat(cache[0].factor);
  int dropped = 0, other = 0;
  for (const double m : factors) {
    dropped += m == 0;
    other += m != 0 && m != 1 / 0.75;
  }
  CHECK(other == 0);
  CHECK(dropped > 1050);  // 1250 ± 31: six deviations either way
  CHECK(dropped < 1450);
  CHECK(flat(f.net.forward(f.pass(), f.x.view(), cache)) == train);  // same key, same mask
  ++f.key.step;
  f.net.forward(f.pass(), f.x.view(), cache);
  CHECK(flat(cache[0].factor) != factors);
  f.mode = Mode::eval;
  f.net.forward(f.pass(), f.x.view(), cache);
  CHECK(!cache[0].factor.present());
}

TEST_CASE("net: names of torch.nn.Sequential(Linear, Act, Linear, ...)") {
  ParamLayout layout;
  const Net<Cpu<float>> net(layout, "encoder", 3, mlp({4, 5}),
                            OutputSpec{{{"mu", 3}, {"logvar", 3}}});
  const Net<Cpu<float>> last(layout, "decoder", 6, mlp({2}), outputs(3));
  std::string names;
  for (const ParamBlock& block : layout.blocks())
    for (const ParamBlock::Part& part : block.parts) names += part.name + " ";
  CHECK(names ==
        "encoder.0.weight encoder.0.bias encoder.2.weight encoder.2.bias "
        "mu.weight logvar.weight mu.bias logvar.bias "
        "decoder.0.weight decoder.0.bias decoder.2.weight decoder.2.bias ");
  CHECK(net.in() == 3);
  CHECK(net.out() == 6);
  CHECK(last.in() == 6);
  CHECK(last.out() == 3);
}

TEST_CASE("net: wrong shapes and rates are refused by name") {
  using B = Cpu<double>;
  Fixture<B> f(5, mlp({4}), 3, 2);
  Matrix<double> four(4, 2);
  Fixture<B>::Cache cache;
  check_refused("net: input", [&] { f.net.forward(f.pass(), four.view(), cache); });
  const Pass<B> pass = f.pass();
  const auto y = f.net.forward(pass, f.x.view(), cache);
  check_refused("net: dy", [&] { f.net.backward(pass, cache, four.view(), f.dx); });
  check_refused("dense: dx", [&] { f.net.backward(pass, cache, y, four); });
  for (const double p : {-0.1, 1.0, std::nan("")})
    check_refused("dropout is", [&] { Net<B>(f.layout, "x", 2, mlp({2}, Relu{}, p), outputs(2)); });
  check_refused("parameter block 'x.0.weight' is 2 x 0",
                [&] { Net<B>(f.layout, "x", 2, mlp({0}), outputs(2)); });
}

TEST_CASE_TEMPLATE("net: dropout's masks come from streams of their own, one per stage [DRO-1]", B,
                   Reference<double>, Cpu<double>) {
  Bench<B> bench;
  // Two nets of one model, and two stages of each, of equal shapes.
  const Net<B> first(bench.layout, "first", 2, mlp({5, 5}, Relu{}, 0.4), outputs(2)),
      second(bench.layout, "second", 2, mlp({5, 5}, Relu{}, 0.4), outputs(1));
  bench.ready();
  Matrix<double> x(2, 30);
  x.randomise(7);
  const Pass<B> pass = bench.pass();
  typename Net<B>::Cache caches[2];
  first.forward(pass, x.view(), caches[0]);
  second.forward(pass, x.view(), caches[1]);
  std::set<std::vector<double>> masks;
  int stream = 1024;
  for (const auto& cache : caches)
    for (std::size_t stage = 0; stage < 2; ++stage) {
      const std::vector<double> mask = flat(cache[stage].factor);
      CHECK(mask == expected_mask(bench.key, stream++, 0.4, 5, 30));
      masks.insert(mask);
    }
  CHECK(masks.size() == 4);
  // The draw number is the importance sample's: its copies have masks of their own.
  const std::vector<double> mask = flat(caches[0][1].factor);
  bench.key.draw = 1;
  first.forward(bench.pass(), x.view(), caches[0]);
  CHECK(flat(caches[0][1].factor) != mask);
  CHECK(flat(caches[0][1].factor) == expected_mask(bench.key, 1025, 0.4, 5, 30));
}

TEST_CASE("net: a stream is kept for every hidden stage, with dropout or without") {
  using B = Cpu<double>;
  Bench<B> bench;
  const Net<B> first(bench.layout, "first", 2, mlp({5, 6, 7}), outputs(2)),
      linear(bench.layout, "linear", 2, {}, outputs(2)),
      second(bench.layout, "second", 2, {{{DenseSpec{5}, Relu{}, 0}, {DenseSpec{5}, Relu{}, 0.4}}},
             outputs(2));
  bench.ready();
  Matrix<double> x(2, 9);
  x.randomise(7);
  Net<B>::Cache cache;
  second.forward(bench.pass(), x.view(), cache);
  CHECK(!cache[0].factor.present());
  CHECK(flat(cache[1].factor) == expected_mask(bench.key, 1024 + 3 + 1, 0.4, 5, 9));
}

TEST_CASE("net: a rate of 0 draws no mask") {
  using B = Cpu<double>;
  Fixture<B> f(3, mlp({4}), 2, 5);
  Fixture<B>::Cache cache;
  f.net.forward(f.pass(), f.x.view(), cache);
  CHECK(!cache[0].factor.present());
}

TEST_CASE_TEMPLATE("net: extreme inputs stay finite, NaN shows", B, Cpu<float>, Cpu<double>) {
  using S = typename B::Scalar;
  for (const Activation& activation : all_activations) {
    Fixture<B> f(3, mlp({4, 4}, activation), 2, 2);
    typename Fixture<B>::Cache cache;
    f.x.fill(1e30);
    for (const double v : flat(f.net.forward(f.pass(), f.x.view(), cache))) CHECK(std::isfinite(v));
    f.x.randomise(7);
    f.x(1, 1) = std::numeric_limits<S>::quiet_NaN();
    const auto y = f.net.forward(f.pass(), f.x.view(), cache);
    CHECK(std::isfinite(y(0, 0)));
    CHECK(std::isnan(y(0, 1)));
  }
}

TEST_CASE("net spec: widths, and the mirror image") {
  const NetSpec spec = mlp({5, 6}, Tanh{}, 0.25);
  REQUIRE(spec.stages.size() == 2);
  CHECK(spec.stages[0].out() == 5);
  CHECK(spec.stages[1].out() == 6);
  CHECK(std::holds_alternative<Tanh>(spec.stages[1].activation));
  CHECK(spec.stages[1].dropout == 0.25);
  const NetSpec back = spec.reversed();
  CHECK(back.stages[0].out() == 6);
  CHECK(back.stages[1].out() == 5);
  CHECK(mlp({}).stages.empty());
  CHECK(outputs(7).size() == 7);
  CHECK(OutputSpec{{{"mu", 3}, {"logvar", 4}}}.size() == 7);
}
