// SPDX-License-Identifier: MIT
// A likelihood of your own: Laplace, -log p(t | a) = |t - a| / s + log(2 s), whose gradient is the
// sign of the residual. One struct with value, gradient, mean and draw of one element; samples,
// masks, weights, threads and vector instructions are PerElement's business.
#include <iostream>
#include <limits>
#include <longhand/gradcheck/check_likelihood.hpp>
#include <longhand/longhand.hpp>

using namespace longhand;

struct LaplaceFormula {
  static constexpr const char* name = "laplace";
  static constexpr int outputs = 1;            // the decoder emits one number per data element
  static constexpr bool normal_noise = false;  // draw() takes a uniform in (0, 1)
  static constexpr double domain_min = -std::numeric_limits<double>::infinity();
  static constexpr double domain_max = std::numeric_limits<double>::infinity();
  double scale = 1;

  // `using longhand::abs`: for plain numbers take longhand's function, not one of <cmath>'s.
  template <class T>
  LONGHAND_HD void value_and_gradient(const T& a, const T& t, T& nll, T& da) const {
    using longhand::abs;
    nll = abs(a - t) / T(scale) + T(std::log(2 * scale));
    da = sign(a - t) / T(scale);
  }
  template <class T>
  LONGHAND_HD void mean(const T& a, T& m) const {
    m = a;
  }
  template <class T>
  LONGHAND_HD void draw(const T& a, const T& u, T& t) const {  // by the inverse distribution
    using longhand::abs, longhand::log1p;
    const T centred = u - T(0.5);
    t = a - T(scale) * sign(centred) * log1p(T(-2) * abs(centred));
  }
};
using Laplace = PerElement<LaplaceFormula>;

int main() {
  const GradientReport report = check_likelihood("laplace", Laplace(LaplaceFormula{0.3}));
  std::cout << report.text();

  // Data with a few wild outliers, where an absolute error is kinder than a squared one.
  Eigen::MatrixXf X = Eigen::MatrixXf::Random(1000, 6);
  X.rightCols(3) = -X.leftCols(3);
  for (Index i = 0; i < 1000; i += 50) X(i, i % 6) += 10;
  Vae<Cpu<float>, Laplace> vae({.input_dim = 6, .hidden = {32}, .latent_dim = 3},
                               Laplace(LaplaceFormula{0.1}));
  const TrainResult result = fit(vae, samples_in_rows(X), {.epochs = 10});
  std::cout << "loss " << result.history.front().loss() << " -> " << result.history.back().loss()
            << " nats per sample; a draw: " << vae.sample(1, {.draw = true}).in_rows() << '\n';
  return report.passed() && result.history.back().loss() < result.history.front().loss() ? 0 : 1;
}
