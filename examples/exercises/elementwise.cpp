// SPDX-License-Identifier: MIT
// Exercises 1 and 2 of docs/exercises.md: formulas of one element. The forward is given. The lines
// between the two marks are the backward, and the checker judges it.
#include <cmath>
#include <cstddef>
#include <iostream>
#include <longhand/gradcheck.hpp>
#include <vector>

using namespace longhand;

GradientReport exercise_1() {
  // y = a / (1 + |a|)
  std::vector<double> a{-2.5, -0.4, 0.3, 1.7};

  const auto forward = [&] {
    std::vector<double> y;
    for (const double v : a) y.push_back(v / (1 + std::abs(v)));
    return y;
  };
  const auto backward = [&](Cotangent dy, TensorGradients& g) {
    for (std::size_t i = 0; i < a.size(); ++i) {
      // ---- yours ----
      g["a"][i] = dy[i] / (1 + std::abs(a[i]));
      // ---- end ----
    }
  };
  return check_gradient("exercise 1, softsign", {{"a", a}}, forward, backward);
}

GradientReport exercise_2() {
  // nll = |m - t| e^-l + l + log 2: a Laplace likelihood whose log scale l is learned.
  std::vector<double> m{0.8, -0.3, 1.1}, l{-0.5, 0.2, 0.9};
  const std::vector<double> t{1.0, -0.9, 0.4};

  const auto forward = [&] {
    std::vector<double> nll;
    for (std::size_t i = 0; i < t.size(); ++i)
      nll.push_back(std::abs(m[i] - t[i]) * std::exp(-l[i]) + l[i] + std::log(2.0));
    return nll;
  };
  const auto backward = [&](Cotangent dnll, TensorGradients& g) {
    for (std::size_t i = 0; i < t.size(); ++i) {
      // ---- yours ----
      const double sign = m[i] > t[i] ? 1 : -1;
      g["m"][i] = -dnll[i] * sign * std::exp(-l[i]);
      g["l"][i] = -dnll[i] * std::abs(m[i] - t[i]) * std::exp(-l[i]);
      // ---- end ----
    }
  };
  return check_gradient("exercise 2, Laplace", {{"m", m}, {"l", l}}, forward, backward);
}

int main() {
  bool passed = true;
  for (const GradientReport& report : {exercise_1(), exercise_2()}) {
    std::cout << report.text() << '\n';
    passed = passed && report.passed();
  }
  return passed ? 0 : 1;
}
