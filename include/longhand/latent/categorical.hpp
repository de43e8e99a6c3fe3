// SPDX-License-Identifier: MIT
#pragma once
#include "longhand/core/backend.hpp"
#include "longhand/core/macros.hpp"
#include "longhand/core/pass.hpp"
#include "longhand/core/terms.hpp"
#include "longhand/latent/spec.hpp"
#include "longhand/math/categorical.hpp"

namespace longhand {

/// A latent of V variables with K classes each (docs/derivations/categorical.md). The head h has K
/// logits per variable, V K x N, and the code z has as many numbers. In training the code is a
/// relaxed draw, or a one-hot draw whose gradient is that of the relaxed one; everywhere else it is
/// one-hot. The prior is uniform.
///
/// Column j of a V K x N matrix holds sample j's variables one below the other; read as K x V N it
/// has one variable per column, in the same memory.
template <class B>
class CategoricalLatent {
 public:
  using Spec = CategoricalLatentSpec;

  /// What forward() keeps.
  struct Cache {
    ConstView<B> logits;   ///< K x V N, the head
    ConstView<B> q;        ///< K x V N, softmax of the logits
    ConstView<B> lse;      ///< 1 x V N
    ConstView<B> relaxed;  ///< K x V N, softmax of the perturbed logits; absent outside of training
    ConstView<B> z;        ///< V K x N
  };

  CategoricalLatent() = default;
  CategoricalLatent(ParamLayout&, const Spec& spec, Index /*condition_dim*/)
      : variables_(spec.variables), classes_(spec.classes), estimator_(spec.estimator) {}

  static constexpr bool has_density() { return true; }
  static constexpr bool has_logvar() { return false; }
  static constexpr bool has_log_ratio() { return true; }
  static std::vector<Term> terms() { return {{"kl"}}; }
  static std::vector<Scheduled> schedules() { return {{"tau", 1}}; }
  Index head_rows() const { return variables_ * classes_; }
  Index z_rows() const { return variables_ * classes_; }
  Index units() const { return variables_; }

  /// Draws z from the head h (V K x N each), with the pass's key and sample ids, at the temperature
  /// of the training's schedule.
  void forward(const Pass<B>& pass, ConstView<B> h, ConstView<B> /*condition*/, View<B> z,
               Cache& cache) const;

  /// Assigns dh from dz (V K x N each), and writes KL_j into `rows` (1 x N). w (1 x N) weighs each
  /// sample's KL; where it is absent, dh has only what comes through z, and `rows` is not written.
  void backward(const Pass<B>& pass, const Cache& cache, ConstView<B> w, ConstView<B> dz,
                View<B> dh, View<B> rows) const;

  /// Writes KL_j in nats into `rows` (1 x N), without gradients.
  void values(const Pass<B>& pass, const Cache& cache, View<B> rows) const;

  /// Writes log q(z given x) - log p(z) at the one-hot draw, whose mean is the KL, into `rows` (1 x
  /// N).
  void log_ratio(const Pass<B>& pass, const Cache& cache, View<B> rows) const;

  /// Writes the most probable class of each variable into z (V K x N), one-hot.
  void mean(const Pass<B>& pass, ConstView<B> h, View<B> z, View<B> /*logvar*/ = {}) const;

  /// Draws z (V K x N), one-hot, every class as probable as the others, with noise of the stream
  /// `prior`.
  void from_prior(const Pass<B>& pass, ConstView<B> /*condition*/, View<B> z) const;

  /// kl_per_unit (V numbers) += the KL of each variable, summed over the samples. A choice has no
  /// mean: `mean` is its KL again (V x N), whose spread says as well whether the variable is used.
  void statistics(const Pass<B>& pass, const Cache& cache, View<B> kl_per_unit, View<B> mean) const;

