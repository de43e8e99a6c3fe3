// SPDX-License-Identifier: MIT
// Why an autoencoder cannot be sampled. Both models learn a curved surface in 8 dimensions and
// reconstruct it well. Then latents are drawn from N(0, I) and decoded: the VAE was trained so that
// its codes fill that distribution; the autoencoder put its codes wherever it liked, so N(0, I)
// decodes to one corner of the data and misses the rest.
#include <iostream>
#include <longhand/longhand.hpp>

using namespace longhand;
using Eigen::MatrixXf;

/// Mean distance of the rows of `from` to their nearest row of `to`.
float distance(const MatrixXf& from, const MatrixXf& to) {
  float sum = 0;
  for (Index i = 0; i < from.rows(); ++i)
    sum += std::sqrt((to.rowwise() - from.row(i)).rowwise().squaredNorm().minCoeff());
  return sum / static_cast<float>(from.rows());
}

int main() {
  const Index rows = 2000, dim = 8;
  const MatrixXf hidden = MatrixXf::Random(rows, 2);  // two causes, uniform in [-1, 1]
  MatrixXf X(rows, dim);
  for (Index i = 0; i < rows; ++i) {
    const float u = 2.5f * hidden(i, 0), v = 2.5f * hidden(i, 1);
    X.row(i) << std::sin(u), std::cos(u), std::sin(v), std::cos(v), std::sin(u + v),
        std::cos(u - v), u * v / 4, u / 2;
  }
  VaeSpec spec{.input_dim = dim,
               .hidden = {64, 64},
               .latent_dim = 2,
               .likelihood = Gaussian{.variance = 0.01},
               .seed = 3};
  const TrainOptions options{.epochs = 60, .batch = 64, .learning_rate = 2e-3};

  Vae<Cpu<float>> vae(spec);
  fit(vae, samples_in_rows(X), options);
  spec.latent_dim = 2;
  spec.latent = CodeSpec{};  // z is the head itself
  Vae<Cpu<float>> autoencoder(spec);
  fit(autoencoder, samples_in_rows(X), options);

  // The same standard normal latents for both. The autoencoder has no sample(): decode by hand.
  MatrixXf Z(500, 2);
  for (Index i = 0; i < Z.rows(); ++i) {
    float z[2];
    normal_column({.seed = 1, .step = 0, .stream = Stream::user, .draw = 0}, i, 2, z);
    Z.row(i) << z[0], z[1];
  }
  const auto report = [&](const char* name, const Vae<Cpu<float>>& model) {
    const MatrixXf codes = model.encode(samples_in_rows(X)).in_rows();
    const MatrixXf back = model.decode(samples_in_rows(codes)).in_rows();
    const MatrixXf drawn = model.decode(samples_in_rows(Z)).in_rows();
    const float strange = distance(drawn, X), missed = distance(X, drawn);
    std::cout << name << "  reconstruction error " << (back - X).norm() / X.norm()
              << "   a sample is " << strange << " from the data, a data point " << missed
              << " from the samples\n";
    return strange + missed;
  };
  const float with_prior = report("VAE        ", vae);
  const float without = report("autoencoder", autoencoder);
  return with_prior < without ? 0 : 1;
}
