// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <sstream>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "longhand/gradcheck/detail/objective.hpp"
#include "longhand/gradcheck/report.hpp"

/// Judging float results, of a CPU or a GPU, without a tolerance: stage by stage on the same
/// inputs, products by the bound that holds for any order of summation, precision by an exact
/// probe. Differences of float prove nothing; the gradient itself is checked in double
/// (check_gradient).
namespace longhand {

/// The relative error of one rounding to T.
template <class T>
constexpr double rounding_unit() {
  return static_cast<double>(std::numeric_limits<T>::epsilon()) / 2;
}

/// gamma_n = n u / (1 - n u): the relative error of n roundings one after the other (Higham,
/// Accuracy and Stability of Numerical Algorithms, 2002, section 3.1). A sum of k products, in any
/// order and with or without fused operations, is within gamma_k of the sum of their sizes.
template <class T>
constexpr double gamma_bound(std::size_t roundings) {
  const double nu = static_cast<double>(roundings) * rounding_unit<T>();
  return nu < 1 ? nu / (1 - nu) : std::numeric_limits<double>::infinity();
}

/// Collects |got - want| / bound over a stage and keeps the largest. A NaN, or an error where the
/// bound is 0, is infinite.
class WorstRatio {
 public:
  void see(long double got, long double want, long double bound) {
    const long double error = std::fabs(got - want);
    const double ratio = error == 0 ? 0 : static_cast<double>(error / bound);
    if (!(ratio <= worst_)) worst_ = std::isnan(ratio) ? HUGE_VAL : ratio;
    ++seen_;
  }
  double worst() const { return worst_; }
  /// False if nothing was compared.
  bool within() const { return seen_ > 0 && worst_ <= 1; }

 private:
  double worst_ = 0;
  std::size_t seen_ = 0;
};

/// A product under test: C (m x n) = A (m x k) B (k x n), all column-major without gaps, in host
/// memory. A GPU's copies there and back belong to it.
template <class T>
using ProductUnderTest =
    std::function<void(std::size_t m, std::size_t n, std::size_t k, const T* a, const T* b, T* c)>;
struct ProductShape {
  std::size_t m, n, k;
};

/// Whether a product really works in T's precision. With a_ik = 1 + 2^-p and b = 1 every entry is
/// k (1 + 2^-p), exact in T in any order of summation, while a format with fewer than p bits
/// behind the point (TF32 and half precision for float, float for double) loses the last term in
/// every factor. Within the rounding bound it hides: at k = 784 TF32 uses 0.69 of it.
template <class T>
bool full_precision(const ProductUnderTest<T>& multiply, std::size_t m = 16, std::size_t n = 16,
                    std::size_t k = 64) {
  static_assert(std::is_same_v<T, float> || std::is_same_v<T, double>);
  constexpr int bits = std::is_same_v<T, float> ? 12 : 30;
  const T a = T(1) + std::ldexp(T(1), -bits);
  const std::vector<T> as(m * k, a), bs(k * n, T(1));
  std::vector<T> c(m * n, std::numeric_limits<T>::quiet_NaN());
  multiply(m, n, k, as.data(), bs.data(), c.data());
  std::vector<T> swapped(m * n, std::numeric_limits<T>::quiet_NaN());
  const std::vector<T> ones(m * k, T(1)), bits_in_b(k * n, a);
  multiply(m, n, k, ones.data(), bits_in_b.data(), swapped.data());
  const T exact = static_cast<T>(k) * a;
  const auto all_exact = [&](const std::vector<T>& v) {
    return std::all_of(v.begin(), v.end(), [&](T x) { return x == exact; });
  };
  return all_exact(c) && all_exact(swapped);
}

/// The outcome of check_product.
struct ProductReport {
  Verdict verdict = Verdict::fail;
  double worst = 0;      ///< largest |C - C_ref| / bound over all shapes
  ProductShape shape{};  ///< where
  bool full_precision = false;
  std::string reason;

  bool passed() const { return passes(verdict); }
  std::string text() const {
    std::ostringstream out;
    out << name_of(verdict) << "  error / bound at most " << worst << " (" << shape.m << " x "
        << shape.n << ", k = " << shape.k << ")";
    if (!reason.empty()) out << "; " << reason;
    out << '\n';
    return out.str();
  }
};

/// Compares a product with the same product in long double: |C - C_ref| <= gamma_k (|A| |B|) for
/// every element, whatever the order of the sums, and demands T's full precision.
template <class T>
ProductReport check_product(const ProductUnderTest<T>& multiply,
                            const std::vector<ProductShape>& shapes, std::uint64_t seed = 1) {
  ProductReport report;
  detail::Random random(seed);
  bool within = !shapes.empty();
  for (const ProductShape& s : shapes) {
    std::vector<T> a(s.m * s.k), b(s.k * s.n);
    for (T& x : a) x = static_cast<T>(random.weight());
    for (T& x : b) x = static_cast<T>(random.weight());
    std::vector<T> c(s.m * s.n, std::numeric_limits<T>::quiet_NaN());
    multiply(s.m, s.n, s.k, a.data(), b.data(), c.data());
    // The reference rounds as well, in long double.
    const double gamma = gamma_bound<T>(s.k) + gamma_bound<long double>(s.k + 1);
    WorstRatio worst;
    for (std::size_t j = 0; j < s.n; ++j)
      for (std::size_t i = 0; i < s.m; ++i) {
        long double sum = 0, size = 0;
        for (std::size_t k = 0; k < s.k; ++k) {
          const long double term = static_cast<long double>(a[i + k * s.m]) * b[k + j * s.k];
          sum += term, size += std::fabs(term);
        }
        worst.see(c[i + j * s.m], sum, gamma * size);
      }
    within = within && (s.m * s.n == 0 || worst.within());
    if (!(worst.worst() < report.worst)) report.worst = worst.worst(), report.shape = s;
  }
  report.full_precision = full_precision(multiply);
  report.verdict = within && report.full_precision ? Verdict::pass : Verdict::fail;
  if (shapes.empty()) report.reason = "no shapes: nothing was checked";
  if (!within && !shapes.empty()) report.reason = "outside the rounding bound";
  if (!report.full_precision)
    report.reason += (report.reason.empty() ? "" : "; ") +
                     std::string("factors are rounded to fewer bits than the type has (TF32?)");
  return report;
}

}  // namespace longhand
