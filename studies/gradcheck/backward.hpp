// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <numbers>
#include <span>
#include <utility>

#include "slips.hpp"

/// The hand-derived backward of the small VAE, with room for one slip of the pen.
namespace longhand::study {

inline double logistic(double a) { return 1 / (1 + std::exp(-a)); }

/// dy/da of an activation, derived here once more.
inline double slope(const Activation& activation, double a) {
  struct At {
    double a;
    double operator()(const Relu&) const { return a > 0 ? 1 : 0; }
    double operator()(const LeakyRelu& f) const { return a > 0 ? 1 : f.slope; }
    double operator()(const Tanh&) const { return 1 / (std::cosh(a) * std::cosh(a)); }
    double operator()(const Sigmoid&) const { return logistic(a) * logistic(-a); }
    double operator()(const Softplus&) const { return logistic(a); }
    double operator()(const Elu& f) const { return a > 0 ? 1 : f.alpha * std::exp(a); }
    double operator()(const Silu&) const { return logistic(a) * (1 + a * logistic(-a)); }
    double operator()(const Gelu&) const {
      return 0.5 * std::erfc(-a * Gelu::kSqrtHalf) +
             a * Gelu::kInverseSqrtTwoPi * std::exp(-0.5 * a * a);
    }
    double operator()(const Identity&) const { return 1; }
  };
  return std::visit(At{a}, activation);
}

/// The slope of y = act(a) as `slip` has it; dy is the gradient that arrives.
inline double slope(const Activation& activation, double a, double y, double dy, Slip slip) {
  const double right = slope(activation, a);
  switch (slip) {
    case Slip::act_slope_missing:
      return 1;
    case Slip::act_at_output:
      return slope(activation, y);
    case Slip::act_wrong_side:
      return slope(activation, -a);
    case Slip::act_of_gradient:
      return slope(activation, dy);
    case Slip::act_slope_squared:
      return right * right;
    case Slip::sigmoid_for_softplus:
      return y;
    case Slip::tanh_not_squared:
      return 1 - y;
    case Slip::gelu_by_tanh: {
      const double k = std::sqrt(2 * std::numbers::inv_pi), u = k * (a + 0.044715 * a * a * a),
                   t = std::tanh(u);
      return 0.5 * (1 + t) + 0.5 * a * (1 - t * t) * k * (1 + 3 * 0.044715 * a * a);
    }
    case Slip::silu_as_sigmoid:
      return logistic(a);
    case Slip::leaky_other_slope:
      return a > 0 ? 1 : 0.2;
    case Slip::elu_as_relu:
      return a > 0 ? 1 : 0;
    case Slip::slope_two_at_zero:
      return a == 0 ? 2 : right;
    default:
      return right;
  }
}

class Backward {
 public:
  /// v: a forward at w. `stale`: another forward, of other tensors, for those who mix them up.
  Backward(const Setting& s, const Constants& c, const Tensors<double>& w, const Trace<double>& v,
           const Trace<double>& stale, Slip slip)
      : s_(s), c_(c), w_(w), v_(slip == Slip::stale_all ? stale : v), stale_(stale), slip_(slip) {}

  /// d: the gradient of every row's loss (or of their mean, then one number).
  Tensors<double> run(std::span<const double> d) {
    seed(d);
    likelihood();
    decoder();
    kl();
    latent();
    encoder();
    on_the_way_out();
    return std::move(g_);
  }

 private:
  bool is(Slip slip) const { return slip_ == slip; }

  void seed(std::span<const double> d) {
    const double n = static_cast<double>(s_.batch);
    double mean = s_.contracted ? 1 : 1 / n;
    if (is(Slip::mean_for_sum)) mean /= n;
    if (is(Slip::sum_for_mean)) mean = 1;
    if (is(Slip::mean_over_elements)) mean /= static_cast<double>(s_.inputs);
    row_ = Matrix<double>(1, s_.batch);
    for (std::size_t j = 0; j < s_.batch; ++j) {
      double weight = s_.weighted && !is(Slip::weights_ignored) ? c_.weight(j) : 1;
      if (is(Slip::weights_squared)) weight *= weight;
      row_(j) = d[s_.contracted ? j : 0] * mean * weight;
    }
  }

