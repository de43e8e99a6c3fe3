// SPDX-License-Identifier: MIT
#include "project.hpp"

Model trained_model(const Eigen::MatrixXf& X) {
  Model model({.input_dim = X.cols(), .hidden = {8}, .latent_dim = 2});
  longhand::fit(model, longhand::samples_in_rows(X), {.epochs = 2});
  return model;
}

Autoencoder trained_autoencoder(const Eigen::MatrixXf& X) {
  Autoencoder model({.input_dim = X.cols(), .hidden = {8}, .latent = longhand::CodeSpec{2}},
                    Likelihood{});
  longhand::fit(model, longhand::samples_in_rows(X), {.epochs = 2});
  return model;
}
