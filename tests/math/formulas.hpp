// SPDX-License-Identifier: MIT
// What the tests of formulas share: sampling, and the largest error on numbers and on packs.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <longhand/gradcheck/check_formula.hpp>
#include <longhand/gradcheck/doctest.hpp>
#include <longhand/math/pack.hpp>
#include <longhand/math/scalar.hpp>
#include <random>
#include <string>
#include <vector>

namespace longhand::test {

/// |got - want| relative to want; 0 must be met exactly, and NaN is infinitely far.
inline double relative_error(double got, double want) {
  const double error = want == 0 ? (got == 0 ? 0 : 1) : std::abs((got - want) / want);
  return std::isnan(error) ? std::numeric_limits<double>::infinity() : error;
}
/// A worked number of docs/derivations: the page says how close a double computation comes.
inline void check_worked(const std::string& name, double got, double want,
                         double tolerance = 1e-14) {
  CAPTURE(name);
  CAPTURE(got);
  CAPTURE(want);
  CHECK_FALSE(!(relative_error(got, want) <= tolerance));
}

/// The largest |a| for which e^a and e^-a are normal numbers.
template <class S>
constexpr double exp_range() {
  return std::is_same_v<S, float> ? 87 : 708;
}

/// Where one argument of a formula is sampled.
struct Range {
  double low, high;
};

/// Points of a box: the corners' values, 0 and -0, then numbers spread evenly and by magnitude.
template <class S, std::size_t I>
std::vector<std::array<S, I>> sample(const std::array<Range, I>& ranges, int count = 4096) {
  std::mt19937_64 random(9);
  const auto unit = [&] { return static_cast<double>(random() >> 11) * 0x1p-53; };
  std::vector<std::array<S, I>> points;
  for (int p = 0; p < count; ++p) {
    std::array<S, I> x;
    for (std::size_t i = 0; i < I; ++i) {
      const auto [low, high] = ranges[i];
      double v = low + (high - low) * unit();
      const double form = unit();
      if (form < 0.4) v *= std::exp2(-30 * unit());
      if (form < 0.02) v = 0;
      if (form < 0.01) v = -0.0;
      if (form > 0.99) v = form > 0.995 ? high : low;
      x[i] = static_cast<S>(std::clamp(v, low, high));
    }
    points.push_back(x);
  }
  return points;
}

/// An exact output, and the size its error is measured by: its own, or that of the largest terms
/// where they cancel.
struct Exact {
  long double value = 0, size = 0;
  Exact() = default;
  Exact(long double v) : value(v), size(std::fabs(v)) {}
  Exact(long double v, long double s) : value(v), size(std::fabs(s)) {}
};

/// f on the numbers of type T = S itself (N = 1) or on packs of N of them, one output array per
/// point. The number of points need not be a multiple of N: the tail is padded.
template <int N, class S, std::size_t I, class F>
auto evaluate(const F& f, const std::vector<std::array<S, I>>& points) {
  using Output = decltype(f(points[0]));
  std::vector<Output> outputs(points.size());
  if constexpr (N == 1) {
    for (std::size_t p = 0; p < points.size(); ++p) outputs[p] = f(points[p]);
  } else {
    using P = Pack<S, N>;
    for (std::size_t first = 0; first < points.size(); first += N) {
      const std::size_t count = std::min<std::size_t>(N, points.size() - first);
      std::array<P, I> x;
      for (std::size_t i = 0; i < I; ++i) {
        S lane[N] = {};
        for (std::size_t k = 0; k < count; ++k) lane[k] = points[first + k][i];
        x[i] = P::load(lane, static_cast<Index>(count));
      }
      const auto y = f(x);
      for (std::size_t o = 0; o < y.size(); ++o) {
        S lane[N];
        y[o].store(lane, static_cast<Index>(count));
        for (std::size_t k = 0; k < count; ++k) outputs[first + k][o] = lane[k];
      }
    }
  }
  return outputs;
}

/// The largest error over the points, on numbers and on packs of 64 and 16, in epsilons of S times
/// the size of the output, after (1 + the largest |input|) times the smallest normal number, which
/// is what underflow may cost. `exact` maps the inputs in long double to `Exact` outputs.
template <class S, std::size_t I, class F, class Exactly>
auto worst_errors(const F& f, const Exactly& exact, const std::vector<std::array<S, I>>& points) {
  const auto scalar = evaluate<1>(f, points);
  const auto wide = evaluate<64>(f, points);
  const auto narrow = evaluate<16>(f, points);
  std::array<double, std::tuple_size_v<typename decltype(scalar)::value_type>> worst{};
  for (std::size_t p = 0; p < points.size(); ++p) {
    std::array<long double, I> x;
    long double largest = 0;
    for (std::size_t i = 0; i < I; ++i) {
      x[i] = static_cast<long double>(points[p][i]);
      largest = std::max(largest, std::fabs(x[i]));
    }
    const auto want = exact(x);
    const long double least = (1 + largest) * std::numeric_limits<S>::min();
    for (std::size_t o = 0; o < worst.size(); ++o)
      for (const auto& got : {scalar[p], wide[p], narrow[p]}) {
        const long double error = std::fabs(static_cast<long double>(got[o]) - want[o].value);
        const long double unit = std::numeric_limits<S>::epsilon() * want[o].size;
        const double ratio = error <= least ? 0 : static_cast<double>((error - least) / unit);
        if (!(ratio <= worst[o])) worst[o] = std::isnan(ratio) ? HUGE_VAL : ratio;
      }
  }
  return worst;
}

/// Checks the declared bounds of a formula, one per output, in epsilons.
template <class S, std::size_t I, class F, class Exactly, std::size_t O>
void check_errors(const std::string& name, const F& f, const Exactly& exact,
                  const std::array<Range, I>& ranges, const std::array<double, O>& declared) {
  const auto worst = worst_errors(f, exact, sample<S, I>(ranges));
  CAPTURE(name);
  CAPTURE(sizeof(S));
  for (std::size_t o = 0; o < O; ++o) {
    CAPTURE(o);
    CAPTURE(worst[o]);
    CHECK_FALSE(!(worst[o] <= declared[o]));
  }
}

/// Checks that f of one point, as a number and as every lane of packs, gives `want` (NaN for NaN,
/// either zero for 0) to within 1e-5 of it.
template <class S, std::size_t I, std::size_t O, class F>
void check_tail(const F& f, const std::array<double, I>& at, const std::array<double, O>& want) {
  std::array<S, I> x;
  for (std::size_t i = 0; i < I; ++i) x[i] = static_cast<S>(at[i]);
  const std::vector<std::array<S, I>> points(65, x);  // a full pack, and a tail of one
  for (const auto& outputs :
       {evaluate<1>(f, points), evaluate<64>(f, points), evaluate<16>(f, points)})
    for (const auto& y : outputs)
      for (std::size_t o = 0; o < O; ++o) {
        const double got = static_cast<double>(y[o]);
        const bool same = std::isnan(want[o]) ? std::isnan(got)
                          : std::isinf(want[o])
                              ? got == want[o]
                              : std::abs(got - want[o]) <= 1e-5 * std::abs(want[o]) + 1e-30;
        if (!same) {
          CAPTURE(sizeof(S));
          CAPTURE(x[0]);
          CAPTURE(o);
          CAPTURE(got);
          CAPTURE(want[o]);
          CHECK(same);
          return;
        }
      }
}

inline constexpr double kInf = std::numeric_limits<double>::infinity();
inline constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

}  // namespace longhand::test
