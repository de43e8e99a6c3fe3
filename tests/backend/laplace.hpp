// SPDX-License-Identifier: MIT
// A likelihood that is not longhand's, as examples/04_your_own_likelihood has it.
#pragma once
#include <cmath>
#include <limits>
#include <longhand/likelihood/per_element.hpp>

namespace longhand::test {

struct Laplace {
  static constexpr const char* name = "laplace";
  static constexpr int outputs = 1;
  static constexpr bool normal_noise = false;
  static constexpr double domain_min = -std::numeric_limits<double>::infinity();
  static constexpr double domain_max = std::numeric_limits<double>::infinity();
  double scale = 1, log_of_twice = 0.6931471805599453;

  template <class T>
  LONGHAND_HD void value_and_gradient(const T& a, const T& t, T& nll, T& da) const {
    using longhand::abs;
    nll = abs(a - t) / T(scale) + T(log_of_twice);
    da = sign(a - t) / T(scale);
  }
  template <class T>
  LONGHAND_HD void mean(const T& a, T& m) const {
    m = a;
  }
  template <class T>
  LONGHAND_HD void draw(const T& a, const T& u, T& t) const {
    using longhand::abs, longhand::log1p;
    const T centred = u - T(0.5);
    t = a - T(scale) * sign(centred) * log1p(T(-2) * abs(centred));
  }
};

}  // namespace longhand::test
