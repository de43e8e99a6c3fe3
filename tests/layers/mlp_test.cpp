// SPDX-License-Identifier: MIT
#include <longhand/backend/cpu.hpp>
#include <longhand/backend/reference.hpp>
#include <longhand/gradcheck/check_layer.hpp>
#include <longhand/layers/mlp.hpp>

#include "support/matrix.hpp"

using namespace longhand;
using namespace longhand::test;

namespace {

template <class B>
struct Fixture : Bench<B> {
  using S = typename B::Scalar;
  Mlp<B> net;
  Matrix<S> x, dx;
  Fixture(const MlpConfig& config, Index n, B on = B())
      : Bench<B>(on),
        net(this->layout, Segment::decoder, "net", config),
        x(config.in, n),
        dx(config.in, n) {
    this->ready();
    x.randomise(7);
  }
};

template <class B>
void check_mlp(const MlpConfig& config, Phase phase = Phase::train) {
  LONGHAND_CHECK(check_layer<B>(std::string("mlp, ") + name_of(config.activation),
                                [&]<class On>(ParamLayout& layout) {
                                  return Mlp<On>(layout, Segment::decoder, "net", config);
                                },
                                {.phase = phase}));
}

const Activation all_activations[] = {Relu{}, LeakyRelu{}, Tanh{}, Sigmoid{}, Softplus{},
                                      Elu{},  Silu{},      Gelu{}, Identity{}};

}  // namespace

TEST_CASE_TEMPLATE("mlp: gradient and contracts, every activation [DEN-2] [DEN-3] [DEN-4]", B,
                   Reference<double>, Cpu<double>) {
  for (const Activation& activation : all_activations)
    check_mlp<B>({.in = 3, .hidden = {5, 4}, .out = 2, .activation = activation});
}

TEST_CASE_TEMPLATE("mlp: gradient and contracts, other shapes and dropout [DRO-2]", B,
                   Reference<double>, Cpu<double>) {
  check_mlp<B>({.in = 3, .out = 2});
  check_mlp<B>({.in = 2, .hidden = {17}, .out = 1, .activation = Tanh{}});
  check_mlp<B>({.in = 4,
                .hidden = {3},
                .out = 6,
                .activation = Tanh{},
                .heads = {{"mu", 3}, {"logvar", 3}}});
  const MlpConfig dropped{
      .in = 3, .hidden = {6, 5}, .out = 2, .activation = Tanh{}, .dropout = 0.3};
  check_mlp<B>(dropped);
  check_mlp<B>(dropped, Phase::eval);
  check_mlp<B>({.in = 3, .hidden = {6, 5}, .out = 2, .activation = Silu{}, .dropout = 0.5});
}

TEST_CASE("mlp: each layer is act(W x + b), the last one linear [DEN-1]") {
  Fixture<Cpu<double>> f({.in = 3, .hidden = {4}, .out = 2, .activation = Sigmoid{}}, 5);
  const Pass<Cpu<double>> pass = f.pass();
  Mlp<Cpu<double>>::Cache cache;
  const auto y = f.net.forward(pass, f.x.view(), cache);
  const Dense<Cpu<double>>&first = f.net.layers()[0], &last = f.net.layers()[1];
  for (Index j = 0; j < 5; ++j)
    for (Index o = 0; o < 2; ++o) {
      double sum = pass.theta[last.bias()](0, o);
      for (Index h = 0; h < 4; ++h) {
        double a = pass.theta[first.bias()](0, h);
        for (Index i = 0; i < 3; ++i) a += pass.theta[first.weight()](i, h) * f.x(i, j);
        sum += pass.theta[last.weight()](h, o) / (1 + std::exp(-a));
      }
      CHECK_FALSE(!(std::abs(y(o, j) - sum) <= 1e-14));
    }
}

TEST_CASE_TEMPLATE("mlp: dropout while training only, scaled, another mask per key [DRO-1]", B,
                   Reference<double>, Cpu<double>) {
  const MlpConfig config{
      .in = 3, .hidden = {100}, .out = 1, .activation = Softplus{}, .dropout = 0.25};
  Fixture<B> f(config, 50);
  typename Mlp<B>::Cache cache;
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
  f.phase = Phase::eval;
  f.net.forward(f.pass(), f.x.view(), cache);
  CHECK(!cache[0].factor.present());
}

TEST_CASE("mlp: names of torch.nn.Sequential(Linear, Act, Linear, ...)") {
  ParamLayout layout;
  const Mlp<Cpu<float>> net(
      layout, Segment::encoder, "encoder",
      {.in = 3, .hidden = {4, 5}, .out = 6, .heads = {{"mu", 3}, {"logvar", 3}}});
  std::string names;
  for (const ParamBlock& block : layout.blocks())
    for (const ParamBlock::Part& part : block.parts) names += part.name + " ";
  CHECK(names ==
        "encoder.0.weight encoder.0.bias encoder.2.weight encoder.2.bias "
        "mu.weight logvar.weight mu.bias logvar.bias ");
  CHECK(net.in() == 3);
  CHECK(net.out() == 6);
}

TEST_CASE("mlp: wrong shapes and rates are refused by name") {
  using B = Cpu<double>;
  Fixture<B> f({.in = 5, .hidden = {4}, .out = 3}, 2);
  Matrix<double> four(4, 2);
  Mlp<B>::Cache cache;
  check_refused("mlp: input", [&] { f.net.forward(f.pass(), four.view(), cache); });
  const Pass<B> pass = f.pass();
  const auto y = f.net.forward(pass, f.x.view(), cache);
  check_refused("mlp: dy", [&] { f.net.backward(pass, cache, four.view(), f.dx); });
  check_refused("mlp: dx", [&] { f.net.backward(pass, cache, y, four); });
  for (const double p : {-0.1, 1.0, std::nan("")})
    check_refused("dropout is", [&] {
      Mlp<B>(f.layout, Segment::encoder, "x", {.in = 2, .hidden = {2}, .out = 2, .dropout = p});
    });
}

TEST_CASE_TEMPLATE("mlp: dropout's masks come from their own stream, a number per layer [DRO-1]", B,
                   Reference<double>, Cpu<double>) {
  Bench<B> bench;
  const Mlp<B> net(bench.layout, Segment::decoder, "net",
                   {.in = 2, .hidden = {5, 6}, .out = 1, .dropout = 0.4}, 1024);
  bench.ready();
  Matrix<double> x(2, 3);
  x.randomise(7);
  typename Mlp<B>::Cache cache;
  net.forward(bench.pass(), x.view(), cache);
  for (std::size_t layer = 0; layer < 2; ++layer) {
    NoiseKey key = bench.key;
    key.stream = Stream::dropout;
    key.draw = static_cast<std::uint16_t>(1024 + layer);
    const ConstView<B> factor = cache[layer].factor;
    for (Index j = 0; j < 3; ++j) {
      std::vector<double> u(static_cast<std::size_t>(factor.rows));
      uniform_column(key, j, factor.rows, u.data());
      for (Index i = 0; i < factor.rows; ++i)
        CHECK(factor(i, j) == (u[static_cast<std::size_t>(i)] < 0.4 ? 0 : 1 / (1 - 0.4)));
    }
  }
}

TEST_CASE("mlp: a rate of 0 draws no mask") {
  using B = Cpu<double>;
  Fixture<B> f({.in = 3, .hidden = {4}, .out = 2}, 5);
  Mlp<B>::Cache cache;
  f.net.forward(f.pass(), f.x.view(), cache);
  CHECK(!cache[0].factor.present());
}
