// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>
#include <random>
#include <vector>

#include "longhand/core/check.hpp"
#include "longhand/core/eigen.hpp"

#include <Eigen/Cholesky>  // after Eigen/Core as longhand includes it

/// Groups of samples that nobody named: k-means and a mixture of Gaussians, as they are run on
/// codes (docs/guides/cluster.md). Samples are columns, in double.
namespace longhand {

struct ClusterOptions {
  Index clusters = 10;
  std::uint64_t seed = 0;
  int restarts = 10;     ///< starts from other points; the best result is kept
  int iterations = 300;  ///< most that a start takes
};

/// The cluster of each sample, and where the clusters are.
struct Clusters {
  std::vector<Index> of_sample;
  ColumnMajor<double> centres;  ///< J x K
  double squares = 0;           ///< of the distances from every sample to its centre, summed
  int iterations = 0;           ///< of the start that was kept
};

namespace detail {

using ColumnsRef = Eigen::Ref<const ColumnMajor<double>>;

/// A number in [0, 1) that is the same with every standard library.
inline double uniform(std::mt19937_64& bits) { return static_cast<double>(bits() >> 11) * 0x1p-53; }

/// Squared distances from the samples to one point.
inline Eigen::ArrayXd squared_distances(const ColumnsRef& x, const Eigen::VectorXd& point) {
  return (x.colwise() - point).colwise().squaredNorm().transpose().array();
}

/// The first centres: samples drawn in proportion to their squared distance from those that were
/// drawn before (k-means++, Arthur & Vassilvitskii 2007).
inline ColumnMajor<double> spread_out(const ColumnsRef& x, Index k, std::mt19937_64& bits) {
  ColumnMajor<double> centres(x.rows(), k);
  Eigen::ArrayXd nearest = Eigen::ArrayXd::Constant(x.cols(), HUGE_VAL);
  Index chosen = static_cast<Index>(uniform(bits) * static_cast<double>(x.cols()));
  for (Index c = 0; c < k; ++c) {
    centres.col(c) = x.col(chosen);
    nearest = nearest.min(squared_distances(x, centres.col(c)));
    const double total = nearest.sum();
    double left = uniform(bits) * total;
    chosen = 0;
    for (Index j = 0; j < x.cols(); ++j) {
      if (nearest(j) == 0) continue;  // is a centre already
      chosen = j;
      left -= nearest(j);
      if (left < 0) break;
    }
  }
  return centres;
}

/// Gives every sample its nearest centre, the first of equally near ones, and returns the sum of
/// squared distances.
inline double assign(const ColumnsRef& x, const ColumnMajor<double>& centres,
                     std::vector<Index>& of_sample, Eigen::ArrayXd& distance) {
  distance.setConstant(x.cols(), HUGE_VAL);
  std::fill(of_sample.begin(), of_sample.end(), Index{0});
  for (Index c = 0; c < centres.cols(); ++c) {
    const Eigen::ArrayXd to = squared_distances(x, centres.col(c));
    for (Index j = 0; j < x.cols(); ++j)
      if (to(j) < distance(j)) {
        distance(j) = to(j);
        of_sample[static_cast<std::size_t>(j)] = c;
      }
  }
  return distance.sum();
}

/// One start of k-means: the mean of each cluster's samples, until no sample changes its cluster. A
/// cluster without samples takes the sample that is farthest from its centre.
inline Clusters k_means_from(const ColumnsRef& x, ColumnMajor<double> centres, int most) {
  Clusters found{std::vector<Index>(static_cast<std::size_t>(x.cols())), std::move(centres), 0, 0};
  Eigen::ArrayXd distance;
  found.squares = assign(x, found.centres, found.of_sample, distance);
  while (found.iterations < most) {
    ++found.iterations;
    Eigen::VectorXd count = Eigen::VectorXd::Zero(found.centres.cols());
    found.centres.setZero();
    for (Index j = 0; j < x.cols(); ++j) {
      const Index c = found.of_sample[static_cast<std::size_t>(j)];
      found.centres.col(c) += x.col(j);
      count(c) += 1;
    }
    for (Index c = 0; c < count.size(); ++c) {
      Index farthest = 0;
      if (count(c) == 0) {
        distance.maxCoeff(&farthest);
        found.centres.col(c) = x.col(farthest);
        distance(farthest) = 0;
      } else {
        found.centres.col(c) /= count(c);
      }
    }
    const std::vector<Index> before = found.of_sample;
    found.squares = assign(x, found.centres, found.of_sample, distance);
    if (found.of_sample == before) break;
  }
  return found;
}

inline void check_clusters(const char* call, const ColumnsRef& x, const ClusterOptions& o) {
  require(o.clusters > 0, call, ": clusters is ", o.clusters, ", expected at least 1");
  require(x.cols() >= o.clusters, call, ": there are ", o.clusters, " clusters and ", x.cols(),
          " samples, expected at least one sample for each");
  require(o.restarts > 0 && o.iterations > 0, call, ": restarts is ", o.restarts,
          " and iterations ", o.iterations, ", expected at least 1");
  require(x.allFinite(), call, ": a number is not finite");
}

}  // namespace detail

/// The K centres with the least sum of squared distances that several starts of k-means find, each
/// from spread-out samples. Throws std::invalid_argument for fewer samples than clusters.
inline Clusters k_means(const Eigen::Ref<const ColumnMajor<double>>& x,
                        const ClusterOptions& options = {}) {
  detail::check_clusters("k_means", x, options);
  std::mt19937_64 bits(options.seed);
  Clusters best;
  best.squares = HUGE_VAL;
  for (int start = 0; start < options.restarts; ++start) {
    Clusters found =
        detail::k_means_from(x, detail::spread_out(x, options.clusters, bits), options.iterations);
    if (found.squares < best.squares || start == 0) best = std::move(found);
  }
  return best;
}

/// A mixture of K Gaussians with full covariances that was fitted to samples.
struct Mixture {
  Eigen::VectorXd weights;                       ///< K
  ColumnMajor<double> means;                     ///< J x K
  std::vector<ColumnMajor<double>> covariances;  ///< K of J x J
  ColumnMajor<double> responsibilities;          ///< K x N: p(component given sample)
  double log_likelihood = 0;                     ///< mean over the samples, in nats
  int iterations = 0;

