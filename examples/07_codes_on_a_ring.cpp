// SPDX-License-Identifier: MIT
// An adversarial autoencoder bends its codes into any shape that can be drawn from: here five blobs
// on a ring, whose density nobody has to write down. The data are five kinds of noisy curves. The
// program draws the codes of the curves, then says how far codes and prior are apart, and whether a
// curve that is decoded from a draw of the prior looks like one of the data.
#include <cmath>
#include <iostream>
#include <longhand/longhand.hpp>
#include <string>
#include <vector>

using namespace longhand;
using Eigen::MatrixXf;

/// The codes (one per row) as a picture in text, 57 x 25 cells for [-6, 6] x [-6, 6].
void draw(const MatrixXf& codes) {
  std::vector<std::string> picture(25, std::string(57, '.'));
  for (Index i = 0; i < codes.rows(); ++i) {
    const long column = std::lround(28 + codes(i, 0) / 6 * 28),
               row = std::lround(12 - codes(i, 1) / 6 * 12);
    if (column >= 0 && column < 57 && row >= 0 && row < 25)
      picture[std::size_t(row)][std::size_t(column)] = 'o';
  }
  for (const std::string& line : picture) std::cout << line << '\n';
}

int main() {
  const Index rows = 2000, dim = 16;
  MatrixXf X(rows, dim);
  const MatrixXf chance = MatrixXf::Random(rows, 2), noise = MatrixXf::Random(rows, dim);
  for (Index i = 0; i < rows; ++i)
    for (Index t = 0; t < dim; ++t) {
      const float kind = float(i % 5), time = float(t) / float(dim);
      X(i, t) = (1 + 0.2f * chance(i, 0)) * std::sin(6 * time * (1 + 0.4f * kind) + kind +
                                                     0.2f * chance(i, 1)) +
                0.02f * noise(i, t);
    }

  Aae<Cpu<float>> aae({.autoencoder = {.input_dim = dim,
                                       .hidden = {64, 64},
                                       .latent = CodeSpec{2},
                                       .likelihood = Gaussian{.variance = 0.01}},
                       .prior = RingPrior{.components = 5},
                       .discriminator = {64, 64}});
  TrainOptions options{.epochs = 120, .batch = 100, .learning_rate = 1e-3, .validation = 0.2};
  // A generator that is slower than the autoencoder lets reconstruction decide what is where.
  options.players["generator"].learning_rate = 5e-4;
  const TrainResult result = fit(aae, samples_in_rows(X), options);
  const EpochReport& first = result.history[1];
  const EpochReport& kept = result.history[std::size_t(2 * result.best_epoch - 1)];

  draw(aae.encode(samples_in_rows(X)).in_rows());
  const auto say = [](const char* when, const EpochReport& r) {
    std::cout << when << ": codes and prior differ by an MMD of " << r.diagnostics.get("mmd")
              << ", the discriminator is right in " << 100 * r.term("accuracy")
              << "% of cases, a curve costs " << r.term("nll") << " nats\n";
  };
  say("epoch 1", first);
  say("kept   ", kept);
  const MatrixXf drawn = aae.sample(300).in_rows();
  float farthest = 0, mean = 0;
  for (Index i = 0; i < drawn.rows(); ++i) {
    const float d = std::sqrt((X.rowwise() - drawn.row(i)).rowwise().squaredNorm().minCoeff());
    farthest = std::max(farthest, d);
    mean += d / float(drawn.rows());
  }
  std::cout << "a sample is " << mean << " from the nearest curve of the data, curves are "
            << X.rowwise().norm().mean() << " long\n";
  return kept.diagnostics.get("mmd") < first.diagnostics.get("mmd") / 10 && mean < 0.7f ? 0 : 1;
}
