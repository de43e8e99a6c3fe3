// SPDX-License-Identifier: MIT
// Model files between the CPU and a GPU, both ways. (tests/io/model_file_test does it without one.)
#include <doctest/doctest.h>

#include "instantiate/cuda.hpp"
#include "io/crossing.hpp"
#include "train/journey.hpp"

using namespace longhand;
using namespace longhand::test;

TEST_CASE("cuda: either device loads what the other wrote") { check_crossing(Cuda<float>()); }

TEST_CASE("cuda: a model trained on one device scores the same on the other") {
  const Data<float> data = grey(200, 9, 0, false);
  const Samples<float> x = data.input.numbers();
  const files::Folder folder;
  const auto path = folder / "model";
  const auto close = [](const Eigen::VectorXd& a, const Eigen::VectorXd& b) {
    CHECK_FALSE(!((a - b).cwiseAbs().maxCoeff() <= 1e-3));
  };
  Vae<Cuda<float>> gpu({.input_dim = 9, .hidden = {12}, .latent_dim = 3});
  Trainer<Vae<Cuda<float>>>(gpu, {.epochs = 3, .batch = 32}).fit(data);
  io::save_model(path, gpu);
  close(io::load_model<Vae<Cpu<float>>>(path).elbo(x), gpu.elbo(x));

  Vae<Cpu<float>> cpu({.input_dim = 9, .hidden = {12}, .latent_dim = 3});
  Trainer<Vae<Cpu<float>>>(cpu, {.epochs = 3, .batch = 32}).fit(data);
  io::save_model(path, cpu);
  close(io::load_model<Vae<Cuda<float>>>(path).elbo(x), cpu.elbo(x));
}