  void likelihood() {
    const bool learned = s_.output == Output::learned;
    do_ = Matrix<double>(s_.inputs, s_.batch);
    draw_x_ = Matrix<double>(learned ? s_.inputs : 0, s_.batch);
    for (std::size_t j = 0; j < s_.batch; ++j)
      for (std::size_t i = 0; i < s_.inputs; ++i) {
        if (s_.masked && !(c_.mask(i, j) > 0) && !is(Slip::mask_ignored)) continue;
        const double o = v_.o(i, j), t = c_.target(i, j);
        do_(i, j) = row_(j) * dnll(o, t, learned ? v_.logvar_x(i, j) : 0);
        if (!learned) continue;
        const double l = v_.logvar_x(i, j);
        const double scaled =
            (o - t) * (o - t) * std::exp(is(Slip::learned_precision_inverted) ? l : -l);
        const double one = is(Slip::learned_log_term_dropped) ? 0 : 1;
        const double dl = (is(Slip::learned_half_missing) ? 1 : 0.5) * (one - scaled);
        draw_x_(i, j) =
            row_(j) * dl * (is(Slip::bound_ignored_in_likelihood) ? 1 : through_bound(l, 0));
      }
  }
  double dnll(double o, double t, double logvar) const {
    switch (s_.output) {
      case Output::bernoulli: {
        const double p = is(Slip::bernoulli_softplus)      ? softplus_of(o)
                         : is(Slip::bernoulli_probability) ? o
                                                           : logistic(o);
        if (is(Slip::bernoulli_target_dropped)) return p;
        const double slope = is(Slip::bernoulli_extra_slope) ? p * (1 - p) : 1;
        return (is(Slip::bernoulli_sign) ? -1 : 1) * (p - t) * slope;
      }
      case Output::gaussian:
        return (is(Slip::gaussian_factor_two) ? 2 : 1) * (o - t) /
               (is(Slip::gaussian_variance_missing)     ? 1
                : is(Slip::gaussian_sigma_for_variance) ? std::sqrt(s_.variance)
                                                        : s_.variance);
      case Output::learned:
        return (o - t) * std::exp(is(Slip::learned_precision_inverted) ? logvar : -logvar);
    }
    return 0;
  }
  double through_bound(double logvar, double raw) const {
    if (std::isinf(s_.bound) || is(Slip::bound_ignored)) return 1;
    const double r = (is(Slip::bound_of_raw) ? raw : logvar) / s_.bound;
    return 1 - r * r;
  }

  void decoder() {
    g_.W3 = outer(do_, is(Slip::dW3_from_input_of_activation) ? v_.a2 : v_.h2);
    g_.b3 = row_sums(do_);
    Matrix<double> dh = pull_back(is(Slip::W3_untransposed) ? transposed(w_.W3) : w_.W3, do_);
    if (s_.output == Output::learned) {
      g_.W4 = outer(draw_x_, v_.h2), g_.b4 = row_sums(draw_x_);
      const Matrix<double> more = pull_back(w_.W4, draw_x_);
      for (std::size_t k = 0; k < dh.size(); ++k) dh.values[k] += more.values[k];
    }
    const Matrix<double> da = through_activation(v_.a2, v_.h2, dh);
    g_.W2 = outer(da, is(Slip::dW2_from_mu) ? v_.mu : v_.z);
    g_.b2 = row_sums(da);
    dz_ = pull_back(is(Slip::W2_untransposed) ? transposed(w_.W2) : w_.W2, da);
  }
  Matrix<double> through_activation(const Matrix<double>& a, const Matrix<double>& y,
                                    const Matrix<double>& dy) const {
    return make(a.rows, a.cols, [&](std::size_t i, std::size_t j) {
      return dy(i, j) * slope(s_.activation, a(i, j), y(i, j), dy(i, j), slip_);
    });
  }

