// SPDX-License-Identifier: MIT
// Categorical latents in a test: the forward and backward of one step over any backend of host
// memory, numbers at the edges, and all states that a few variables can be in.
#pragma once

#include <longhand/core/uniform.hpp>
#include <longhand/math/categorical.hpp>

#include "support/matrix.hpp"

namespace longhand::test {

/// V variables of K classes for N samples: matrices of K x (V N).
struct CategoricalShape {
  Index classes, variables, samples;
  Index columns() const { return variables * samples; }
};

/// The sweeps of math/categorical.hpp, one after the other. Fill the inputs, then call forward()
/// and backward().
template <class B>
struct CategoricalStep {
  using S = typename B::Scalar;
  CategoricalShape shape;
  S tau = S(1);
  Matrix<S> l, u, dy, w;                       // inputs; w: 1 x N
  Matrix<S> q, lse, a, y, hard;                // of forward
  Matrix<S> kl, w_variable, kl_sample, s, dl;  // of backward

  explicit CategoricalStep(const CategoricalShape& of)
      : shape(of),
        l(of.classes, of.columns()),
        u(of.classes, of.columns()),
        dy(of.classes, of.columns()),
        w(1, of.samples),
        q(of.classes, of.columns()),
        lse(1, of.columns()),
        a(of.classes, of.columns()),
        y(of.classes, of.columns()),
        hard(of.classes, of.columns()),
        kl(1, of.columns()),
        w_variable(1, of.columns()),
        kl_sample(1, of.samples),
        s(1, of.columns()),
        dl(of.classes, of.columns()) {}

  UniformKl prior() const { return UniformKl::over(shape.classes); }
  /// One column per sample: what lies in K x VN seen as KV x N, in 1 x VN as V x N.
  View<B> by_sample(Matrix<S>& m) const {
    const Index rows = m.rows() * shape.variables;
    return {m.view().data, rows, shape.samples, rows};
  }

  void forward(const B& on = B()) {
    on.softmax_columns(l.view(), q.view(), lse.view());
    on.for_each(PerturbLogit{}, in<B>(l.view(), scalar_at<B>(&tau), u.view()), out<B>(a.view()));
    relax(on);
  }
  /// With noise of the backend's own.
  void forward(const NoiseKey& key, const B& on = B()) {
    on.softmax_columns(l.view(), q.view(), lse.view());
    on.fill_uniform(key, {}, by_sample(a),
                    then<B>(PerturbLogit{}, in<B>(by_sample(l), scalar_at<B>(&tau), by_sample(a)),
                            out<B>(by_sample(a))));
    relax(on);
  }
  void backward(const B& on = B()) {
    const Index classes = shape.classes;
    values(on);
    on.reduce_columns(SoftmaxDot{}, in<B>(y.view(), dy.view()), std::array<View<B>, 0>{}, classes,
                      s.view());
    on.for_each(CategoricalBackward{prior()},
                in<B>(q.view(), l.view(), per_sample(lse.view()), per_sample(kl.view()),
                      per_sample(w_variable.view()), y.view(), dy.view(), per_sample(s.view()),
                      scalar_at<B>(&tau)),
                out<B>(dl.view()));
  }
  /// The KL of each variable and of each sample.
  void values(const B& on = B()) {
    on.reduce_columns(prior(), in<B>(q.view(), l.view(), per_sample(lse.view())),
                      std::array<View<B>, 0>{}, shape.classes, kl.view());
    on.reduce_columns(SumAndSpread{}, in<B>(by_sample(kl), per_sample(w.view())),
                      out<B>(by_sample(w_variable)), shape.variables, kl_sample.view());
  }

 private:
  void relax(const B& on) {
    on.softmax_columns(a.view(), y.view(), {});
    on.one_hot_columns(a.view(), hard.view());
  }
};

/// Uniform numbers that noise can be, of core/uniform.hpp's 2^23: those next to 0 and to 1, those
/// next to 1/e, where Gumbel noise changes its sign, and one in 4,099 of the others.
inline std::vector<float> uniforms() {
  constexpr std::uint32_t count = 1u << 23, sign_changes = 3'085'996;
  std::vector<float> all;
  const auto add = [&](std::uint32_t first, std::uint32_t last, std::uint32_t step) {
    for (std::uint32_t k = first; k < last; k += step) all.push_back(uniform_from_bits(k << 9));
  };
  add(0, 2048, 1);
  add(count - 2048, count, 1);
  add(sign_changes - 8, sign_changes + 8, 1);
  add(2048, count - 2048, 4099);
  return all;
}

/// visit(state) for each of the K^V values of V variables: their classes.
template <class Visit>
void for_each_state(Index classes, Index variables, const Visit& visit) {
  std::vector<Index> state(static_cast<std::size_t>(variables), 0);
  for (;;) {
    visit(static_cast<const std::vector<Index>&>(state));
    std::size_t v = 0;
    while (v < state.size() && ++state[v] == classes) state[v++] = 0;
    if (v == state.size()) return;
  }
}

}  // namespace longhand::test