 private:
  template <class V>
  V columns_of_variables(const V& m) const {
    return {m.data, classes_, variables_ * m.cols, classes_};
  }
  /// The V K x N matrix m seen as K x V N: in place, or as a copy without the gaps between its
  /// columns.
  ConstView<B> by_variable(const Pass<B>& pass, ConstView<B> m) const {
    if (m.contiguous()) return columns_of_variables(m);
    const View<B> copy = pass.matrix(m.rows, m.cols);
    pass.backend.copy(m, copy);
    return columns_of_variables(ConstView<B>(copy));
  }
  static View<B> as_row(View<B> m) { return {m.data, 1, m.size(), 1}; }

  /// The temperature of the training, from the schedule after that of the KL's weight. Outside of
  /// training any other does, since a one-hot draw does not depend on it.
  static OperandOf<B> temperature(const Pass<B>& pass) {
    return pass.scalars.present() ? scalar_at<B>(pass.scalars.schedules + 1) : constant<B>(1);
  }

  void kl_of_variables(const Pass<B>& pass, const Cache& cache, View<B> kl) const {
    pass.backend.reduce_columns(UniformKl::over(classes_),
                                in<B>(cache.q, cache.logits, per_sample(cache.lse)),
                                std::array<View<B>, 0>{}, classes_, kl);  // [CAT-10]
  }
  /// rows_j = the sum over a sample's variables; w_variable: w_j for each of them.
  void sum_variables(const Pass<B>& pass, ConstView<B> of_variables, const OperandOf<B>& w,
                     View<B> w_variable, View<B> rows) const {
    const ConstView<B> by_sample{of_variables.data, variables_, rows.cols, variables_};
    pass.backend.reduce_columns(SumAndSpread{}, in<B>(by_sample, w), out<B>(w_variable), variables_,
                                rows);
  }

