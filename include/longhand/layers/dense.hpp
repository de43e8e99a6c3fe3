// SPDX-License-Identifier: MIT
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "longhand/core/backend.hpp"
#include "longhand/core/pass.hpp"
#include "longhand/layers/activation.hpp"
#include "longhand/math/affine.hpp"

namespace longhand {

/// What follows the product of a hidden layer, on the same element (of a linear one: AddBias).
/// y = act(product + b), for activations whose backward reads y.
template <class A>
struct AddBiasActivate {
  A act;
  template <class T>
  LONGHAND_HD void operator()(const T& product, const T& b, T& y) const {
    const T sum = product + b;  // [DEN-1]
    act.forward(sum, y);
  }
};
/// Keeps the pre-activation too, for activations whose backward reads it.
template <class A>
struct AddBiasActivateKeep {
  A act;
  template <class T>
  LONGHAND_HD void operator()(const T& product, const T& b, T& sum, T& y) const {
    sum = product + b;  // [DEN-1]
    act.forward(sum, y);
  }
};

/// y = W x + b 1ᵀ (docs/derivations/dense.md). Owns sizes and block ids, no memory. W is held as
/// (out, in) row-major, which read column-major is Wᵀ (in x out): hence the transposes below.
template <class B>
class Dense {
 public:
  /// Adds "<name>.weight" and "<name>.bias" to the layout. `parts` splits the outputs into named
  /// runs (the head: mu, logvar); by default one run called `name`.
  Dense(ParamLayout& layout, Segment segment, const std::string& name, Index in, Index out,
        std::vector<std::pair<std::string, Index>> parts = {})
      : in_(in), out_(out) {
    if (parts.empty()) parts = {{name, out}};
    ParamBlock weight{.rows = in, .outputs = out, .fan_in = in, .segment = segment};
    ParamBlock bias{.rows = 1, .outputs = out, .fan_in = in, .bias = true, .segment = segment};
    Index first = 0;
    for (const auto& [part, outputs] : parts) {
      weight.parts.push_back({part + ".weight", first, outputs});
      bias.parts.push_back({part + ".bias", first, outputs});
      first += outputs;
    }
    require(first == out, name, ": the parts have ", first, " outputs, expected ", out);
    weight_ = layout.add(std::move(weight));
    bias_ = layout.add(std::move(bias));
  }

  Index in() const { return in_; }
  Index out() const { return out_; }
  BlockId weight() const { return weight_; }
  BlockId bias() const { return bias_; }

  /// x: in x N -> y: out x N.
  void forward(const Pass<B>& pass, ConstView<B> x, View<B> y) const {
    require_shape("dense: x", x, in_, x.cols);
    require_shape("dense: y", y, out_, x.cols);
    multiply(pass, x, y, then<B>(AddBias{}, longhand::in<B>(y, bias(pass)), longhand::out<B>(y)));
  }

  /// y = act(W x + b). `sum` receives the pre-activation if `act` saves its input, else it is
  /// absent.
  void forward(const Pass<B>& pass, ConstView<B> x, View<B> sum, View<B> y,
               const Activation& activation) const {
    std::visit(
        [&](const auto& act) {
          using A = std::decay_t<decltype(act)>;
          if constexpr (A::saved == Saved::input) {
            multiply(pass, x, sum,
                     then<B>(AddBiasActivateKeep<A>{act}, longhand::in<B>(sum, bias(pass)),
                             longhand::out<B>(sum, y)));
          } else {
            multiply(pass, x, y,
                     then<B>(AddBiasActivate<A>{act}, longhand::in<B>(y, bias(pass)),
                             longhand::out<B>(y)));
          }
        },
        activation);
  }

  /// Adds dW and db to the pass's gradients; does nothing when they are frozen.
  void backward_parameters(const Pass<B>& pass, ConstView<B> x, ConstView<B> dy) const {
    if (pass.grads == nullptr) return;
    Grads<B>& grads = *pass.grads;
    multiply_and_sum_rows(pass.backend, pass.workspace.scratch(), x, dy, grads[weight_],
                          grads.next_write(weight_), grads[bias_],
                          grads.next_write(bias_));  // [DEN-2] [DEN-3]
  }

  /// Assigns dx: in x N; `next` is swept over dx while it is hot (the activation below).
  template <class Next = Nothing>
  void backward_input(const Pass<B>& pass, ConstView<B> dy, View<B> dx,
                      const Next& next = {}) const {
    pass.backend.multiply(pass.workspace.scratch(), Transpose::no, pass.theta[weight_],
                          Transpose::no, dy, dx, Store::assign, next);  // [DEN-4]
  }

  /// x: in x N, dy: out x N -> dW, db added, dx (in x N) assigned unless absent.
  void backward(const Pass<B>& pass, ConstView<B> x, ConstView<B> dy, View<B> dx) const {
    require_shape("dense: dy", dy, out_, x.cols);
    backward_parameters(pass, x, dy);
    if (!dx.present()) return;
    require_shape("dense: dx", dx, in_, x.cols);
    backward_input(pass, dy, dx);
  }

 private:
  OperandOf<B> bias(const Pass<B>& pass) const { return per_feature(pass.theta[bias_]); }

  template <class Next>
  void multiply(const Pass<B>& pass, ConstView<B> x, View<B> y, const Next& next) const {
    pass.backend.multiply(pass.workspace.scratch(), Transpose::yes, pass.theta[weight_],
                          Transpose::no, x, y, Store::assign, next);  // [DEN-1]
  }

  Index in_ = 0;
  Index out_ = 0;
  BlockId weight_{};
  BlockId bias_{};
};

}  // namespace longhand
