// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstddef>

#include "small_vae.hpp"

namespace longhand::study {

/// What people get wrong in a backward written by hand. `none` is the right gradient.
enum class Slip {
  none,
  kl_mu_sign,
  kl_mu_dropped,
  kl_logvar_half_missing,
  kl_logvar_quarter,
  kl_logvar_minus_one,
  kl_logvar_sign,
  kl_logvar_dropped,
  kl_as_log_sigma,
  kl_as_variance,
  beta_missing,
  reparam_half_missing,
  reparam_eps_dropped,
  reparam_logvar_dropped,
  reparam_mu_dropped,
  reparam_as_sigma,
  reparam_other_eps,
  bound_ignored,
  bound_of_raw,
  bound_ignored_in_likelihood,
  act_slope_missing,
  act_at_output,
  act_wrong_side,
  act_of_gradient,
  act_slope_squared,
  sigmoid_for_softplus,
  tanh_not_squared,
  gelu_by_tanh,
  silu_as_sigmoid,
  leaky_other_slope,
  elu_as_relu,
  slope_two_at_zero,
  W3_untransposed,
  W2_untransposed,
  heads_crossed,
  head_logvar_dropped,
  head_mu_doubled,
  dWm_dWl_swapped,
  dbm_dbl_swapped,
  bernoulli_target_dropped,
  bernoulli_sign,
  bernoulli_extra_slope,
  bernoulli_softplus,
  bernoulli_probability,
  gaussian_variance_missing,
  gaussian_sigma_for_variance,
  gaussian_factor_two,
  learned_half_missing,
  learned_precision_inverted,
  learned_log_term_dropped,
  mask_ignored,
  weights_ignored,
  weights_squared,
  mean_for_sum,
  sum_for_mean,
  mean_over_elements,
  bias_mean_for_sum,
  bias_last_dropped,
  bias_broadcast,
  last_sample_dropped,
  first_sample_doubled,
  previous_sample_used,
  dW3_last_row_dropped,
  dW2_last_column_dropped,
  dW1_transposed,
  dW2_transposed,
  dropout_not_applied,
  dropout_twice,
  dropout_scale_missing,
  dropout_before,
  dW3_from_input_of_activation,
  dW2_from_mu,
  stale_hidden,
  stale_all,
  prior_sign,
  prior_square_dropped,
  prior_precision_missing,
  prior_frozen,
  count
};

struct SlipInfo {
  const char* name;
  /// Makes a random setting one in which the slip matters.
  void (*need)(Setting&);
};

namespace need {
inline void nothing(Setting&) {}
inline void bound(Setting& s) { s.bound = 3; }
inline void learned(Setting& s) { s.output = Output::learned; }
inline void learned_bound(Setting& s) { s.output = Output::learned, s.bound = 2; }
inline void bernoulli(Setting& s) { s.output = Output::bernoulli; }
inline void gaussian(Setting& s) { s.output = Output::gaussian; }
inline void curved(Setting& s) {
  if (std::holds_alternative<Identity>(s.activation) || std::holds_alternative<Relu>(s.activation))
    s.activation = Tanh{};
}
inline void softplus(Setting& s) { s.activation = Softplus{}; }
inline void tanh(Setting& s) { s.activation = Tanh{}; }
inline void gelu(Setting& s) { s.activation = Gelu{}; }
inline void silu(Setting& s) { s.activation = Silu{}; }
inline void leaky(Setting& s) { s.activation = LeakyRelu{}; }
inline void elu(Setting& s) { s.activation = Elu{}; }
inline void relu(Setting& s) { s.activation = Relu{}; }
inline void square_output(Setting& s) { s.hidden = s.inputs = s.inputs < 2 ? 2 : s.inputs; }
inline void square_latent(Setting& s) { s.hidden = s.latent = s.latent < 2 ? 2 : s.latent; }
inline void batch(Setting& s) { s.batch = s.batch < 2 ? 2 : s.batch; }
inline void mean(Setting& s) { batch(s), s.contracted = false; }
inline void masked(Setting& s) { s.masked = true; }
inline void weighted(Setting& s) { s.weighted = true; }
inline void dropout(Setting& s) { s.dropout = 0.4; }
inline void prior(Setting& s) { s.conditions = 2; }
inline void beta(Setting& s) { s.beta = s.beta == 1 ? 4 : s.beta; }
}  // namespace need

inline constexpr std::array<SlipInfo, static_cast<std::size_t>(Slip::count)> kSlips{{
    {"correct", need::nothing},
    {"KL: sign of d/dmu", need::nothing},
    {"KL: d/dmu dropped", need::nothing},
    {"KL: 1/2 of d/dlogvar missing", need::nothing},
    {"KL: -0.25 for -0.5 in d/dlogvar", need::nothing},
    {"KL: -1 of d/dlogvar dropped", need::nothing},
    {"KL: sign of d/dlogvar", need::nothing},
    {"KL: d/dlogvar dropped", need::nothing},
    {"KL: logvar taken for log sigma", need::nothing},
    {"KL: logvar taken for sigma^2", need::nothing},
    {"beta missing in backward", need::beta},
    {"reparameterisation: 1/2 missing", need::nothing},
    {"reparameterisation: eps dropped", need::nothing},
    {"reparameterisation: logvar path dropped", need::nothing},
    {"reparameterisation: mu path dropped", need::nothing},
    {"reparameterisation: logvar taken for sigma", need::nothing},
    {"reparameterisation: noise drawn again", need::nothing},
    {"bound of logvar ignored in backward", need::bound},
    {"bound's slope from its input", need::bound},
    {"bound ignored in the likelihood", need::learned_bound},
    {"activation's slope missing", need::curved},
    {"activation's slope at its output", need::curved},
    {"activation's slope on the wrong side", need::curved},
    {"activation's slope at the gradient", need::curved},
    {"activation's slope applied twice", need::curved},
    {"softplus for its slope, the sigmoid", need::softplus},
    {"tanh' = 1 - y", need::tanh},
    {"gelu' of the tanh approximation", need::gelu},
    {"silu' = sigmoid", need::silu},
    {"leaky slope 0.2 for 0.01", need::leaky},
    {"elu' of relu", need::elu},
    {"relu'(0) = 2, at a kink", need::relu},
    {"W3 not transposed", need::square_output},
    {"W2 not transposed", need::square_latent},
    {"heads crossed", need::nothing},
    {"logvar head's path dropped", need::nothing},
    {"mu head's path doubled", need::nothing},
    {"dWm and dWl swapped", need::nothing},
    {"dbm and dbl swapped", need::nothing},
    {"Bernoulli: target dropped", need::bernoulli},
    {"Bernoulli: sign", need::bernoulli},
    {"Bernoulli: sigmoid' once too often", need::bernoulli},
    {"Bernoulli: softplus for sigmoid", need::bernoulli},
    {"Bernoulli: logit taken for probability", need::bernoulli},
    {"Gaussian: variance missing", need::gaussian},
    {"Gaussian: sigma for sigma^2", need::gaussian},
    {"Gaussian: factor 2 (d of square)", need::gaussian},
    {"learned variance: 1/2 missing", need::learned},
    {"learned variance: e^+logvar", need::learned},
    {"learned variance: d of logvar/2 dropped", need::learned},
    {"mask ignored in backward", need::masked},
    {"row weights ignored in backward", need::weighted},
    {"row weights applied twice", need::weighted},
    {"1/N applied twice", need::mean},
    {"1/N missing", need::mean},
    {"1/(N D) for 1/N", need::mean},
    {"bias: mean for sum", need::batch},
    {"bias: last entry dropped (off by one)", need::nothing},
    {"bias: sum over everything broadcast", need::nothing},
    {"last sample dropped in dW1 (off by one)", need::batch},
    {"first sample twice in dW1", need::batch},
    {"previous sample used in dW1", need::batch},
    {"dW3: last row dropped (off by one)", need::nothing},
    {"dW2: last column dropped (off by one)", need::nothing},
    {"dW1 transposed", need::square_output},
    {"dW2 transposed", need::square_latent},
    {"dropout's mask not applied in backward", need::dropout},
    {"dropout's mask applied twice", need::dropout},
    {"dropout: 1/(1-p) missing in backward", need::dropout},
    {"activations before dropout in dWm", need::dropout},
    {"dW3 from the activation's input", need::curved},
    {"dW2 from mu, not z", need::nothing},
    {"stale cache: hidden layer", need::nothing},
    {"stale cache: everything", need::nothing},
    {"prior: sign of d/dmu_p", need::prior},
    {"prior: square dropped in d/dlogvar_p", need::prior},
    {"prior: precision missing in d/dmu", need::prior},
    {"prior: no gradient at all", need::prior},
}};

inline const char* name_of(Slip slip) { return kSlips[static_cast<std::size_t>(slip)].name; }

}  // namespace longhand::study
