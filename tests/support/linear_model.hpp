// SPDX-License-Identifier: MIT
// A VAE whose every quantity has a closed form: one latent, a linear decoder, a Gaussian
// likelihood.
#pragma once

#include <cmath>
#include <numbers>
#include <utility>
#include <vector>

#include "support/models.hpp"

namespace longhand::test {

/// x = w z + b + noise of variance kVariance, z from N(0, 1).
struct LinearModel {
  static constexpr Index kFeatures = 4;
  static constexpr double kVariance = 0.25;

  Vae<Cpu<double>> model;
  Eigen::Vector4d w{1, -0.5, 0.8, 0.2}, b{0.5, 1, -1, 0};

  /// With an encoder that looks at nothing: every q(z given x) is N(0.3, 1.2^2), a bad proposal.
  LinearModel() : model(spec()) {
    set(0, std::vector<double>(2 * kFeatures));
    set(1, {0.3, std::log(1.44)});
    set(2, {w(0), w(1), w(2), w(3)});
    set(3, {b(0), b(1), b(2), b(3)});
  }
  /// With the encoder whose q(z given x) is the posterior itself.
  static LinearModel with_exact_posterior() {
    LinearModel exact;
    const double precision = exact.precision({0, 1, 2, 3});
    std::vector<double> weight(2 * kFeatures), bias{0, -std::log(precision)};
    for (Index i = 0; i < kFeatures; ++i) {
      const double slope = exact.w(i) / (kVariance * precision);
      weight[static_cast<std::size_t>(i)] = slope;
      bias[0] -= slope * exact.b(i);
    }
    exact.set(0, weight);
    exact.set(1, bias);
    return exact;
  }

  static VaeSpec spec() {
    VaeSpec spec{.input_dim = kFeatures, .hidden = {}, .latent_dim = 1};
    spec.hidden.stages.clear();
    spec.latent = GaussianLatentSpec{.logvar_bound = HUGE_VAL};
    spec.likelihood = Gaussian{.variance = kVariance};
    return spec;
  }

  /// 1 / variance of z given these features.
  double precision(const std::vector<Index>& observed) const {
    double sum = 1;
    for (const Index i : observed) sum += w(i) * w(i) / kVariance;
    return sum;
  }
  /// Mean and deviation of feature i given observed ones.
  std::pair<double, double> given(const Eigen::Vector4d& x, const std::vector<Index>& observed,
                                  Index i) const {
    double sum = 0;
    for (const Index o : observed) sum += w(o) * (x(o) - b(o)) / kVariance;
    const double p = precision(observed);
    return {w(i) * sum / p + b(i), std::sqrt(w(i) * w(i) / p + kVariance)};
  }
  /// log p(x): a Gaussian with the covariance w w^T + kVariance I.
  double log_density(const Eigen::Vector4d& x) const {
    const Eigen::Vector4d centred = x - b;
    const double along = w.dot(centred), p = precision({0, 1, 2, 3});
    const double square = (centred.squaredNorm() - along * along / (kVariance * p)) / kVariance;
    const double log_determinant = kFeatures * std::log(kVariance) + std::log(p);
    return -(kFeatures * std::log(2 * std::numbers::pi) + log_determinant + square) / 2;
  }

 private:
  /// Fills a block of the parameters, its columns one after the other.
  void set(std::size_t block, const std::vector<double>& values) {
    const View<Cpu<double>> view = model.params()[static_cast<BlockId>(block)];
    require(view.size() == static_cast<Index>(values.size()), "another block");
    std::copy(values.begin(), values.end(), view.data);
  }
};

}  // namespace longhand::test
