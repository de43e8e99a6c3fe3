// SPDX-License-Identifier: MIT
// A net in float on any backend of host memory, against long double.
#pragma once

#include <longhand/layers/net.hpp>

#include "support/matrix.hpp"

namespace longhand::test {

inline const Activation all_activations[] = {Relu{}, LeakyRelu{}, Tanh{}, Sigmoid{}, Softplus{},
                                             Elu{},  Silu{},      Gelu{}, Identity{}};

using Grid = std::vector<std::vector<long double>>;
inline Grid zeros(Index rows, Index cols) {
  return Grid(static_cast<std::size_t>(rows),
              std::vector<long double>(static_cast<std::size_t>(cols), 0.0L));
}

/// A net of dense stages: numbers that come in, hidden stages, numbers that come out.
struct NetCase {
  Index in = 0;
  NetSpec hidden = {};
  Index out = 0;
};

/// Compares one float step of a net with long double, stage by stage on the net's own inputs of
/// each stage: products by gamma_{K+1} (|A||B| + |b|), activations by their declared bounds and a
/// slope of at most 1.2; on the way back the error of a stage is the next one's input error.
/// Returns the largest error relative to its bound.
template <class B>
double worst_ratio(const B& backend, const NetCase& config, Index n) {
  const long double u = std::numeric_limits<float>::epsilon() / 2.0L, slope = 1.2L;
  const auto gamma = [&](Index k) {
    return static_cast<long double>(k + 1) * u / (1 - static_cast<long double>(k + 1) * u);
  };
  Bench<B> bench(backend);
  const Net<B> net(bench.layout, "net", config.in, config.hidden, outputs(config.out));
  bench.ready();
  Matrix<float> x(config.in, n), dy(config.out, n), dx(config.in, n);
  x.randomise(7), dy.randomise(8);
  const Pass<B> pass = bench.pass();
  typename Net<B>::Cache cache;
  const View<B> y = net.forward(pass, x.view(), cache);
  net.backward(pass, cache, dy.view(), dx);

  double worst = 0;
  const auto see = [&](long double got, long double want, long double bound) {
    const double ratio = static_cast<double>(std::fabs(got - want) / bound);
    if (!(ratio <= worst)) worst = std::isnan(ratio) ? HUGE_VAL : ratio;
  };
  const std::size_t layers = config.hidden.stages.size() + 1;
  struct Layer {
    ConstView<B> weight, bias, dweight, dbias;  // in x out, 1 x out
    Index in() const { return weight.rows; }
    Index out() const { return weight.cols; }
  };
  const auto layer = [&](std::size_t l) {  // blocks come in the order of the stages, weight first
    const auto w = static_cast<BlockId>(2 * l), b = static_cast<BlockId>(2 * l + 1);
    return Layer{bench.theta[w], bench.theta[b], bench.grads[w], bench.grads[b]};
  };
  for (std::size_t l = 0; l < layers; ++l) {
    const Layer dense = layer(l);
    const auto activate = [&](long double a) {
      long double value;
      std::visit([&](const auto& act) { act.forward(a, value); },
                 config.hidden.stages[l].activation);
      return value;
    };
    const ConstView<B> in = cache[l].x, out = l + 1 < layers ? cache[l + 1].x : ConstView<B>(y);
    for (Index j = 0; j < n; ++j)
      for (Index o = 0; o < dense.out(); ++o) {
        long double a = dense.bias(0, o), size = std::fabs(a);
        for (Index i = 0; i < dense.in(); ++i) {
          const long double term = static_cast<long double>(dense.weight(i, o)) * in(i, j);
          a += term, size += std::fabs(term);
        }
        const long double error = gamma(dense.in()) * size;
        if (l + 1 == layers)
          see(out(o, j), a, error);
        else
          see(out(o, j), activate(a), slope * error + 8 * u * (1 + std::fabs(a)));
      }
  }

  Grid d = zeros(config.out, n), e = zeros(config.out, n);  // dy and a bound of its error
  for (Index j = 0; j < n; ++j)
    for (Index o = 0; o < config.out; ++o)
      d[static_cast<std::size_t>(o)][static_cast<std::size_t>(j)] = dy(o, j);
  for (std::size_t l = layers; l-- > 0;) {
    const Layer dense = layer(l);
    const ConstView<B> in = cache[l].x;
    for (Index o = 0; o < dense.out(); ++o) {
      const auto &row = d[static_cast<std::size_t>(o)], &slack = e[static_cast<std::size_t>(o)];
      for (Index i = -1; i < dense.in(); ++i) {  // -1: the bias
        long double sum = 0, bound = 0;
        for (Index j = 0; j < n; ++j) {
          const auto c = static_cast<std::size_t>(j);
          const long double by = i < 0 ? 1 : in(i, j);
          sum += row[c] * by;
          bound += std::fabs(by) * (slack[c] + gamma(n) * (std::fabs(row[c]) + slack[c]));
        }
        see(i < 0 ? dense.dbias(0, o) : dense.dweight(i, o), sum, bound);
      }
    }
    Grid below = zeros(dense.in(), n), below_e = zeros(dense.in(), n);
    for (Index j = 0; j < n; ++j)
      for (Index i = 0; i < dense.in(); ++i) {
        const auto r = static_cast<std::size_t>(i), c = static_cast<std::size_t>(j);
        long double sum = 0, bound = 0;
        for (Index o = 0; o < dense.out(); ++o) {
          const long double w = dense.weight(i, o);
          const long double v = d[static_cast<std::size_t>(o)][c],
                            s = e[static_cast<std::size_t>(o)][c];
          sum += w * v;
          bound += std::fabs(w) * (s + gamma(dense.out()) * (std::fabs(v) + s));
        }
        if (l > 0) {
          const long double saved = cache[l - 1].saved(i, j), incoming = sum;
          std::visit([&](const auto& act) { act.backward(saved, incoming, sum); },
                     config.hidden.stages[l - 1].activation);
          bound = slope * bound + 8 * u * std::fabs(incoming) * (1 + std::fabs(saved));
        } else {
          see(dx(i, j), sum, bound);
        }
        below[r][c] = sum, below_e[r][c] = bound;
      }
    d = below, e = below_e;
  }
  return worst;
}

}  // namespace longhand::test
