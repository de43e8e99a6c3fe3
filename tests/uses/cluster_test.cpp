// SPDX-License-Identifier: MIT
#include "longhand/uses/cluster.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>

#include "longhand/uses/agreement.hpp"

namespace {

using namespace longhand;
using Matrix = ColumnMajor<double>;

double normal(std::mt19937_64& bits) {
  const double u = 1 - detail::uniform(bits), v = detail::uniform(bits);
  return std::sqrt(-2 * std::log(u)) * std::cos(2 * 3.141592653589793 * v);
}

/// Three groups far apart, of 50, 80 and 120 samples, and which each sample is of.
struct Groups {
  Matrix x{2, 250};
  std::vector<Index> truth;
  Groups() {
    std::mt19937_64 bits(3);
    const double centres[3][2] = {{0, 0}, {10, 0}, {0, 10}};
    for (Index j = 0; j < 250; ++j) {
      truth.push_back(j < 50 ? 0 : j < 130 ? 1 : 2);
      const auto& centre = centres[truth.back()];
      x.col(j) << centre[0] + normal(bits), centre[1] + 0.5 * normal(bits);
    }
  }
};

}  // namespace

TEST_CASE("cluster: three groups far apart are found, by both ways") {
  const Groups groups;
  const Clusters means = k_means(groups.x, {.clusters = 3});
  CHECK(adjusted_rand_index({means.of_sample, groups.truth}) == 1);
  const Mixture mixture = fit_mixture(groups.x, {.clusters = 3});
  CHECK(adjusted_rand_index({mixture.of_sample(), groups.truth}) == 1);
  // Centres and weights are those of the groups.
  double squares = 0;
  for (Index g = 0; g < 3; ++g) {
    Eigen::Vector2d mean = Eigen::Vector2d::Zero();
    double count = 0;
    Index cluster = -1;
    for (Index j = 0; j < 250; ++j)
      if (groups.truth[static_cast<std::size_t>(j)] == g) {
        mean += groups.x.col(j), count += 1;
        cluster = means.of_sample[static_cast<std::size_t>(j)];
      }
    mean /= count;
    CHECK((means.centres.col(cluster) - mean).norm() < 1e-12);
    for (Index j = 0; j < 250; ++j)
      if (groups.truth[static_cast<std::size_t>(j)] == g)
        squares += (groups.x.col(j) - mean).squaredNorm();
    const Index component = mixture.of_sample()[static_cast<std::size_t>(g == 0   ? 0
                                                                         : g == 1 ? 60
                                                                                  : 200)];
    CHECK(mixture.weights(component) == doctest::Approx(count / 250).epsilon(1e-6));
    CHECK((mixture.means.col(component) - mean).norm() < 1e-4);
  }
  CHECK(means.squares == doctest::Approx(squares).epsilon(1e-12));
}

TEST_CASE("cluster: a mixture sees what k-means cannot, a small group within a wide one") {
  std::mt19937_64 bits(1);
  Matrix x(1, 3000);
  std::vector<Index> truth;
  for (Index j = 0; j < 3000; ++j) {
    truth.push_back(j < 1000);
    x(0, j) = truth.back() ? 0.05 * normal(bits) : 4 * normal(bits);
  }
  const Mixture mixture = fit_mixture(x, {.clusters = 2});
  CHECK(adjusted_rand_index({mixture.of_sample(), truth}) > 0.8);
  CHECK(adjusted_rand_index({k_means(x, {.clusters = 2}).of_sample, truth}) < 0.3);
  // Its mean log-likelihood is that of the densities it names.
  double sum = 0;
  for (Index j = 0; j < x.cols(); ++j) {
    double p = 0;
    for (Index c = 0; c < 2; ++c) {
      const double v = mixture.covariances[static_cast<std::size_t>(c)](0, 0),
                   d = x(0, j) - mixture.means(0, c);
      p += mixture.weights(c) * std::exp(-d * d / (2 * v)) / std::sqrt(2 * 3.141592653589793 * v);
    }
    sum += std::log(p) / static_cast<double>(x.cols());
  }
  CHECK(mixture.log_likelihood == doctest::Approx(sum).epsilon(1e-3));
}

TEST_CASE("cluster: equal seeds give equal bits, and restarts never make it worse") {
  const Groups groups;
  const Clusters a = k_means(groups.x, {.clusters = 7, .seed = 5}),
                 b = k_means(groups.x, {.clusters = 7, .seed = 5});
  CHECK(a.of_sample == b.of_sample);
  CHECK(a.centres == b.centres);
  CHECK(k_means(groups.x, {.clusters = 7, .seed = 5, .restarts = 1}).squares >= a.squares);
}

TEST_CASE("cluster: equal samples, as many clusters as samples, and one cluster") {
  const Matrix same = Matrix::Constant(2, 6, 3.5);
  const Clusters none = k_means(same, {.clusters = 3});
  CHECK(none.squares == 0);
  CHECK(none.centres.allFinite());
  CHECK(fit_mixture(same, {.clusters = 3}).responsibilities.allFinite());
  Matrix few(1, 4);
  few << 1, 2, 4, 8;
  CHECK(k_means(few, {.clusters = 4}).squares == 0);
  CHECK(k_means(few, {.clusters = 1}).centres(0, 0) == 3.75);
  CHECK_THROWS_WITH(k_means(few, {.clusters = 5}), doctest::Contains("5 clusters and 4 samples"));
  CHECK_THROWS_WITH(k_means(few, {.clusters = 0}), doctest::Contains("clusters is 0"));
  few(0, 2) = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_WITH(fit_mixture(few, {.clusters = 2}), doctest::Contains("not finite"));
}

TEST_CASE("agreement: numbers by hand") {
  using Labels = std::vector<Index>;
  const Labels a{0, 0, 0, 1, 1, 1}, b{5, 5, 3, 3, 3, 3};
  const Contingency c(a, b);
  // Pairs together: 1 + 0 + 3 = 4 of 15; 6 in a, 7 in b.
  CHECK(adjusted_rand_index(c) == doctest::Approx((4 - 6 * 7 / 15.) / (6.5 - 6 * 7 / 15.)));
  CHECK(majority_accuracy(c) == doctest::Approx(5 / 6.));
  const double mutual = 2 / 6. * std::log(2 * 6 / (3. * 2)) + 1 / 6. * std::log(6 / (3. * 4)) +
                        3 / 6. * std::log(3 * 6 / (3. * 4));
  const double entropies = std::log(2.) - 2 / 6. * std::log(2 / 6.) - 4 / 6. * std::log(4 / 6.);
  CHECK(normalised_mutual_information(c) == doctest::Approx(2 * mutual / entropies));
  // The same groups under other names, and one group against one.
  CHECK(adjusted_rand_index({a, Labels{7, 7, 7, 2, 2, 2}}) == 1);
  CHECK(normalised_mutual_information({a, Labels{7, 7, 7, 2, 2, 2}}) == doctest::Approx(1));
  const Labels one(6, 1);
  CHECK(adjusted_rand_index({one, one}) == 1);
  CHECK(normalised_mutual_information({one, one}) == 1);
  CHECK(adjusted_rand_index({a, one}) == 0);
  CHECK(normalised_mutual_information({a, one}) == 0);
  CHECK_THROWS_WITH(Contingency(a, Labels{1}), doctest::Contains("6 and 1 samples"));
}
