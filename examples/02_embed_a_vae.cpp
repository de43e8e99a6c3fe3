// SPDX-License-Identifier: MIT
// The shortest program: train on an Eigen matrix, encode, decode, sample, score. At the end one
// sample at a time, as a program that runs for days would: in its own memory, nothing allocated.
#include <algorithm>
#include <iostream>
#include <longhand/longhand.hpp>

using namespace longhand;

int main() {
  Eigen::MatrixXf X = Eigen::MatrixXf::Random(2000, 8);  // your data, one sample per row
  X.rightCols(4) = X.leftCols(4).array().square();       // four hidden causes, eight columns

  Vae vae(Gaussian{.variance = 0.05}, {.input_dim = X.cols(),
                                       .hidden = {64},
                                       .latent_dim = 4,
                                       .transform = standardized(samples_in_rows(X))});
  fit(vae, samples_in_rows(X), {.epochs = 20});

  Eigen::MatrixXf Z = vae.encode(samples_in_rows(X)).in_rows();  // posterior means, 2000 x 4
  Eigen::MatrixXf R = vae.decode(samples_in_rows(Z)).in_rows();  // reconstructions, 2000 x 8
  Eigen::MatrixXf S = vae.sample(16).in_rows();                  // new samples, 16 x 8
  Eigen::VectorXd elbo = vae.elbo(samples_in_rows(X));           // lower bound of log p(x), nats

  std::cout << "mean squared error " << (R - X).squaredNorm() / static_cast<float>(X.size())
            << ", mean ELBO " << elbo.mean() << " nats, first sample " << S.row(0) << '\n';

  Workspace<Cpu<float>> workspace;  // one per thread
  Eigen::VectorXf x(8), z(4), back(8);
  float worst = 0;
  for (Index i = 0; i < X.rows(); ++i) {
    x = X.row(i);
    vae.encode(columns_of(x), columns_of(z), workspace);
    vae.decode(columns_of(z), columns_of(back), workspace);
    worst = std::max(worst, (back - x).norm());
  }
  std::cout << "worst reconstruction of a sample is off by " << worst << '\n';
}
