// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

#include "longhand/core/eigen.hpp"
#include "longhand/core/named_values.hpp"
#include "longhand/latent/sampled_prior_spec.hpp"

/// How well the codes of a data set fit a prior (docs/derivations/adversarial.md). Everything is
/// computed on the host in double, from all codes at once. S is double: the functions are templates
/// so that their expressions, which take seconds to compile, are compiled only where they are
/// called.
namespace longhand {

namespace detail {
/// The kernel of [ADV-13] averages three Gaussian kernels, whose squared widths are these multiples
/// of the prior's total variance: each is the fourth power of the one after it.
inline constexpr double kKernelWidths[] = {0.25, 1, 4};

/// The sum of the three kernels at squared distances d, by one exponential.
template <class S>
double sum_of_kernels(const Eigen::Array<S, Eigen::Dynamic, 1>& d, double v) {
  using Array = Eigen::Array<S, Eigen::Dynamic, 1>;
  const Array wide = (-d / (2 * kKernelWidths[2] * v)).exp();
  const Array middle = wide.square().square();
  return (wide + middle + middle.square().square()).sum();
}

/// At most `most` columns, evenly spaced.
template <class S>
ColumnMajor<S> thinned(const ColumnMajor<S>& codes, Eigen::Index most) {
  const Eigen::Index every = (codes.cols() + most - 1) / most;
  ColumnMajor<S> some(codes.rows(), (codes.cols() + every - 1) / every);
  for (Eigen::Index j = 0; j < some.cols(); ++j) some.col(j) = codes.col(j * every);
  return some;
}
/// More codes than this are thinned out: the estimate costs the square of their number.
inline constexpr Eigen::Index kMostCodes = 20000;
}  // namespace detail

/// The mean of a mixture (J numbers).
template <class S = double>
Eigen::VectorX<S> mean_of(const EqualMixture& p) {
  return Eigen::Map<const ColumnMajor<S>>(p.means.data(), p.dim, p.components()).rowwise().mean();
}
/// The covariance of a mixture (J x J).
template <class S = double>
ColumnMajor<S> covariance_of(const EqualMixture& p) {
  const Eigen::Map<const ColumnMajor<S>> means(p.means.data(), p.dim, p.components());
  const ColumnMajor<S> centred = means.colwise() - mean_of<S>(p);
  return centred * centred.transpose() / static_cast<double>(p.components()) +
         p.deviation * p.deviation * ColumnMajor<S>::Identity(p.dim, p.dim);
}

/// The squared maximum mean discrepancy between codes (J x n, n at least 2) and a mixture, an
/// unbiased estimate: it is near 0 where both are one distribution, and may be a little below
/// [ADV-13]. The prior's side is exact, and only the codes are a sample.
template <class S>
double squared_mmd(const ColumnMajor<S>& codes, const EqualMixture& p) {
  using Array = Eigen::Array<S, Eigen::Dynamic, 1>;
  const Eigen::Index n = codes.cols(), K = p.components();
  const double J = static_cast<double>(p.dim), s2 = p.deviation * p.deviation,
               v = covariance_of<S>(p).trace();
  const Eigen::Map<const ColumnMajor<S>> means(p.means.data(), p.dim, K);
  double codes_codes = 0, codes_prior = 0, prior_prior = 0;
  const ColumnMajor<S> by_row = codes.transpose();  // one dimension of all codes side by side
  for (Eigen::Index i = 0; i + 1 < n; ++i) {
    Array squares = Array::Zero(n - 1 - i);
    for (Eigen::Index k = 0; k < p.dim; ++k)
      squares += (by_row.col(k).tail(n - 1 - i).array() - by_row(i, k)).square();
    codes_codes += detail::sum_of_kernels(squares, v);
  }
  // E of a Gaussian kernel of squared width h2 under N(m, s2 I): its value at m, with the width
  // h2 + s2, times (h2 / (h2 + s2))^(J/2).
  for (const double c : detail::kKernelWidths) {
    const double h2 = c * v, one = h2 + s2, both = h2 + 2 * s2;
    for (Eigen::Index k = 0; k < K; ++k) {
      const Array to_codes = (codes.colwise() - means.col(k)).colwise().squaredNorm().transpose(),
                  to_means = (means.colwise() - means.col(k)).colwise().squaredNorm().transpose();
      codes_prior += std::pow(h2 / one, J / 2) * (-to_codes / (2 * one)).exp().sum();
      prior_prior += std::pow(h2 / both, J / 2) * (-to_means / (2 * both)).exp().sum();
    }
  }
  const double N = static_cast<double>(n), M = static_cast<double>(K);
  return (2 * codes_codes / (N * (N - 1)) - 2 * codes_prior / (N * M) + prior_prior / (M * M)) /
         static_cast<double>(std::size(detail::kKernelWidths));
}

/// Three numbers that are 0 where codes (J x n) are distributed as the mixture: "mean_gap", the
/// largest difference of a mean, in the prior's standard deviations [ADV-11]; "covariance_gap", the
/// largest difference of a variance or covariance, in the prior's [ADV-12]; "mmd", the squared
/// maximum mean discrepancy [ADV-13]. All are NaN for fewer than two codes, or where a code is not
/// finite.
template <class S>
NamedValues prior_fit(const ColumnMajor<S>& all, const EqualMixture& p) {
  const double nothing = std::numeric_limits<double>::quiet_NaN();
  if (all.cols() < 2 || !all.allFinite())
    return {{"mean_gap", nothing}, {"covariance_gap", nothing}, {"mmd", nothing}};
  const double n = static_cast<double>(all.cols());
  const Eigen::VectorX<S> mean = all.rowwise().mean();
  const ColumnMajor<S> centred = all.colwise() - mean, covariance = covariance_of<S>(p);
  const Eigen::VectorX<S> sd = covariance.diagonal().cwiseSqrt();
  const Eigen::VectorX<S> by_mean = (mean - mean_of<S>(p)).cwiseQuotient(sd);
  const ColumnMajor<S> by_covariance =
      (centred * centred.transpose() / (n - 1) - covariance).cwiseQuotient(sd * sd.transpose());
  return {{"mean_gap", by_mean.cwiseAbs().maxCoeff()},                         // [ADV-11]
          {"covariance_gap", by_covariance.cwiseAbs().maxCoeff()},             // [ADV-12]
          {"mmd", squared_mmd(detail::thinned(all, detail::kMostCodes), p)}};  // [ADV-13]
}

}  // namespace longhand
