// SPDX-License-Identifier: MIT
#include <cmath>
#include <iostream>

#include "project.hpp"

int main() {
  const Eigen::MatrixXf X = (Eigen::MatrixXf::Random(200, 6).array() + 1.0f) / 2.0f;
  const Model model = trained_model(X);
  const double elbo = model.elbo(longhand::samples_in_rows(X)).mean();
  const Eigen::MatrixXf back =
      trained_autoencoder(X).reconstruct(longhand::samples_in_rows(X)).in_rows();
  std::cout << "mean ELBO " << elbo << " nats, mean squared error "
            << (back - X).squaredNorm() / static_cast<float>(X.size()) << '\n';
  return std::isfinite(elbo) && back.allFinite() ? 0 : 1;
}
