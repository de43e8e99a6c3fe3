// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "longhand/core/macros.hpp"
#include "longhand/layers/dense.hpp"
#include "longhand/layers/net_spec.hpp"
#include "longhand/math/dropout.hpp"

namespace longhand {

/// What follows the product of a hidden stage on the same element, y = act(product + b), for
/// activations whose backward reads y.
template <class A>
struct AddBiasActivate {
  A act;
  template <class T>
  LONGHAND_HD void operator()(const T& product, const T& b, T& y) const {
    const T sum = product + b;  // [DEN-1]
    act.forward(sum, y);
  }
};
/// What follows the product of a hidden stage, y = act(sum) with sum = product + b, which is kept
/// for activations whose backward reads it.
template <class A>
struct AddBiasActivateKeep {
  A act;
  template <class T>
  LONGHAND_HD void operator()(const T& product, const T& b, T& sum, T& y) const {
    sum = product + b;  // [DEN-1]
    act.forward(sum, y);
  }
};

/// The gradient that reaches a stage's output, on its way through dropout, whose factor is 1 where
/// there is none, and through the activation.
template <class A>
struct BackwardThroughStage {
  A act;
  template <class T>
  LONGHAND_HD void operator()(const T& saved, const T& factor, const T& dy, T& da) const {
    T dropped;
    Dropout::backward(factor, dy, dropped);
    act.backward(saved, dropped, da);
  }
};

/// Linear stages with an activation and dropout after each, and a last one that is linear: hidden
/// stages as a NetSpec says, a last one as wide as its user needs. It is the unit of fusion: bias
/// and activation ride in the product's tiles, forward and backward.
///
/// A stage kind offers in(), out(), bias(pass), forward(pass, x, y, next) and
/// backward(pass, x, dy, dx, next), where Dense says what they mean. Blocks are named as those of
/// torch.nn.Sequential(Linear, Act, Linear, …): "<prefix>.0", "<prefix>.2", …
template <class B>
class Net {
 public:
  struct StageCache {
    ConstView<B> x;       ///< what the stage read
    ConstView<B> saved;   ///< what its activation's backward reads: its input or its output
    ConstView<B> factor;  ///< dropout's m / (1 - p), absent without dropout
  };
  using Cache = std::span<StageCache>;

  Net() = default;
  /// in: numbers per sample that come in. Throws std::invalid_argument naming the field of `hidden`
  /// that is wrong.
  Net(ParamLayout& layout, const std::string& prefix, Index in, const NetSpec& hidden,
      OutputSpec outputs);

  Index in() const { return in_of(stages_.front()); }
  Index out() const { return out_of(stages_.back()); }

  /// From x (in x N): the output, out x N, a view into the workspace. x must stay until backward.
  View<B> forward(const Pass<B>& pass, ConstView<B> x, Cache& cache) const;

  /// From dy (out x N): the parameters' gradients, which are added, and dx (in x N), which is
  /// assigned unless it is absent.
  void backward(const Pass<B>& pass, const Cache& cache, ConstView<B> dy, View<B> dx) const;

 private:
  using Stage = std::variant<Dense<B>>;
  struct Hidden {
    Activation activation;
    Dropout dropout;
  };

  static Index in_of(const Stage& stage) {
    return std::visit([](const auto& s) { return s.in(); }, stage);
  }
  static Index out_of(const Stage& stage) {
    return std::visit([](const auto& s) { return s.out(); }, stage);
  }

  /// The output of hidden stage l.
  View<B> forward_hidden(const Pass<B>& pass, std::size_t l, ConstView<B> x,
                         StageCache& cache) const {
    const View<B> y = pass.matrix(out_of(stages_[l]), x.cols);
    std::visit(
        [&]<class A>(const auto& stage, const A& act) {
          if constexpr (A::saved == Saved::input) {
            const View<B> sum = pass.matrix(y.rows, y.cols);
            stage.forward(
                pass, x, sum,
                then<B>(AddBiasActivateKeep<A>{act}, longhand::in<B>(sum, stage.bias(pass)),
                        longhand::out<B>(sum, y)));
            cache.saved = sum;
          } else {
            stage.forward(pass, x, y,
                          then<B>(AddBiasActivate<A>{act}, longhand::in<B>(y, stage.bias(pass)),
                                  longhand::out<B>(y)));
            cache.saved = y;
          }
        },
        stages_[l], hidden_[l].activation);
    cache.factor = {};
    const Dropout& dropout = hidden_[l].dropout;
    return dropout.p > 0 && pass.mode == Mode::train ? drop(pass, dropout, y, l, cache) : y;
  }

