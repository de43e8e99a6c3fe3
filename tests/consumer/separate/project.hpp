// SPDX-License-Identifier: MIT
// A project of three files with LONGHAND_SEPARATE: one of longhand's models, and one of its own.
#pragma once

#include <longhand/longhand.hpp>

using Model = longhand::Vae<longhand::Cpu<float>>;
/// Its likelihood and latent are compiled in, and longhand does not list it.
using Likelihood = longhand::PerElement<longhand::GaussianFixed>;
using Latent = longhand::CodeLatent<longhand::Cpu<float>>;
using Autoencoder = longhand::Vae<longhand::Cpu<float>, Likelihood, Latent>;
LONGHAND_SEPARATE_INFERENCE(extern, longhand::Vae<longhand::Cpu<float>, Likelihood, Latent>);
LONGHAND_SEPARATE_TRAINING(extern, longhand::Vae<longhand::Cpu<float>, Likelihood, Latent>);

Model trained_model(const Eigen::MatrixXf& X);
Autoencoder trained_autoencoder(const Eigen::MatrixXf& X);
