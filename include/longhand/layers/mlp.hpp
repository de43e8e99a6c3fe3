// SPDX-License-Identifier: MIT
#pragma once
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "longhand/layers/dense.hpp"
#include "longhand/math/dropout.hpp"

namespace longhand {

/// Sizes and choices of an Mlp.
struct MlpConfig {
  Index in = 0;
  std::vector<Index> hidden = {};
  Index out = 0;
  Activation activation = Relu{};
  double dropout = 0;  ///< on every hidden layer, while training
  /// Named runs of the last layer's outputs (mu, logvar); empty: it is one more numbered layer.
  std::vector<std::pair<std::string, Index>> heads = {};
};

/// The gradient that reaches an activation, through it and through dropout, in one sweep.
template <class A>
struct BackwardThroughDropout {
  A act;
  Dropout dropout;
  template <class T>
  LONGHAND_HD void operator()(const T& saved, const T& factor, const T& dy, T& da) const {
    T dropped;
    dropout.backward(factor, dy, dropped);
    act.backward(saved, dropped, da);
  }
};

/// Dense, activation, dropout, …, dense: hidden layers activated, the last one linear. The fusing
/// unit: bias and activation ride in the product's tiles, forward and backward.
///
/// Names are those of torch.nn.Sequential(Linear, Act, Linear, …): "<prefix>.0", "<prefix>.2", …
template <class B>
class Mlp {
 public:
  struct LayerCache {
    ConstView<B> x;       ///< what the layer read
    ConstView<B> saved;   ///< what its activation's backward reads: its input or its output
    ConstView<B> factor;  ///< dropout's m / (1 - p), absent without dropout
  };
  using Cache = std::span<LayerCache>;

  Mlp() = default;
  /// `stream` keeps the dropout noise of different nets apart (each hidden layer takes one number).
  Mlp(ParamLayout& layout, Segment segment, const std::string& prefix, const MlpConfig& config,
      std::uint16_t stream = 0)
      : activation_(config.activation), dropout_{config.dropout}, stream_(stream) {
    require(config.dropout >= 0 && config.dropout < 1, "dropout is ", config.dropout,
            ", expected 0 <= p < 1");
    Index in = config.in;
    int number = 0;
    for (const Index width : config.hidden) {
      layers_.emplace_back(layout, segment, prefix + "." + std::to_string(number), in, width);
      in = width;
      number += 2;
    }
    layers_.emplace_back(layout, segment, prefix + "." + std::to_string(number), in, config.out,
                         config.heads);
  }

  Index in() const { return layers_.front().in(); }
  Index out() const { return layers_.back().out(); }
  const std::vector<Dense<B>>& layers() const { return layers_; }

  /// x: in x N -> the output, out x N, a view into the workspace. x must stay until backward.
  View<B> forward(const Pass<B>& pass, ConstView<B> x, Cache& cache) const {
    require_shape("mlp: input", x, in(), x.cols);
    cache = pass.workspace.template host<LayerCache>(static_cast<Index>(layers_.size()));
    const std::size_t last = layers_.size() - 1;
    const bool keep_input = saved_by(activation_) == Saved::input;
    for (std::size_t l = 0; l < last; ++l) {
      View<B> y = pass.matrix(layers_[l].out(), x.cols);
      const View<B> sum = keep_input ? pass.matrix(y.rows, y.cols) : View<B>{};
      layers_[l].forward(pass, x, sum, y, activation_);
      cache[l] = {x, keep_input ? ConstView<B>(sum) : ConstView<B>(y), {}};
      if (dropout_.p > 0 && pass.phase == Phase::train) y = drop(pass, y, l, cache[l]);
      x = y;
    }
    View<B> y = pass.matrix(out(), x.cols);
    layers_[last].forward(pass, x, y);
    cache[last] = {x, {}, {}};
    return y;
  }

  /// dy: out x N -> parameter gradients added; dx (in x N) assigned unless absent.
  void backward(const Pass<B>& pass, const Cache& cache, ConstView<B> dy, View<B> dx) const {
    require_shape("mlp: dy", dy, out(), cache.front().x.cols);
    for (std::size_t l = layers_.size(); l-- > 0;) {
      backward_parameters(pass, layers_[l], cache[l].x, dy);
      if (l == 0) break;
      const LayerCache& below = cache[l - 1];
      const View<B> da = pass.matrix(layers_[l].in(), dy.cols);
      std::visit([&](const auto& act) { backward_input(pass, layers_[l], act, below, dy, da); },
                 activation_);
      dy = da;
    }
    if (!dx.present()) return;
    require_shape("mlp: dx", dx, in(), dy.cols);
    layers_.front().backward_input(pass, dy, dx);
  }

 private:
  /// On the way down nobody waits for dW and db.
  static void backward_parameters(const Pass<B>& pass, const Dense<B>& layer, ConstView<B> x,
                                  ConstView<B> dy) {
    if (!pass.gradients_aside) return layer.backward_parameters(pass, x, dy);
    aside(pass.backend, [&](const B& side) { layer.backward_parameters(pass.with(side), x, dy); });
  }

  template <class A>
  void backward_input(const Pass<B>& pass, const Dense<B>& layer, const A& act,
                      const LayerCache& below, ConstView<B> dy, View<B> da) const {
    if (below.factor.present()) {
      layer.backward_input(
          pass, dy, da,
          then<B>(BackwardThroughDropout<A>{act, dropout_},
                  longhand::in<B>(below.saved, below.factor, da), longhand::out<B>(da)));
    } else {
      layer.backward_input(
          pass, dy, da,
          then<B>(Backward{act}, longhand::in<B>(below.saved, da), longhand::out<B>(da)));
    }
  }

  View<B> drop(const Pass<B>& pass, ConstView<B> y, std::size_t layer, LayerCache& cache) const {
    const View<B> factor = pass.matrix(y.rows, y.cols), dropped = pass.matrix(y.rows, y.cols);
    NoiseKey key = pass.key;
    key.stream = Stream::dropout;
    key.draw = static_cast<std::uint16_t>(stream_ + layer);
    pass.backend.fill_uniform(
        key, pass.sample_ids, factor,
        then<B>(Forward{dropout_}, longhand::in<B>(y, factor), longhand::out<B>(factor, dropped)));
    cache.factor = factor;
    return dropped;
  }

  std::vector<Dense<B>> layers_;
  Activation activation_ = Relu{};
  Dropout dropout_;
  std::uint16_t stream_ = 0;
};

}  // namespace longhand
