// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "longhand/gradcheck/dual.hpp"
#include "longhand/layers/activation.hpp"
#include "longhand/math/gaussian.hpp"
#include "matrix.hpp"

/// A small variational autoencoder with everything in it that people get wrong, its forward written
/// for plain and for dual numbers. Formulas are written out, not taken from the library: this is
/// what a stranger brings to the checker.
namespace longhand::study {

enum class Output { bernoulli, gaussian, learned };

/// What a small VAE is, apart from its numbers.
struct Setting {
  std::size_t inputs = 4, hidden = 3, latent = 2, conditions = 0, batch = 3;
  Activation activation = Tanh{};
  Output output = Output::bernoulli;
  double bound = std::numeric_limits<double>::infinity();  ///< of log variances, c of c tanh(a / c)
  double beta = 1, variance = 1, offset = 0;
  double dropout = 0;
  bool masked = false, weighted = false;
  bool contracted = false;  ///< one output per row of the batch instead of their mean
  bool differentiate_input = false;

  bool learned_prior() const { return conditions > 0; }
};

/// What is not differentiated.
struct Constants {
  Matrix<double> target, eps, mask, weight, factor, condition;
};

/// What is differentiated.
template <class T>
struct Tensors {
  Matrix<T> x, W1, b1, Wm, bm, Wl, bl, W2, b2, W3, b3, W4, b4, P, p, Q, q;

  /// f(name, tensor) for those a setting has.
  template <class Self, class F>
  static void visit(Self& self, const Setting& s, const F& f) {
    if (s.differentiate_input) f("x", self.x);
    f("W1", self.W1), f("b1", self.b1), f("Wm", self.Wm), f("bm", self.bm), f("Wl", self.Wl);
    f("bl", self.bl), f("W2", self.W2), f("b2", self.b2), f("W3", self.W3), f("b3", self.b3);
    if (s.output == Output::learned) f("W4", self.W4), f("b4", self.b4);
    if (s.learned_prior()) f("P", self.P), f("p", self.p), f("Q", self.Q), f("q", self.q);
  }
};

/// What forward leaves for backward.
template <class T>
struct Trace {
  Matrix<T> a1, h1, d1, mu, raw, logvar, z, a2, h2, o, raw_x, logvar_x, mu_p, raw_p, logvar_p;
  std::vector<T> rows;  ///< the loss of every row of the batch
};

template <class T>
T softplus_of(const T& a) {
  using std::exp, std::log1p;
  return a > T(0) ? a + log1p(exp(-a)) : log1p(exp(a));
}
template <class T>
T bounded(double c, const T& raw) {
  using std::tanh;
  return std::isinf(c) ? raw : T(c) * tanh(raw / T(c));
}
template <class T>
void bounded(double c, const Matrix<T>& raw, Matrix<T>& logvar) {
  logvar.reset(raw.rows, raw.cols);
  for (std::size_t k = 0; k < raw.size(); ++k) logvar.values[k] = bounded(c, raw.values[k]);
}
template <class T>
void activate(const Activation& activation, const Matrix<T>& a, Matrix<T>& y) {
  y.reset(a.rows, a.cols);
  std::visit(
      [&](const auto& act) {
        for (std::size_t k = 0; k < a.size(); ++k) act.forward(a.values[k], y.values[k]);
      },
      activation);
}

/// -log p(t | outputs) of one element.
template <class T>
T nll_of(const Setting& s, const T& o, const T& logvar, double t) {
  using std::exp;
  switch (s.output) {
    case Output::bernoulli:
      return softplus_of(o) - o * T(t);
    case Output::gaussian:
      return (o - T(t)) * (o - T(t)) / T(2 * s.variance) +
             T(0.5 * std::log(s.variance) + 0.5 * kLogTwoPi);
    case Output::learned:
      return T(0.5) * ((o - T(t)) * (o - T(t)) * exp(-logvar) + logvar + T(kLogTwoPi));
  }
  return T(0);
}
/// KL(N(mu, e^logvar) || N(mu_p, e^logvar_p)) of one dimension.
template <class T>
T kl_of(const T& mu, const T& logvar, const T& mu_p, const T& logvar_p) {
  using std::exp;
  const T d = logvar - logvar_p, delta = mu - mu_p;
  return T(0.5) * (exp(d) - T(1) - d + delta * delta * exp(-logvar_p));
}

template <class T>
void forward(const Setting& s, const Constants& c, const Tensors<T>& w, Trace<T>& v) {
  using std::exp;
  affine(w.W1, w.b1, w.x, v.a1);
  activate(s.activation, v.a1, v.h1);
  v.d1 = v.h1;
  if (s.dropout > 0)
    for (std::size_t k = 0; k < v.d1.size(); ++k) v.d1.values[k] *= T(c.factor.values[k]);
  affine(w.Wm, w.bm, v.d1, v.mu);
  affine(w.Wl, w.bl, v.d1, v.raw);
  bounded(s.bound, v.raw, v.logvar);
  v.z = v.mu;
  for (std::size_t k = 0; k < v.z.size(); ++k)
    v.z.values[k] += exp(T(0.5) * v.logvar.values[k]) * T(c.eps.values[k]);
  affine(w.W2, w.b2, v.z, v.a2);
  activate(s.activation, v.a2, v.h2);
  affine(w.W3, w.b3, v.h2, v.o);
  if (s.output == Output::learned) {
    affine(w.W4, w.b4, v.h2, v.raw_x);
    bounded(s.bound, v.raw_x, v.logvar_x);
  }
  if (s.learned_prior()) {
    Matrix<T> condition(c.condition.rows, c.condition.cols);
    condition.values.assign(c.condition.values.begin(), c.condition.values.end());
    affine(w.P, w.p, condition, v.mu_p);
    affine(w.Q, w.q, condition, v.raw_p);
    bounded(s.bound, v.raw_p, v.logvar_p);
  }
  v.rows.assign(s.batch, T(0));
  for (std::size_t j = 0; j < s.batch; ++j) {
    T nll(0), kl(0);
    for (std::size_t i = 0; i < s.inputs; ++i)
      if (!s.masked || c.mask(i, j) > 0)
        nll += nll_of(s, v.o(i, j), s.output == Output::learned ? v.logvar_x(i, j) : T(0),
                      c.target(i, j));
    for (std::size_t i = 0; i < s.latent; ++i)
      kl += kl_of(v.mu(i, j), v.logvar(i, j), s.learned_prior() ? v.mu_p(i, j) : T(0),
                  s.learned_prior() ? v.logvar_p(i, j) : T(0));
    v.rows[j] = T(s.weighted ? c.weight(j) : 1) * (nll + T(s.beta) * kl);
  }
}

/// What the checker sees: the mean over the batch, or every row.
template <class T>
std::vector<T> outputs(const Setting& s, const Trace<T>& v) {
  if (s.contracted) {
    std::vector<T> rows = v.rows;
    for (T& row : rows) row += T(s.offset);
    return rows;
  }
  T sum(0);
  for (const T& row : v.rows) sum += row;
  if (s.batch > 0) sum = sum / T(static_cast<double>(s.batch));
  return {sum + T(s.offset)};
}

}  // namespace longhand::study
