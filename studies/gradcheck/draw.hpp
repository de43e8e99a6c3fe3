// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <numbers>
#include <random>

#include "matrix.hpp"

namespace longhand::study {

/// Random numbers, the same on every machine.
class Draw {
 public:
  explicit Draw(std::uint64_t seed) : engine_(seed * 0x9e3779b97f4a7c15u + 1) {}

  double uniform(double low = 0, double high = 1) {
    return low + (high - low) * (static_cast<double>(engine_() >> 11) * 0x1p-53);
  }
  /// Uniform in the exponent.
  double magnitude(double low, double high) {
    return std::exp(uniform(std::log(low), std::log(high)));
  }
  double normal() {
    return std::sqrt(-2 * std::log(1 - uniform())) * std::cos(2 * std::numbers::pi * uniform());
  }
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(engine_() % n); }
  std::size_t between(std::size_t low, std::size_t high) { return low + below(high - low + 1); }
  /// Small numbers more often than large ones.
  std::size_t size(std::size_t low, std::size_t high) {
    const double l = static_cast<double>(low) + 1, h = static_cast<double>(high) + 2;
    return static_cast<std::size_t>(magnitude(l, h)) - 1;
  }
  bool one_in(std::size_t n) { return below(n) == 0; }
  template <class T>
  T one_of(std::initializer_list<T> list) {
    return *(list.begin() + below(list.size()));
  }
  Matrix<double> normals(std::size_t rows, std::size_t cols, double sigma) {
    return make(rows, cols, [&](std::size_t, std::size_t) { return sigma * normal(); });
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace longhand::study
