// SPDX-License-Identifier: MIT
#pragma once
#include <utility>

#include "longhand/core/backend.hpp"
#include "longhand/core/pass.hpp"
#include "longhand/math/scalar.hpp"

namespace longhand {

/// The formula of one element under a mask m and a sample weight w; last comes the summand.
/// Missing elements are chosen away, not multiplied: their target may be NaN.
template <class Formula>
struct ElementValue {
  Formula f;
  template <class T>
  LONGHAND_HD void operator()(const T& a, const T& t, const T& m, const T& /*w*/, T& nll) const {
    T value, da;
    f.value_and_gradient(a, t, value, da);
    nll = choose(m > T(0), value, T(0));
  }
  template <class T>
  LONGHAND_HD void operator()(const T& a, const T& raw, const T& t, const T& m, const T& /*w*/,
                              T& nll) const {
    T value, da, draw;
    f.value_and_gradient(a, raw, t, value, da, draw);
    nll = choose(m > T(0), value, T(0));
  }
};
template <class Formula>
struct ElementValueAndGradient {
  Formula f;
  template <class T>
  LONGHAND_HD void operator()(const T& a, const T& t, const T& m, const T& w, T& da, T& nll) const {
    T value, gradient;
    f.value_and_gradient(a, t, value, gradient);
    nll = choose(m > T(0), value, T(0));
    da = choose(m > T(0), w * gradient, T(0));
  }
  template <class T>
  LONGHAND_HD void operator()(const T& a, const T& raw, const T& t, const T& m, const T& w, T& da,
                              T& draw, T& nll) const {
    T value, by_a, by_raw;
    f.value_and_gradient(a, raw, t, value, by_a, by_raw);
    nll = choose(m > T(0), value, T(0));
    da = choose(m > T(0), w * by_a, T(0));
    draw = choose(m > T(0), w * by_raw, T(0));
  }
};
/// The formula's mean, or a draw, as the operator() a sweep expects.
template <class Formula>
struct ElementMean {
  Formula f;
  template <class... T>
  LONGHAND_HD void operator()(T&&... t) const {
    f.mean(t...);
  }
};
template <class Formula>
struct ElementDraw {
  Formula f;
  template <class... T>
  LONGHAND_HD void operator()(T&&... t) const {
    f.draw(t...);
  }
};

/// A likelihood that factorises over the features of a sample: -log p(x | out) is the sum over i of
/// a formula's nll_ij, over observed elements. The formula (math/bernoulli.hpp, math/gaussian.hpp
/// or your own: examples/04_your_own_likelihood.cpp) gives value, gradient, mean and draw of one
/// element; everything about samples, masks and weights is here, once.
///
/// The decoder's output has `Formula::outputs` blocks of D rows: (a) or (a; raw).
template <class Formula>
class PerElement {
 public:
  static constexpr const char* name = Formula::name;

  PerElement() = default;
  explicit PerElement(Formula formula) : formula_(formula) {}
  const Formula& formula() const { return formula_; }

  /// Targets must lie in [first, second].
  static std::pair<double, double> domain() { return {Formula::domain_min, Formula::domain_max}; }
  /// Rows of the decoder's output for so many features.
  static Index output_rows(Index features) { return Formula::outputs * features; }

  /// Writes NLL_j in nats into nll (1 x N).
  template <class B>
  void value(const Pass<B>& pass, ConstView<B> output, const Batch<B>& batch, View<B> nll) const {
    sweep(pass, constant<B>(1), output, batch, nll, {});
  }
  /// Assigns doutput = w_j dNLL_j/doutput, which has the shape of the output; w is 1 x N.
  template <class B>
  void gradient(const Pass<B>& pass, ConstView<B> w, ConstView<B> output, const Batch<B>& batch,
                View<B> doutput) const {
    sweep(pass, per_sample(w), output, batch, pass.matrix(1, output.cols), doutput);
  }
  /// Does what value() and gradient() do, in one sweep.
  template <class B>
  void value_and_gradient(const Pass<B>& pass, ConstView<B> w, ConstView<B> output,
                          const Batch<B>& batch, View<B> nll, View<B> doutput) const {
    sweep(pass, per_sample(w), output, batch, nll, doutput);
  }

  /// Writes E[x | output] into x (D x N).
  template <class B>
  void mean(const Pass<B>& pass, ConstView<B> output, View<B> x) const {
    const Index d = x.rows;
    if constexpr (Formula::outputs == 1) {
      pass.backend.for_each(ElementMean<Formula>{formula_}, in<B>(output), out<B>(x));
    } else {
      pass.backend.for_each(ElementMean<Formula>{formula_},
                            in<B>(output.middle_rows(0, d), output.middle_rows(d, d)), out<B>(x));
    }
  }
  /// Draws x (D x N) from p(x | output), with the pass's key in the stream `data`.
  template <class B>
  void draw(const Pass<B>& pass, ConstView<B> output, View<B> x) const {
    NoiseKey key = pass.key;
    key.stream = Stream::data;
    const View<B> noise = pass.matrix(x.rows, x.cols);
    if constexpr (Formula::normal_noise) {
      pass.backend.fill_normal(key, pass.sample_ids, noise);
    } else {
      pass.backend.fill_uniform(key, pass.sample_ids, noise);
    }
    const Index d = x.rows;
    if constexpr (Formula::outputs == 1) {
      pass.backend.for_each(ElementDraw<Formula>{formula_}, in<B>(output, noise), out<B>(x));
    } else {
      pass.backend.for_each(ElementDraw<Formula>{formula_},
                            in<B>(output.middle_rows(0, d), output.middle_rows(d, d), noise),
                            out<B>(x));
    }
  }

 private:
  template <class B>
  void sweep(const Pass<B>& pass, const OperandOf<B>& w, ConstView<B> output, const Batch<B>& batch,
             View<B> nll, View<B> doutput) const {
    const ConstView<B> target = batch.target_or_input();
    const Index d = target.rows;
    require_shape("likelihood: decoder output", output, output_rows(d), target.cols);
    require_shape("likelihood: nll", nll, 1, target.cols);
    if (batch.mask.present()) require_shape("likelihood: mask", batch.mask, d, target.cols);
    if (doutput.present())
      require_shape("likelihood: doutput", doutput, output_rows(d), target.cols);
    const OperandOf<B> mask = either<B>(batch.mask, 1);
    if constexpr (Formula::outputs == 1) {
      run(pass, in<B>(output, target, mask, w), out<B>(doutput), d, nll);
    } else {
      View<B> da, draw;
      if (doutput.present()) {
        da = doutput.middle_rows(0, d);
        draw = doutput.middle_rows(d, d);
      }
      run(pass, in<B>(output.middle_rows(0, d), output.middle_rows(d, d), target, mask, w),
          out<B>(da, draw), d, nll);
    }
  }
  template <class B, std::size_t I, std::size_t O>
  void run(const Pass<B>& pass, const std::array<OperandOf<B>, I>& inputs,
           const std::array<View<B>, O>& outputs, Index rows, View<B> nll) const {
    if (outputs[0].present()) {
      pass.backend.reduce_columns(ElementValueAndGradient<Formula>{formula_}, inputs, outputs, rows,
                                  nll);
    } else {
      pass.backend.reduce_columns(ElementValue<Formula>{formula_}, inputs, std::array<View<B>, 0>{},
                                  rows, nll);
    }
  }

  Formula formula_;
};

}  // namespace longhand