  Index variables_ = 0, classes_ = 0;
  Estimator estimator_ = Estimator::gumbel;
};

template <class B>
LONGHAND_ONCE void CategoricalLatent<B>::forward(const Pass<B>& pass, ConstView<B> h,
                                                 ConstView<B> /*condition*/, View<B> z,
                                                 Cache& cache) const {
  require_shape("latent: h", h, head_rows(), z.cols);
  require_shape("latent: z", z, z_rows(), h.cols);
  require(z.contiguous(), "latent: z has gaps between its columns, expected none");
  const View<B> q = pass.matrix(classes_, variables_ * h.cols),
                lse = pass.matrix(1, variables_ * h.cols);
  cache = {by_variable(pass, h), q, lse, {}, z};
  pass.backend.softmax_columns(cache.logits, q, lse);  // [CAT-1] [CAT-2]

  const View<B> a = pass.matrix(z.rows, z.cols);
  pass.backend.fill_uniform(
      pass.key, pass.sample_ids, a,
      then<B>(PerturbLogit{}, in<B>(h, temperature(pass), a), out<B>(a)));  // [CAT-4] [CAT-5]
  const View<B> perturbed = columns_of_variables(a), codes = columns_of_variables(z);
  if (pass.mode == Mode::eval) return pass.backend.one_hot_columns(perturbed, codes);  // [CAT-6]
  const bool soft = estimator_ == Estimator::gumbel;
  const View<B> relaxed = soft ? codes : pass.matrix(classes_, codes.cols);
  pass.backend.softmax_columns(perturbed, relaxed, {});       // [CAT-7] [CAT-8]
  if (!soft) pass.backend.one_hot_columns(perturbed, codes);  // [CAT-9]
  cache.relaxed = relaxed;
}

template <class B>
LONGHAND_ONCE void CategoricalLatent<B>::backward(const Pass<B>& pass, const Cache& cache,
                                                  ConstView<B> w, ConstView<B> dz, View<B> dh,
                                                  View<B> rows) const {
  require_shape("latent: dz", dz, z_rows(), cache.z.cols);
  require_shape("latent: dh", dh, head_rows(), cache.z.cols);
  const ConstView<B> y = cache.relaxed, dy = by_variable(pass, dz);
  const View<B> gapless = dh.contiguous() ? dh : pass.matrix(dh.rows, dh.cols);
  const View<B> dl = columns_of_variables(gapless), s = pass.matrix(1, y.cols);
  const OperandOf<B> tau = temperature(pass);
  const std::array<View<B>, 0> none{};
  pass.backend.reduce_columns(SoftmaxDot{}, in<B>(y, dy), none, classes_, s);  // [CAT-3]
  if (w.present()) {
    const View<B> kl = pass.matrix(1, y.cols), w_variable = pass.matrix(variables_, dh.cols);
    kl_of_variables(pass, cache, kl);
    sum_variables(pass, kl, per_sample(w), w_variable, rows);
    pass.backend.for_each(CategoricalBackward{UniformKl::over(classes_)},
                          in<B>(cache.q, cache.logits, per_sample(cache.lse), per_sample(kl),
                                per_sample(as_row(w_variable)), y, dy, per_sample(s), tau),
                          out<B>(dl));  // [CAT-3] [CAT-11] [ELBO-4]
  } else {
    pass.backend.for_each(SoftmaxBackward{}, in<B>(y, dy, per_sample(s), tau, constant<B>(0)),
                          out<B>(dl));  // [CAT-3]
  }
  if (!dh.contiguous()) pass.backend.copy(gapless, dh);
}

template <class B>
LONGHAND_ONCE void CategoricalLatent<B>::values(const Pass<B>& pass, const Cache& cache,
                                                View<B> rows) const {
  const View<B> kl = pass.matrix(1, cache.q.cols);
  kl_of_variables(pass, cache, kl);
  sum_variables(pass, kl, constant<B>(1), pass.matrix(variables_, rows.cols), rows);
}

template <class B>
LONGHAND_ONCE void CategoricalLatent<B>::log_ratio(const Pass<B>& pass, const Cache& cache,
                                                   View<B> rows) const {
  const View<B> ratio = pass.matrix(1, cache.q.cols);
  pass.backend.reduce_columns(
      DrawnLogRatio{UniformKl::over(classes_)},
      in<B>(columns_of_variables(cache.z), cache.logits, per_sample(cache.lse)),
      std::array<View<B>, 0>{}, classes_, ratio);  // [CAT-14]
  sum_variables(pass, ratio, constant<B>(1), pass.matrix(variables_, rows.cols), rows);
}

template <class B>
LONGHAND_ONCE void CategoricalLatent<B>::mean(const Pass<B>& pass, ConstView<B> h, View<B> z,
                                              View<B> /*logvar*/) const {
  if (z.present()) pass.backend.one_hot_columns(by_variable(pass, h), columns_of_variables(z));
}

template <class B>
LONGHAND_ONCE void CategoricalLatent<B>::from_prior(const Pass<B>& pass, ConstView<B> /*condition*/,
                                                    View<B> z) const {
  NoiseKey key = pass.key;
  key.stream = Stream::prior;
  const View<B> u = pass.matrix(z.rows, z.cols);
  pass.backend.fill_uniform(key, pass.sample_ids, u);
  pass.backend.one_hot_columns(columns_of_variables(u), columns_of_variables(z));  // [CAT-6]
}

template <class B>
LONGHAND_ONCE void CategoricalLatent<B>::statistics(const Pass<B>& pass, const Cache& cache,
                                                    View<B> kl_per_unit, View<B> mean) const {
  const View<B> kl = pass.matrix(1, cache.q.cols);
  kl_of_variables(pass, cache, kl);
  const View<B> by_sample{kl.data, variables_, cache.z.cols, variables_};
  pass.backend.reduce_rows(Value{}, in<B>(by_sample), variables_, cache.z.cols, kl_per_unit,
                           Store::accumulate);
  pass.backend.copy(by_sample, mean);
}

}  // namespace longhand
