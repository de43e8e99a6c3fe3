// SPDX-License-Identifier: MIT
// Exercises 3, 4 and 5 of docs/exercises.md: an element of the output depends on all elements of
// its column. A sample is a column, matrices are stored column by column. The forward is given; the
// lines between the two marks are the backward.
#include <cmath>
#include <cstddef>
#include <iostream>
#include <longhand/gradcheck.hpp>
#include <vector>

using namespace longhand;

constexpr std::size_t rows = 3, columns = 2;  // features, samples

GradientReport exercise_3() {
  // y_ij = x_ij - mean_j, where mean_j is the mean of column j
  std::vector<double> x{1.0, -0.4, 0.7, 0.2, 0.9, -1.3};

  const auto forward = [&] {
    std::vector<double> y;
    for (std::size_t j = 0; j < columns; ++j) {
      const double* xj = &x[j * rows];
      const double mean = (xj[0] + xj[1] + xj[2]) / rows;
      for (std::size_t i = 0; i < rows; ++i) y.push_back(xj[i] - mean);
    }
    return y;
  };
  const auto backward = [&](Cotangent dy, TensorGradients& g) {
    for (std::size_t j = 0; j < columns; ++j) {
      const double* dyj = &dy[j * rows];
      double* dxj = &g["x"][j * rows];
      // ---- yours ----
      for (std::size_t i = 0; i < rows; ++i) dxj[i] = dyj[i];
      // ---- end ----
    }
  };
  return check_gradient("exercise 3, centring", {{"x", x, rows}}, forward, backward);
}

GradientReport exercise_4() {
  // nll_j = -sum_k t_kj log q_kj with q = softmax(a): one number per column. The weights t of a
  // column need not sum to 1.
  std::vector<double> a{0.5, -0.2, 0.1, 1.0, 0.0, -1.0};
  const std::vector<double> t{0.2, 0.5, 0.3, 1.0, 0.0, 0.8};

  const auto log_sum_exp = [&](std::size_t j) {
    double sum = 0;
    for (std::size_t k = 0; k < rows; ++k) sum += std::exp(a[k + j * rows]);
    return std::log(sum);
  };
  const auto forward = [&] {
    std::vector<double> nll;
    for (std::size_t j = 0; j < columns; ++j) {
      nll.push_back(0);
      for (std::size_t k = 0; k < rows; ++k)
        nll[j] -= t[k + j * rows] * (a[k + j * rows] - log_sum_exp(j));
    }
    return nll;
  };
  const auto backward = [&](Cotangent dnll, TensorGradients& g) {
    for (std::size_t j = 0; j < columns; ++j) {
      const double lse = log_sum_exp(j);
      const double *aj = &a[j * rows], *tj = &t[j * rows];
      double* daj = &g["a"][j * rows];
      // ---- yours ----
      for (std::size_t k = 0; k < rows; ++k) daj[k] = dnll[j] * (std::exp(aj[k] - lse) - tj[k]);
      // ---- end ----
    }
  };
  return check_gradient("exercise 4, cross entropy", {{"a", a, rows}}, forward, backward);
}

GradientReport exercise_5() {
  // y_ij = g_i u_ij + b_i, u_ij = (x_ij - mean_j) / s_j, s_j = sqrt(variance_j + 0.001), with mean
  // and variance of column j: layer normalisation
  std::vector<double> x{1.0, -0.4, 0.7, 0.2, 0.9, -1.3}, gain{0.9, 1.2, -0.6}, bias{0.1, -0.2, 0.3};

  const auto normalised = [&](std::size_t j, double* u) {  // returns s_j
    const double* xj = &x[j * rows];
    const double mean = (xj[0] + xj[1] + xj[2]) / rows;
    double variance = 0;
    for (std::size_t i = 0; i < rows; ++i) variance += (xj[i] - mean) * (xj[i] - mean) / rows;
    const double s = std::sqrt(variance + 0.001);
    for (std::size_t i = 0; i < rows; ++i) u[i] = (xj[i] - mean) / s;
    return s;
  };
  const auto forward = [&] {
    std::vector<double> y;
    for (std::size_t j = 0; j < columns; ++j) {
      double u[rows];
      normalised(j, u);
      for (std::size_t i = 0; i < rows; ++i) y.push_back(gain[i] * u[i] + bias[i]);
    }
    return y;
  };
  const auto backward = [&](Cotangent dy, TensorGradients& g) {
    for (std::size_t i = 0; i < rows; ++i) g["gain"][i] = g["bias"][i] = 0;
    for (std::size_t j = 0; j < columns; ++j) {
      double u[rows];
      const double s = normalised(j, u);
      const double* dyj = &dy[j * rows];
      double* dxj = &g["x"][j * rows];
      for (std::size_t i = 0; i < rows; ++i) {
        g["gain"][i] += dyj[i] * u[i];
        g["bias"][i] += dyj[i];
      }
      // ---- yours ----
      for (std::size_t i = 0; i < rows; ++i) dxj[i] = dyj[i] * gain[i] / s;
      // ---- end ----
    }
  };
  return check_gradient("exercise 5, layer normalisation",
                        {{"x", x, rows}, {"gain", gain}, {"bias", bias}}, forward, backward);
}

int main() {
  bool passed = true;
  for (const GradientReport& report : {exercise_3(), exercise_4(), exercise_5()}) {
    std::cout << report.text() << '\n';
    passed = passed && report.passed();
  }
  return passed ? 0 : 1;
}
