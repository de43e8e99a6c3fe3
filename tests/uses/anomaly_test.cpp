// SPDX-License-Identifier: MIT
// Anomalies on data whose answer is known: planted ones with planted guilty columns.
#include "longhand/uses/anomaly.hpp"

#include <doctest/doctest.h>

#include <random>

#include "longhand/backend/cpu.hpp"
#include "longhand/models/vae.hpp"
#include "longhand/train/trainer.hpp"
#include "support/models.hpp"

namespace {

using namespace longhand;
using B = Cpu<float>;

constexpr Index kColumns = 8;

/// Rows of eight columns that two hidden causes make, in units of very different size.
Eigen::MatrixXf rows(Index count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  Eigen::MatrixXf x(count, kColumns);
  for (Index j = 0; j < count; ++j) {
    const float a = normal(random), b = normal(random);
    for (Index i = 0; i < kColumns; ++i) {
      const float share = static_cast<float>(i) / kColumns;
      const float v = (1 - share) * a + share * b + 0.1f * normal(random);
      x(j, i) = v * (i % 2 == 0 ? 1.f : 1000.f) + 50;
    }
  }
  return x;
}

Data<float> data_of(const Eigen::MatrixXf& x) {
  Data<float> data;
  data.input = Samples<float>(Samples<float>::Matrix(x.transpose()));
  return data;
}

Vae<B> trained() {
  const Eigen::MatrixXf x = rows(2000, 1);
  VaeSpec spec{.input_dim = kColumns, .hidden = {32}, .latent_dim = 2};
  spec.likelihood = Gaussian{.variance = 0.02};
  spec.transform = standardized(samples_in_rows(x));
  Vae<B> model(spec, B(1));
  fit(model, AnySamples<float>(samples_in_rows(x)), {.epochs = 30, .learning_rate = 3e-3});
  return model;
}

}  // namespace

TEST_CASE("anomalies: planted ones are found, and the planted column is blamed") {
  const Vae<B> model = trained();
  const NormalSamples normal = normal_samples(model, data_of(rows(1000, 2)));
  Eigen::MatrixXf x = rows(400, 3);
  // One column of every second row is off by two of its standard deviations: 1 or 1000.
  for (Index j = 0; j < x.rows(); j += 2) x(j, j / 2 % kColumns) += j / 2 % 2 == 0 ? 2 : 2000;
  const std::vector<Anomaly> found = anomalies(model, data_of(x), &normal, {.blame = 2});
  double ordered = 0, pairs = 0, right = 0, flagged = 0, false_alarms = 0;
  const double threshold = normal.quantile(0.95);
  for (std::size_t j = 0; j < found.size(); ++j) {
    (j % 2 == 0 ? flagged : false_alarms) += found[j].score() > threshold;
    if (j % 2 == 1) continue;
    for (std::size_t k = 1; k < found.size(); k += 2) {
      ordered += found[j].score() > found[k].score();
      pairs += 1;
    }
    const OddFeature& odd = found[j].blame.front();
    right += odd.feature == static_cast<Index>(j / 2 % kColumns);
    CHECK(odd.actual == doctest::Approx(x(static_cast<Index>(j), odd.feature)));
    CHECK(std::abs(odd.deviation) >= std::abs(found[j].blame[1].deviation));
    CHECK(found[j].blame.size() == 2);
  }
  CAPTURE(ordered / pairs);
  CHECK(ordered / pairs >= 0.99);
  CHECK(right / 200 >= 0.95);
  CHECK(flagged / 200 >= 0.95);
  CHECK(false_alarms / 200 <= 0.1);  // 0.05 is expected, with a standard error of 0.017
}

TEST_CASE("anomalies: what is missing is not blamed, and costs nothing") {
  const Vae<B> model = trained();
  Eigen::MatrixXf x = rows(20, 4);
  Data<float> data;
  Samples<float>::Matrix mask = Samples<float>::Matrix::Ones(kColumns, 20);
  for (Index j = 0; j < 20; ++j) {
    x(j, 3) = 1e6f;
    mask(3, j) = 0;
  }
  data = data_of(x);
  data.mask = Samples<float>(std::move(mask));
  for (const Anomaly& a : anomalies(model, data, nullptr, {.blame = kColumns})) {
    CHECK(a.blame.size() == kColumns - 1);
    for (const OddFeature& odd : a.blame) CHECK(odd.feature != 3);
  }
}

TEST_CASE("normal samples: quantiles are places among n + 1, and a p-value is never 0") {
  NormalSamples normal;
  for (int k = 1; k <= 99; ++k) normal.scores.push_back(k);
  CHECK(normal.quantile(0.99) == 99);
  CHECK(normal.quantile(0.95) == 95);
  CHECK(normal.quantile(0.001) == 1);
  CHECK_THROWS_WITH_AS(normal.quantile(0.995),
                       "longhand: the quantile 0.995 needs at least 199 normal rows, here are 99",
                       std::invalid_argument);
  CHECK_THROWS_AS(normal.quantile(1), std::invalid_argument);
  CHECK(normal.p_value(1000) == 0.01);
  CHECK(normal.p_value(99) == 0.02);
  CHECK(normal.p_value(0) == 1);
}
