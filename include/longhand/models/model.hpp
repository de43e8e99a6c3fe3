// SPDX-License-Identifier: MIT
#pragma once
#include <concepts>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "longhand/core/eigen.hpp"
#include "longhand/core/named_values.hpp"
#include "longhand/core/terms.hpp"
#include "longhand/models/input_units.hpp"

namespace longhand {

/// What values() tells of the latents of a batch, each where it is wanted.
template <class B>
struct LatentStatistics {
  View<B> kl_per_unit;  ///< units() numbers: the KL of each latent unit is added, over the samples
  View<B> mean;         ///< units() x N: posterior means
  View<B> codes;        ///< z_rows() x N: the codes that were drawn, where wants_codes() is true
};

/// The answers of a model that has one phase, no condition, no schedules and no latents to speak
/// of; a model derives from it and says only what is different.
struct ModelDefaults {
  static constexpr bool has_elbo() { return false; }
  static Index condition_dim() { return 0; }
  static Index units() { return 0; }
  static std::vector<Scheduled> schedules() { return {}; }
  static std::vector<Phase> phases() { return {{"train", {0}}}; }
  /// Whether codes can be drawn without data, by from_prior().
  static constexpr bool has_prior() { return false; }
  template <class... Any>
  void from_prior(const Any&...) const {
    require(false, "an autoencoder has no prior over its latents: it cannot be sampled");
  }
  /// Whether diagnosis() has something to say; evaluation then collects all codes of a data set.
  static constexpr bool wants_codes() { return false; }
  static Index z_rows() { return 0; }
  static NamedValues diagnosis(const ColumnMajor<double>& /*codes*/) { return {}; }
  /// What early stopping and the kept weights follow: the first player's loss. Of epochs whose loss
  /// lies within this fraction of the least, the one of the least tie_break is kept.
  template <class Report>
  static Selection selection(const Report& report) {
    return {report.loss(), 0};
  }
  static constexpr double selection_tolerance() { return 0; }
  /// Sentences about the epoch that was kept.
  template <class Report>
  static std::vector<std::string> remarks(const Report& /*report*/) {
    return {};
  }
  /// Whether draw_weights() can be asked.
  static constexpr bool has_draw_weights() { return false; }
  template <class Pass, class Batch, class View>
  View draw_weights(const Pass&, const Batch&, const View&) const {
    require(false, "the model has no importance-weighted bound");
    return {};
  }
  /// Targets must lie in [first, second].
  static std::pair<double, double> domain() {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    return {-infinity, infinity};
  }
};

/// What training and evaluation ask of a model. `terms` is T x N, a row per term, zeroed before a
/// step: step() adds nothing to the rows of other phases and values() fills all rows.
template <class M>
concept TrainableModel = requires(const M model, M& own, const Pass<typename M::Backend>& pass,
                                  const Batch<typename M::Backend>& batch,
                                  View<typename M::Backend> terms,
                                  const LatentStatistics<typename M::Backend>& statistics) {
  { model.backend() } -> std::convertible_to<const typename M::Backend&>;
  { model.params() } -> std::convertible_to<const Params<typename M::Backend>&>;
  { model.input() } -> std::convertible_to<const InputUnits<typename M::Backend>&>;
  { model.input_dim() } -> std::convertible_to<Index>;
  { model.condition_dim() } -> std::convertible_to<Index>;
  { model.domain() } -> std::convertible_to<std::pair<double, double>>;
  { model.has_elbo() } -> std::convertible_to<bool>;
  { model.units() } -> std::convertible_to<Index>;
  { model.z_rows() } -> std::convertible_to<Index>;
  { model.wants_codes() } -> std::convertible_to<bool>;
  { model.diagnosis(ColumnMajor<double>()) } -> std::convertible_to<NamedValues>;
  { model.selection_tolerance() } -> std::convertible_to<double>;
  { model.terms() } -> std::convertible_to<std::vector<Term>>;
  { model.schedules() } -> std::convertible_to<std::vector<Scheduled>>;
  { model.players() } -> std::convertible_to<std::vector<Player>>;
  { model.phases() } -> std::convertible_to<std::vector<Phase>>;
  model.step(pass, batch, Index{}, terms);
  model.values(pass, batch, terms, statistics);
  // -log p(x given z) and log q(z given x) - log p(z) of one draw, as two rows; the decoder's
  // output
  model.draw_weights(pass, batch, terms);
};

}  // namespace longhand
