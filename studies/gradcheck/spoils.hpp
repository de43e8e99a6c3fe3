// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "draw.hpp"
#include "longhand/gradcheck/tensors.hpp"

namespace longhand::study {

/// An error put into one tensor of a finished gradient.
struct Spoil {
  std::string name;
  /// Whether the tensor can have it.
  bool (*fits)(std::size_t rows, std::size_t cols);
  /// g: the tensor's gradient; pick: which entry or row, the same at every call of a case.
  void (*apply)(std::span<double> g, std::size_t rows, std::size_t cols, std::size_t pick);
  /// What the diagnosis must say, or empty where no words are asked of it.
  const char* diagnosis = "";
  bool dual = false;  ///< too small for differences: judged with dual numbers
};

namespace spoil {
inline bool any(std::size_t, std::size_t) { return true; }
inline bool tall(std::size_t rows, std::size_t) { return rows > 1; }
inline bool wide(std::size_t, std::size_t cols) { return cols > 1; }
inline bool square(std::size_t rows, std::size_t cols) { return rows == cols && rows > 1; }
inline bool three(std::size_t rows, std::size_t cols) { return rows * cols > 2; }

template <int Numerator, int Denominator>
void times(std::span<double> g, std::size_t, std::size_t, std::size_t) {
  for (double& x : g) x = x * Numerator / Denominator;
}
/// x (1 + 10^-Digits)
template <int Digits>
void slightly(std::span<double> g, std::size_t, std::size_t, std::size_t) {
  for (double& x : g) x *= 1 + std::pow(10.0, -Digits);
}
inline void over_columns(std::span<double> g, std::size_t, std::size_t cols, std::size_t) {
  for (double& x : g) x /= static_cast<double>(cols);
}
inline void row_zero(std::span<double> g, std::size_t rows, std::size_t row) {
  for (std::size_t i = row; i < g.size(); i += rows) g[i] = 0;
}
inline void last_row(std::span<double> g, std::size_t rows, std::size_t, std::size_t) {
  row_zero(g, rows, rows - 1);
}
inline void first_sample(std::span<double> g, std::size_t rows, std::size_t, std::size_t) {
  row_zero(g, rows, 0);
}
inline void last_column(std::span<double> g, std::size_t rows, std::size_t, std::size_t) {
  std::fill(g.end() - static_cast<std::ptrdiff_t>(rows), g.end(), 0.0);
}
inline void shift(std::span<double> g, std::size_t, std::size_t, std::size_t) {
  std::copy_backward(g.begin(), g.end() - 1, g.end());
}
inline void transpose(std::span<double> g, std::size_t rows, std::size_t, std::size_t) {
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j < i; ++j) std::swap(g[i + j * rows], g[j + i * rows]);
}
inline void reverse(std::span<double> g, std::size_t, std::size_t, std::size_t) {
  std::reverse(g.begin(), g.end());
}
/// The largest of a few entries, so that it is worth an error.
inline double& entry(std::span<double> g, std::size_t pick) {
  std::size_t best = pick % g.size();
  for (std::size_t k = 1; k < 4; ++k) {
    const std::size_t other = (pick + k * 7) % g.size();
    if (std::fabs(g[other]) > std::fabs(g[best])) best = other;
  }
  return g[best];
}
inline void entry_slightly(std::span<double> g, std::size_t, std::size_t, std::size_t pick) {
  entry(g, pick) *= 1.01;
}
inline void entry_zero(std::span<double> g, std::size_t, std::size_t, std::size_t pick) {
  entry(g, pick) = 0;
}
inline void entry_sign(std::span<double> g, std::size_t, std::size_t, std::size_t pick) {
  entry(g, pick) *= -1;
}
inline void to_float(std::span<double> g, std::size_t, std::size_t, std::size_t) {
  for (double& x : g) x = static_cast<double>(static_cast<float>(x));
}
inline void to_half(std::span<double> g, std::size_t, std::size_t, std::size_t) {
  for (double& x : g) {
    int exponent = 0;
    x = std::ldexp(std::nearbyint(std::frexp(x, &exponent) * 2048), exponent - 11);
  }
}
inline void constant(std::span<double> g, std::size_t, std::size_t, std::size_t) {
  double size = 0;
  for (const double x : g) size = std::max(size, std::fabs(x));
  for (double& x : g) x += 0.01 * size;
}
inline void clipped(std::span<double> g, std::size_t, std::size_t, std::size_t) {
  double size = 0;
  for (const double x : g) size = std::max(size, std::fabs(x));
  for (double& x : g) x = std::clamp(x, -0.9 * size, 0.9 * size);
}
}  // namespace spoil

/// The first kFactorSpoils are one constant factor each.
inline const std::vector<Spoil>& spoils() {
  using namespace spoil;
  static const std::vector<Spoil> all{
      {"one tensor: sign", any, times<-1, 1>, "wrong sign"},
      {"one tensor x 2", any, times<2, 1>, "factor 2 too many"},
      {"one tensor x 1/2", any, times<1, 2>, "factor 2 missing"},
      {"one tensor x 3", any, times<3, 1>, "factor 3 too many"},
      {"one tensor / its columns", wide, over_columns, "missing"},
      {"one tensor zero", any, times<0, 1>, "zero everywhere"},
      {"one tensor transposed", square, transpose, "transposed"},
      {"one tensor: last row dropped", tall, last_row, "last"},
      {"one tensor: first row dropped", tall, first_sample, "first"},
      {"one tensor: last column dropped", wide, last_column, "last column"},
      {"one tensor: entries shifted by one", three, shift, "shifted"},
      {"one tensor: entries reversed", three, reverse},
      {"one tensor x 1.001", any, slightly<3>},
      {"one tensor x (1 + 1e-4)", any, slightly<4>},
      {"one tensor x (1 + 1e-5)", any, slightly<5>},
      {"one tensor x (1 + 1e-6)", any, slightly<6>},
      {"one tensor x (1 + 1e-7)", any, slightly<7>},
      {"one tensor x (1 + 1e-10), dual numbers", any, slightly<10>, "", true},
      {"one tensor in float", three, to_float},
      {"one tensor in half precision", any, to_half},
      {"one tensor + 1% of its largest", any, constant},
      {"one tensor clipped at 90%", any, clipped},
      {"one entry x 1.01", any, entry_slightly},
      {"one entry zero", any, entry_zero},
      {"one entry: sign", any, entry_sign},
  };
  return all;
}

}  // namespace longhand::study