  void kl() {
    dmu_ = Matrix<double>(s_.latent, s_.batch), dlogvar_ = dmu_, dmu_p_ = dmu_, draw_p_ = dmu_;
    const double beta = is(Slip::beta_missing) ? 1 : s_.beta;
    for (std::size_t j = 0; j < s_.batch; ++j)
      for (std::size_t i = 0; i < s_.latent; ++i) {
        const bool prior = s_.learned_prior();
        const double l = v_.logvar(i, j), lp = prior ? v_.logvar_p(i, j) : 0;
        const double delta = v_.mu(i, j) - (prior ? v_.mu_p(i, j) : 0);
        const double precision = std::exp(-lp), scaled = delta * delta * precision;
        const double w = beta * row_(j);
        dmu_(i, j) = w * delta * (is(Slip::prior_precision_missing) ? 1 : precision);
        if (is(Slip::kl_mu_sign)) dmu_(i, j) *= -1;
        if (is(Slip::kl_mu_dropped)) dmu_(i, j) = 0;
        dlogvar_(i, j) = w * dkl(l - lp);
        if (!prior || is(Slip::prior_frozen)) continue;
        dmu_p_(i, j) = (is(Slip::prior_sign) ? 1 : -1) * w * delta * precision;
        draw_p_(i, j) = -0.5 * w *
                        (std::expm1(l - lp) + (is(Slip::prior_square_dropped) ? 0 : scaled)) *
                        through_bound(lp, v_.raw_p(i, j));
      }
    g_.P = outer(dmu_p_, c_.condition), g_.p = row_sums(dmu_p_);
    g_.Q = outer(draw_p_, c_.condition), g_.q = row_sums(draw_p_);
  }
  /// dKL/dlogvar of one dimension, d = logvar - logvar_p.
  double dkl(double d) const {
    switch (slip_) {
      case Slip::kl_logvar_half_missing:
        return std::expm1(d);
      case Slip::kl_logvar_quarter:
        return 0.25 * std::expm1(d);
      case Slip::kl_logvar_minus_one:
        return 0.5 * std::exp(d);
      case Slip::kl_logvar_sign:
        return -0.5 * std::expm1(d);
      case Slip::kl_logvar_dropped:
        return 0;
      case Slip::kl_as_log_sigma:
        return std::expm1(2 * d);
      case Slip::kl_as_variance:
        return -0.5 * std::expm1(-d);
      default:
        return 0.5 * std::expm1(d);
    }
  }

  void latent() {
    draw_ = Matrix<double>(s_.latent, s_.batch);
    for (std::size_t j = 0; j < s_.batch; ++j)
      for (std::size_t i = 0; i < s_.latent; ++i) {
        const double sigma = std::exp(0.5 * v_.logvar(i, j));
        double eps = c_.eps(i, j);
        if (is(Slip::reparam_eps_dropped)) eps = 1;
        if (is(Slip::reparam_other_eps)) eps = c_.eps(s_.latent - 1 - i, s_.batch - 1 - j) + 0.1;
        double dlogvar = 0.5 * sigma * eps;
        if (is(Slip::reparam_half_missing)) dlogvar *= 2;
        if (is(Slip::reparam_logvar_dropped)) dlogvar = 0;
        if (is(Slip::reparam_as_sigma)) dlogvar = eps;
        dlogvar_(i, j) += dz_(i, j) * dlogvar;
        if (!is(Slip::reparam_mu_dropped)) dmu_(i, j) += dz_(i, j);
        draw_(i, j) = dlogvar_(i, j) * through_bound(v_.logvar(i, j), v_.raw(i, j));
      }
  }

