// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "longhand/core/check.hpp"
#include "longhand/core/samples.hpp"
#include "longhand/models/one_shot.hpp"
#include "longhand/train/data.hpp"

/// Which samples a trained model finds odd, how odd, and because of which number (the guide is
/// docs/guides/anomaly.md). The score of a sample is what the model loses on it, in nats: the
/// negative ELBO of a VAE, the negative log-likelihood term of a model without a KL.
namespace longhand {

/// How samples that are known to be normal look to a model: what others are measured by.
struct NormalSamples {
  std::vector<double> scores;      ///< ascending
  std::vector<double> deviations;  ///< per feature, root mean square of actual - expected

  /// The least score that a further normal sample exceeds with a probability of at most 1 - q. The
  /// bound holds for any model, if the samples were not trained on and are drawn alike: the score
  /// of a further one is equally likely to take any of the n + 1 places among the others. Throws
  /// std::invalid_argument where n samples are too few to say.
  double quantile(double q) const {
    require(q > 0 && q < 1, "the quantile is ", q, ", expected a number between 0 and 1");
    const auto n = static_cast<double>(scores.size());
    // A q such as 0.95 is not a binary number; 1e-9 of a place is no place.
    const double place = std::ceil(q * (n + 1) - 1e-9);
    require(place <= n, "the quantile ", q, " needs at least ", std::ceil(q / (1 - q) - 1e-9),
            " normal rows, here are ", n);
    return scores[static_cast<std::size_t>(std::max(place, 1.0)) - 1];
  }
  /// The probability that a normal sample has this score or a higher one, estimated so that it is
  /// never 0: (1 + the number of normal samples with such a score) / (n + 1).
  double p_value(double score) const {
    const auto below = std::ranges::lower_bound(scores, score) - scores.begin();
    const auto n = static_cast<double>(scores.size());
    return (1 + n - static_cast<double>(below)) / (n + 1);
  }
};

/// A number of a sample that is not what the model expects, in the user's units.
struct OddFeature {
  Index feature = 0;
  double actual = 0, expected = 0;
  /// actual - expected, in root mean squares over normal samples; without those in units of the
  /// input transform.
  double deviation = 0;
};

struct Anomaly {
  double reconstruction = 0;        ///< - E log p(x given z)
  double kl = 0;                    ///< 0 for a model without one
  std::vector<OddFeature> blame{};  ///< the features that deviate most, the worst first
  double score() const { return reconstruction + kl; }
};

struct AnomalyOptions {
  int draws = 1;  ///< draws of z per sample, averaged
  std::uint64_t seed = 0;
  int blame = 1;  ///< features that are named per sample
};

namespace detail {
/// A row of deviations from what a model expects of each sample, which is the decoder's mean at the
/// mean code. body(sample, feature, actual, expected) is called for what is observed.
template <class M, class Body>
void each_deviation(const M& model, const Data<typename M::Backend::Scalar>& data,
                    const Body& body) {
  using S = typename M::Backend::Scalar;
  const Samples<S> expected = model.reconstruct(data.input, data.condition);
  const auto mean = expected.view();
  data.input.visit([&](const auto& x) {
    for (Index j = 0; j < x.cols; ++j)
      for (Index i = 0; i < x.rows; ++i) {
        if (data.mask.present() && !(data.mask.view()(i, j) > 0)) continue;
        body(j, i, static_cast<double>(as_number<S>(x(i, j))), static_cast<double>(mean(i, j)));
      }
  });
}

template <class M>
Scores scores_of(const M& model, const Data<typename M::Backend::Scalar>& data,
                 const AnomalyOptions& options) {
  ScoreOptions<typename M::Backend::Scalar> score{.draws = options.draws, .seed = options.seed};
  score.condition = data.condition.view();
  score.mask = data.mask.view();
  return model.score(data.input, score);
}
}  // namespace detail

/// Looks at samples that are known to be normal. They should not be those that the model was
/// trained on, whose scores are lower than those of any others.
template <class M>
NormalSamples normal_samples(const M& model, const Data<typename M::Backend::Scalar>& data,
                             const AnomalyOptions& options = {}) {
  check_data(model, data);
  NormalSamples normal;
  const Scores scores = detail::scores_of(model, data, options);
  for (Index j = 0; j < data.count(); ++j)
    normal.scores.push_back(scores.kl(j) - scores.log_likelihood_term(j));
  std::ranges::sort(normal.scores);
  const auto features = static_cast<std::size_t>(data.input.dim());
  std::vector<double> squares(features), count(features);
  detail::each_deviation(model, data, [&](Index, Index i, double actual, double expected) {
    squares[static_cast<std::size_t>(i)] += (actual - expected) * (actual - expected);
    count[static_cast<std::size_t>(i)] += 1;
  });
  for (std::size_t i = 0; i < features; ++i)
    normal.deviations.push_back(count[i] > 0 ? std::sqrt(squares[i] / count[i]) : 0);
  return normal;
}

/// How odd each sample is to a model, and because of which features. `normal` may be null. Throws
/// std::invalid_argument where the data do not suit the model.
template <class M>
std::vector<Anomaly> anomalies(const M& model, const Data<typename M::Backend::Scalar>& data,
                               const NormalSamples* normal, const AnomalyOptions& options = {}) {
  check_data(model, data);
  const Index features = data.input.dim();
  require(normal == nullptr || static_cast<Index>(normal->deviations.size()) == features,
          "the normal samples have another number of features than these");
  const std::vector<double>& scale = model.input().transform().scale;
  std::vector<double> unit(static_cast<std::size_t>(features), 1);
  for (std::size_t i = 0; i < unit.size(); ++i) {
    if (!scale.empty()) unit[i] = std::abs(scale[scale.size() == 1 ? 0 : i]);
    // What never deviated among normal samples is odd at the first deviation.
    if (normal != nullptr) unit[i] = std::max(normal->deviations[i], 1e-12 * unit[i]);
  }
  const Scores scores = detail::scores_of(model, data, options);
  std::vector<Anomaly> found;
  for (Index j = 0; j < data.count(); ++j)
    found.push_back({-scores.log_likelihood_term(j), scores.kl(j)});
  const auto most = static_cast<std::size_t>(std::max(options.blame, 0));
  if (most == 0) return found;
  detail::each_deviation(model, data, [&](Index j, Index i, double actual, double expected) {
    std::vector<OddFeature>& blame = found[static_cast<std::size_t>(j)].blame;
    const OddFeature odd{i, actual, expected,
                         (actual - expected) / unit[static_cast<std::size_t>(i)]};
    const auto worse = [](const OddFeature& a, const OddFeature& b) {
      return std::abs(a.deviation) > std::abs(b.deviation);
    };
    const auto place = std::ranges::upper_bound(blame, odd, worse);
    if (place == blame.end() && blame.size() == most) return;
    if (blame.size() == most) blame.pop_back();
    blame.insert(std::ranges::upper_bound(blame, odd, worse), odd);
  });
  return found;
}

}  // namespace longhand
