// SPDX-License-Identifier: MIT
// Exercises 6, 7 and 8 of docs/exercises.md: products of matrices, and quantities with more than
// one reader. The forward is given; the lines between the two marks are the backward.
#include <Eigen/Core>
#include <iostream>
#include <longhand/gradcheck.hpp>
#include <longhand/gradcheck/eigen.hpp>

using namespace longhand;
using Eigen::MatrixXd, Eigen::RowVectorXd;

GradientReport exercise_6() {
  // y = Wᵀ tanh(W x): an autoencoder whose decoder has the encoder's weights
  MatrixXd W(2, 3), x(3, 2);
  W << 0.5, -0.3, 0.8, 0.1, 0.9, -0.6;
  x << 1.0, 0.4, -0.7, 1.2, 0.3, -0.5;

  const auto forward = [&] {
    const MatrixXd h = (W * x).array().tanh(), y = W.transpose() * h;
    return std::vector<double>(y.data(), y.data() + y.size());
  };
  const auto backward = [&](Cotangent cotangent, TensorGradients& g) {
    const MatrixXd dy = matrix(cotangent, 3), h = (W * x).array().tanh();
    // ---- yours ----
    const MatrixXd dh = W * dy;
    const MatrixXd da = dh.array() * (1 - h.array().square());
    assign(g, "W", h * dy.transpose() + da * x.transpose());
    assign(g, "x", W.transpose() * da);
    // ---- end ----
  };
  return check_gradient("exercise 6, tied weights", {tensor("W", W), tensor("x", x)}, forward,
                        backward);
}

GradientReport exercise_7() {
  // y = V p, p = softmax(Kᵀ q), column by column: attention of two queries to four keys and values
  MatrixXd q(2, 2), K(2, 4), V(3, 4);
  q << 0.4, -0.7, 1.1, 0.2;
  K << 0.5, -0.3, 0.8, 0.1, 0.9, -0.6, 0.2, -1.0;
  V << 1.0, 0.4, -0.7, 1.2, 0.3, -0.5, 0.8, 0.9, -0.1, 0.6, 0.2, -0.4;

  const auto attention = [&] {
    MatrixXd p = (K.transpose() * q).array().exp();
    p.array().rowwise() /= RowVectorXd(p.colwise().sum()).array();
    return p;
  };
  const auto forward = [&] {
    const MatrixXd y = V * attention();
    return std::vector<double>(y.data(), y.data() + y.size());
  };
  const auto backward = [&](Cotangent cotangent, TensorGradients& g) {
    const MatrixXd dy = matrix(cotangent, 3), p = attention();
    // ---- yours ----
    const MatrixXd dp = V.transpose() * dy;
    const RowVectorXd sum = (p.array() * dp.array()).colwise().sum();
    const MatrixXd da = p.array() * (dp.rowwise() - sum).array();
    assign(g, "V", dy * p.transpose());
    assign(g, "K", q * da.transpose());
    assign(g, "q", K * da);
    // ---- end ----
  };
  return check_gradient("exercise 7, attention", {tensor("q", q), tensor("K", K), tensor("V", V)},
                        forward, backward);
}

GradientReport exercise_8() {
  // A linear VAE: mu = A x, l = B x, z = mu + e^(l/2) eps, m = W z, and the objective
  // L = mean over samples of (sum (m - x)² / 2 + beta sum (mu² + e^l - 1 - l) / 2)
  const double beta = 0.5;
  MatrixXd A(2, 3), B(2, 3), W(3, 2), x(3, 4), eps(2, 4);
  A << 0.5, -0.3, 0.8, 0.1, 0.9, -0.6;
  B << -0.2, 0.4, 0.3, 0.6, -0.5, 0.1;
  W << 0.7, -0.2, 0.3, 0.8, -0.4, 0.5;
  x << 1.0, 0.4, -0.7, 1.2, 0.3, -0.5, 0.8, 0.9, -0.1, 0.6, 0.2, -0.4;
  eps << 1.5, -0.5, 0.3, -1.1, -0.8, 0.9, 0.2, 0.6;
  const double n = static_cast<double>(x.cols());

  const auto forward = [&] {
    const MatrixXd mu = A * x, l = B * x;
    const MatrixXd z = mu.array() + (l.array() / 2).exp() * eps.array(), m = W * z;
    const double nll = (m - x).squaredNorm() / 2;
    const double kl = (mu.array().square() + l.array().exp() - 1 - l.array()).sum() / 2;
    return (nll + beta * kl) / n;
  };
  const auto backward = [&](TensorGradients& g) {
    const MatrixXd mu = A * x, l = B * x, noise = (l.array() / 2).exp() * eps.array();
    const MatrixXd z = mu + noise, m = W * z;
    // ---- yours ----
    const MatrixXd dm = (m - x) / n;
    const MatrixXd dz = W.transpose() * dm;
    const MatrixXd dmu = beta / n * mu + dz;
    const MatrixXd dl = beta / n * (l.array().exp() - 1) / 2 + dz.array() * noise.array() / 2;
    assign(g, "W", dm * z.transpose());
    assign(g, "A", dmu * x.transpose());
    assign(g, "B", dl * x.transpose());
    // ---- end ----
  };
  return check_gradient("exercise 8, a linear VAE",
                        {tensor("A", A), tensor("B", B), tensor("W", W)}, forward, backward);
}

int main() {
  bool passed = true;
  for (const GradientReport& report : {exercise_6(), exercise_7(), exercise_8()}) {
    std::cout << report.text() << '\n';
    passed = passed && report.passed();
  }
  return passed ? 0 : 1;
}