  View<B> drop(const Pass<B>& pass, const Dropout& dropout, ConstView<B> y, std::size_t l,
               StageCache& cache) const {
    const View<B> factor = pass.matrix(y.rows, y.cols), dropped = pass.matrix(y.rows, y.cols);
    NoiseKey key = pass.key;
    key.stream = static_cast<Stream>(stream_ + l);
    pass.backend.fill_uniform(
        key, pass.sample_ids, factor,
        then<B>(Forward{dropout}, longhand::in<B>(y, factor), longhand::out<B>(factor, dropped)));
    cache.factor = factor;
    return dropped;
  }

  std::vector<Stage> stages_;   ///< one more than hidden_: the last is linear
  std::vector<Hidden> hidden_;  ///< what follows the stages before it
  std::uint16_t stream_ = 0;    ///< of the first stage's dropout, the next has the next
};

template <class B>
Net<B>::Net(ParamLayout& layout, const std::string& prefix, Index in, const NetSpec& hidden,
            OutputSpec outputs)
    : stream_(layout.noise_streams(static_cast<Index>(hidden.stages.size()))) {
  int number = 0;
  for (const StageSpec& stage : hidden.stages) {
    require(stage.dropout >= 0 && stage.dropout < 1, "dropout is ", stage.dropout,
            ", expected 0 <= p < 1");
    hidden_.push_back({stage.activation, {stage.dropout}});
    stages_.push_back(std::visit(
        [&](const DenseSpec& dense) -> Stage {
          return Dense<B>(layout, prefix + "." + std::to_string(number), in, dense.out);
        },
        stage.linear));
    in = stage.out();
    number += 2;
  }
  for (auto& part : outputs.parts)
    if (part.first.empty()) part.first = prefix + "." + std::to_string(number);
  stages_.push_back(Dense<B>(layout, in, outputs));
}

template <class B>
LONGHAND_ONCE View<B> Net<B>::forward(const Pass<B>& pass, ConstView<B> x, Cache& cache) const {
  require_shape("net: input", x, in(), x.cols);
  cache = pass.workspace.template host<StageCache>(static_cast<Index>(stages_.size()));
  for (std::size_t l = 0; l < hidden_.size(); ++l) {
    cache[l].x = x;
    x = forward_hidden(pass, l, x, cache[l]);
  }
  const View<B> y = pass.matrix(out(), x.cols);
  cache.back().x = x;
  std::visit([&](const auto& stage) { stage.forward(pass, x, y); }, stages_.back());
  return y;
}

template <class B>
LONGHAND_ONCE void Net<B>::backward(const Pass<B>& pass, const Cache& cache, ConstView<B> dy,
                                    View<B> dx) const {
  require_shape("net: dy", dy, out(), cache.front().x.cols);
  for (std::size_t l = stages_.size() - 1; l > 0; --l) {
    const StageCache& below = cache[l - 1];
    const View<B> da = pass.matrix(in_of(stages_[l]), dy.cols);
    std::visit(
        [&]<class A>(const auto& stage, const A& act) {
          stage.backward(pass, cache[l].x, dy, da,
                         then<B>(BackwardThroughStage<A>{act},
                                 longhand::in<B>(below.saved, either<B>(below.factor, 1), da),
                                 longhand::out<B>(da)));
        },
        stages_[l], hidden_[l - 1].activation);
    dy = da;
  }
  std::visit([&](const auto& stage) { stage.backward(pass, cache[0].x, dy, dx); }, stages_.front());
}

}  // namespace longhand