  /// The component that is most responsible for each sample.
  std::vector<Index> of_sample() const {
    std::vector<Index> all;
    for (Index j = 0; j < responsibilities.cols(); ++j) {
      Index c = 0;
      responsibilities.col(j).maxCoeff(&c);
      all.push_back(c);
    }
    return all;
  }
};

namespace detail {

/// Means, covariances and weights that the responsibilities make likeliest. `ridge` is added to
/// every variance, so that a component of few samples keeps a density.
inline void maximise(const ColumnsRef& x, double ridge, Mixture& m) {
  for (Index c = 0; c < m.weights.size(); ++c) {
    const double count =
        m.responsibilities.row(c).sum() + 10 * std::numeric_limits<double>::epsilon();
    m.weights(c) = count / static_cast<double>(x.cols());
    m.means.col(c) = x * m.responsibilities.row(c).transpose() / count;
    const ColumnMajor<double> centred = x.colwise() - m.means.col(c);
    auto& covariance = m.covariances[static_cast<std::size_t>(c)];
    covariance.noalias() =
        (centred.array().rowwise() * m.responsibilities.row(c).array()).matrix() *
        centred.transpose() / count;
    covariance.diagonal().array() += ridge;
  }
}

/// Responsibilities, and the mean log-likelihood.
inline double expect(const ColumnsRef& x, Mixture& m) {
  const Index J = x.rows();
  for (Index c = 0; c < m.weights.size(); ++c) {
    const Eigen::LLT<ColumnMajor<double>> root(m.covariances[static_cast<std::size_t>(c)]);
    const ColumnMajor<double> white = root.matrixL().solve(x.colwise() - m.means.col(c));
    const ColumnMajor<double> lower = root.matrixL();
    const double log_determinant = 2 * lower.diagonal().array().log().sum();
    m.responsibilities.row(c) = (-0.5 * (white.colwise().squaredNorm().array() + log_determinant +
                                         static_cast<double>(J) * std::log(2 * std::numbers::pi)) +
                                 std::log(m.weights(c)))
                                    .matrix();
  }
  double sum = 0;
  for (Index j = 0; j < x.cols(); ++j) {
    auto column = m.responsibilities.col(j).array();
    const double largest = column.maxCoeff();
    const double lse = largest + std::log((column - largest).exp().sum());
    column = (column - lse).exp();
    sum += lse;
  }
  return sum / static_cast<double>(x.cols());
}

}  // namespace detail

/// Fits a mixture of Gaussians by expectation and maximisation, from the clusters of k_means(),
/// until the mean log-likelihood gains less than 1e-4 nats. A millionth of the samples' mean
/// variance is added to every variance. Throws std::invalid_argument as k_means() does.
inline Mixture fit_mixture(const Eigen::Ref<const ColumnMajor<double>>& x,
                           const ClusterOptions& options = {}) {
  detail::check_clusters("fit_mixture", x, options);
  const Clusters start = k_means(x, options);
  const Index K = options.clusters, J = x.rows();
  Mixture m{
      Eigen::VectorXd(K),
      ColumnMajor<double>(J, K),
      std::vector<ColumnMajor<double>>(static_cast<std::size_t>(K), ColumnMajor<double>(J, J)),
      ColumnMajor<double>::Zero(K, x.cols()),
      -HUGE_VAL,
      0};
  for (Index j = 0; j < x.cols(); ++j)
    m.responsibilities(start.of_sample[static_cast<std::size_t>(j)], j) = 1;
  const Eigen::VectorXd mean = x.rowwise().mean();
  const double variance =
      (x.colwise() - mean).squaredNorm() / static_cast<double>(std::max<Index>(x.size(), 1));
  const double ridge = 1e-6 * (variance > 0 ? variance : 1);
  while (m.iterations < options.iterations) {
    ++m.iterations;
    detail::maximise(x, ridge, m);
    const double before = m.log_likelihood;
    m.log_likelihood = detail::expect(x, m);
    if (m.log_likelihood - before < 1e-4) break;
  }
  return m;
}

}  // namespace longhand
