// SPDX-License-Identifier: MIT
// A program whose Eigen keeps rows by default gets the numbers of one whose Eigen keeps columns.
#define EIGEN_DEFAULT_TO_ROW_MAJOR
#include <doctest/doctest.h>

#include <longhand/longhand.hpp>

using namespace longhand;

TEST_CASE("row-major Eigen: samples, training and codes are those of the data") {
  static_assert(Eigen::MatrixXf::IsRowMajor);
  Eigen::MatrixXf rows(40, 3);
  Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::ColMajor> columns(3, 40);
  for (Index j = 0; j < 40; ++j)
    for (Index i = 0; i < 3; ++i)
      rows(j, i) = columns(i, j) = 0.5f + 0.4f * std::sin(float(3 * j + i * i));
  CHECK(samples_in_rows(rows).view()(2, 1) == rows(1, 2));
  CHECK(samples_in_rows(rows).in_rows() == rows);
  CHECK(samples_in_columns(Eigen::MatrixXf(columns)).view()(2, 1) == rows(1, 2));
  const auto trained = [](const auto& make) {
    Vae<Cpu<float>> vae({.input_dim = 3, .hidden = {8}, .latent_dim = 2});
    fit(vae, make(), {.epochs = 3, .batch = 8});
    const Eigen::MatrixXf z = vae.encode(make()).in_rows();
    REQUIRE(z.rows() == 40);
    return std::pair<Eigen::MatrixXf, Eigen::VectorXd>(z, vae.elbo(make()));
  };
  const auto a = trained([&] { return samples_in_rows(rows); }),
             b = trained([&] { return samples_in_columns(columns); });
  CHECK(a.first == b.first);
  CHECK(a.second == b.second);
}

TEST_CASE("row-major Eigen: the fit of codes to a prior") {
  EqualMixture ring = mixture_of(RingPrior{.components = 3}, 2);
  CHECK(mean_of(ring).cwiseAbs().maxCoeff() < 1e-12);
  CHECK(std::fabs(covariance_of(ring)(0, 0) - 8.25) < 1e-12);
  ColumnMajor<double> codes(2, 3);
  codes << 1, 2, 3, 4, 6, 5;
  const NamedValues fit = prior_fit(codes, ring);
  CHECK(fit.get("mean_gap") == doctest::Approx(5 / std::sqrt(8.25)));
}
