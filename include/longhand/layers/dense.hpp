// SPDX-License-Identifier: MIT
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "longhand/core/backend.hpp"
#include "longhand/core/pass.hpp"
#include "longhand/layers/net_spec.hpp"
#include "longhand/math/affine.hpp"

namespace longhand {

/// A dense layer, y = W x + b 1ᵀ (docs/derivations/dense.md). It owns sizes and block ids, no
/// memory. W is kept as (out, in) row-major, which read column-major is Wᵀ (in x out): hence the
/// transposes below.
template <class B>
class Dense {
 public:
  /// Adds "<part>.weight" and "<part>.bias" of every part to the layout; the parts are named runs
  /// of the outputs (the head: mu, logvar).
  Dense(ParamLayout& layout, Index in, const OutputSpec& outputs) : in_(in), out_(outputs.size()) {
    ParamBlock weight{.inner = {in}, .outputs = out_, .fan_in = in};
    ParamBlock bias{.outputs = out_, .fan_in = in};
    Index first = 0;
    for (const auto& [part, count] : outputs.parts) {
      weight.parts.push_back({part + ".weight", first, count});
      bias.parts.push_back({part + ".bias", first, count});
      first += count;
    }
    weight_ = layout.add(std::move(weight));
    bias_ = layout.add(std::move(bias));
  }
  /// A layer whose outputs are one part, called `name`.
  Dense(ParamLayout& layout, const std::string& name, Index in, Index out)
      : Dense(layout, in, OutputSpec{{{name, out}}}) {}

  Index in() const { return in_; }
  Index out() const { return out_; }
  BlockId weight() const { return weight_; }
  /// The block of the bias.
  BlockId bias() const { return bias_; }
  /// The bias as an operand of the sweep that follows the product.
  OperandOf<B> bias(const Pass<B>& pass) const { return per_feature(pass.theta[bias_]); }

  /// The product alone, y = W x, x: in x N, y: out x N; `next`, which adds the bias, is swept over
  /// y while it is hot.
  template <class Next>
  void forward(const Pass<B>& pass, ConstView<B> x, View<B> y, const Next& next) const {
    require_shape("dense: x", x, in_, x.cols);
    require_shape("dense: y", y, out_, x.cols);
    pass.backend.multiply(pass.workspace.scratch(), Transpose::yes, pass.theta[weight_],
                          Transpose::no, x, y, Store::assign, next);  // [DEN-1]
  }
  /// y = W x + b 1ᵀ.
  void forward(const Pass<B>& pass, ConstView<B> x, View<B> y) const {
    forward(pass, x, y, then<B>(AddBias{}, longhand::in<B>(y, bias(pass)), longhand::out<B>(y)));
  }

  /// From x (in x N) and dy (out x N): dW and db, added to the pass's gradients unless those are
  /// frozen, and dx (in x N), assigned unless it is absent. `next`, the backward of the activation
  /// before this layer, is swept over dx while it is in cache.
  template <class Next = Nothing>
  void backward(const Pass<B>& pass, ConstView<B> x, ConstView<B> dy, View<B> dx,
                const Next& next = {}) const {
    require_shape("dense: dy", dy, out_, x.cols);
    backward_parameters(pass, x, dy);
    if (!dx.present()) return;
    require_shape("dense: dx", dx, in_, x.cols);
    pass.backend.multiply(pass.workspace.scratch(), Transpose::no, pass.theta[weight_],
                          Transpose::no, dy, dx, Store::assign, next);  // [DEN-4]
  }

 private:
  /// Adds dW and db to the pass's gradients. The backward of the layers before this one does not
  /// read them, so they may be computed aside (core/backend.hpp).
  void backward_parameters(const Pass<B>& pass, ConstView<B> x, ConstView<B> dy) const {
    if (pass.grads == nullptr) return;
    const auto add = [&](const B& backend) {
      Grads<B>& grads = *pass.grads;
      multiply_and_sum_rows(backend, pass.workspace.scratch(), x, dy, grads[weight_],
                            grads.next_write(weight_), grads[bias_],
                            grads.next_write(bias_));  // [DEN-2] [DEN-3]
    };
    pass.gradients_aside ? aside(pass.backend, add) : add(pass.backend);
  }

  Index in_ = 0;
  Index out_ = 0;
  BlockId weight_{};
  BlockId bias_{};
};

}  // namespace longhand