  void encoder() {
    const Matrix<double>& d1 = is(Slip::stale_hidden)     ? stale_.d1
                               : is(Slip::dropout_before) ? v_.h1
                                                          : v_.d1;
    g_.Wm = outer(dmu_, d1), g_.bm = row_sums(dmu_);
    g_.Wl = outer(draw_, v_.d1), g_.bl = row_sums(draw_);
    const bool crossed = is(Slip::heads_crossed);
    const Matrix<double> by_mu = pull_back(w_.Wm, crossed ? draw_ : dmu_),
                         by_raw = pull_back(w_.Wl, crossed ? dmu_ : draw_);
    const double mu_times = is(Slip::head_mu_doubled) ? 2 : 1,
                 raw_times = is(Slip::head_logvar_dropped) ? 0 : 1;
    const Matrix<double> dh = make(s_.hidden, s_.batch, [&](std::size_t i, std::size_t j) {
      return (mu_times * by_mu(i, j) + raw_times * by_raw(i, j)) * dropped(i, j);
    });
    Matrix<double> da = through_activation(v_.a1, v_.h1, dh);
    g_.b1 = row_sums(da);
    g_.x = pull_back(w_.W1, da);
    Matrix<double> x = w_.x;
    if (is(Slip::last_sample_dropped)) scale_column(x, s_.batch - 1, 0);
    if (is(Slip::first_sample_doubled)) scale_column(x, 0, 2);
    if (is(Slip::previous_sample_used))
      x = make(x.rows, x.cols,
               [&](std::size_t i, std::size_t j) { return w_.x(i, j == 0 ? 0 : j - 1); });
    g_.W1 = outer(da, x);
  }
  double dropped(std::size_t i, std::size_t j) const {
    if (!(s_.dropout > 0) || is(Slip::dropout_not_applied)) return 1;
    const double factor = c_.factor(i, j);
    if (is(Slip::dropout_twice)) return factor * factor;
    if (is(Slip::dropout_scale_missing)) return factor > 0 ? 1 : 0;
    return factor;
  }
  static void scale_column(Matrix<double>& m, std::size_t j, double by) {
    for (std::size_t i = 0; i < m.rows; ++i) m(i, j) *= by;
  }

  /// Slips made when the gradients are handed over.
  void on_the_way_out() {
    if (is(Slip::dWm_dWl_swapped)) std::swap(g_.Wm, g_.Wl);
    if (is(Slip::dbm_dbl_swapped)) std::swap(g_.bm, g_.bl);
    if (is(Slip::dW1_transposed)) g_.W1 = transposed(g_.W1);
    if (is(Slip::dW2_transposed)) g_.W2 = transposed(g_.W2);
    if (is(Slip::bias_mean_for_sum))
      for (double& b : g_.b1.values) b /= static_cast<double>(s_.batch);
    if (is(Slip::bias_last_dropped) && g_.b2.size() > 0) g_.b2.values.back() = 0;
    if (is(Slip::bias_broadcast)) {
      double sum = 0;
      for (const double b : g_.b1.values) sum += b;
      std::fill(g_.b1.values.begin(), g_.b1.values.end(), sum);
    }
    if (is(Slip::dW3_last_row_dropped) && g_.W3.rows > 0)
      for (std::size_t k = 0; k < g_.W3.cols; ++k) g_.W3(g_.W3.rows - 1, k) = 0;
    if (is(Slip::dW2_last_column_dropped) && g_.W2.cols > 0) scale_column(g_.W2, g_.W2.cols - 1, 0);
  }

  const Setting& s_;
  const Constants& c_;
  const Tensors<double>& w_;
  const Trace<double>& v_;
  const Trace<double>& stale_;
  Slip slip_;
  Tensors<double> g_;
  Matrix<double> row_, do_, draw_x_, dz_, dmu_, dlogvar_, dmu_p_, draw_p_, draw_;
};

}  // namespace longhand::study
