// SPDX-License-Identifier: MIT
// Odd rows, and the column that makes them odd: a model of normal rows is trained on some, measured
// on others, and judges new ones (docs/guides/anomaly.md).
#include <iostream>
#include <longhand/longhand.hpp>
#include <longhand/uses/anomaly.hpp>

using namespace longhand;

namespace {
Data<float> data_of(const Eigen::MatrixXf& x) {
  Data<float> data;
  data.input = samples_in_columns(x.transpose());
  return data;
}
/// Four columns that two hidden causes make.
Eigen::MatrixXf plant(Index rows) {
  const Eigen::MatrixXf causes = Eigen::MatrixXf::Random(rows, 2);
  Eigen::MatrixXf x(rows, 4);
  x << causes, causes.rowwise().sum(), causes.col(0) - causes.col(1);
  return x + 0.05f * Eigen::MatrixXf::Random(rows, 4);
}
}  // namespace

int main() {
  const Eigen::MatrixXf normal_x = plant(3000);
  Eigen::MatrixXf new_x = plant(10);
  new_x(7, 2) += 1;  // the third column of row 7 no longer fits the others

  Vae vae(Gaussian{.variance = 0.01}, {.input_dim = 4, .hidden = {32}, .latent_dim = 2});
  fit(vae, samples_in_columns(normal_x.topRows(2000).transpose()),
      {.epochs = 40, .learning_rate = 3e-3});
  const NormalSamples normal = normal_samples(vae, data_of(normal_x.bottomRows(1000)));
  const double threshold = normal.quantile(0.999);  // one normal row in a thousand is above it

  bool right = true;
  const std::vector<Anomaly> rows = anomalies(vae, data_of(new_x), &normal);
  for (std::size_t j = 0; j < rows.size(); ++j) {
    const bool odd = rows[j].score() > threshold;
    const OddFeature& worst = rows[j].blame.front();
    if (odd)
      std::cout << "row " << j << " is odd: column " << worst.feature << " is " << worst.actual
                << ", expected " << worst.expected << '\n';
    right = right && odd == (j == 7) && (!odd || worst.feature == 2);
  }
  return right ? 0 : 1;
}
