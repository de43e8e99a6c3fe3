// SPDX-License-Identifier: MIT
#include <longhand/math/pack.hpp>

#include "formulas.hpp"

using namespace longhand;
using namespace longhand::test;

namespace {

/// The functions a pack brings: (x, a positive number) -> exp, log, log1p, expm1, tanh, sqrt.
struct Functions {
  template <class T>
  std::array<T, 6> operator()(const std::array<T, 2>& x) const {
    using longhand::exp, longhand::log, longhand::log1p, longhand::expm1, longhand::tanh,
        longhand::sqrt;  // not the doubles of <cmath>
    return {exp(x[0]), log(x[1]), log1p(x[1]), expm1(x[0]), tanh(x[0]), sqrt(x[1])};
  }
};
/// log1p of [0, 1], and |x|.
struct Unit {
  template <class T>
  std::array<T, 2> operator()(const std::array<T, 2>& x) const {
    using longhand::abs, longhand::log1p_unit;
    return {log1p_unit(x[0]), abs(x[1])};
  }
};
/// log1p on its whole domain.
struct Log1p {
  template <class T>
  std::array<T, 1> operator()(const std::array<T, 1>& x) const {
    using longhand::log1p;
    return {log1p(x[0])};
  }
};

template <class S, int N>
std::array<S, N> lanes(const Pack<S, N>& pack) {
  std::array<S, N> lane;
  pack.store(lane.data());
  return lane;
}

template <class S, int N>
void check_arithmetic() {
  using P = Pack<S, N>;
  S a[N], b[N];
  for (int k = 0; k < N; ++k) a[k] = S(k) - S(3.5), b[k] = S(2 * N - 3 * k) + S(0.25);
  a[1] = b[1];
  a[2] = std::numeric_limits<S>::quiet_NaN();
  const P x = P::load(a), y = P::load(b);
  const auto expect = [&](const char* name, const P& got, const auto& want) {
    const auto lane = lanes(got);
    int wrong = 0;
    for (int k = 0; k < N; ++k) {
      const S w = want(a[k], b[k]);
      wrong += !(std::isnan(w) ? std::isnan(lane[static_cast<std::size_t>(k)])
                               : lane[static_cast<std::size_t>(k)] == w);
    }
    CAPTURE(std::string(name));
    CHECK(wrong == 0);
  };
  expect("+", x + y, [](S p, S q) { return p + q; });
  expect("-", x - y, [](S p, S q) { return p - q; });
  expect("*", x * y, [](S p, S q) { return p * q; });
  expect("/", x / y, [](S p, S q) { return p / q; });
  expect("negation", -x, [](S p, S) { return -p; });
  expect("<", choose(x < y, x, P(7)), [](S p, S q) { return p < q ? p : 7; });
  expect("<=", choose(x <= y, x, P(7)), [](S p, S q) { return p <= q ? p : 7; });
  expect(">", choose(x > y, x, P(7)), [](S p, S q) { return p > q ? p : 7; });
  expect(">=", choose(x >= y, x, P(7)), [](S p, S q) { return p >= q ? p : 7; });
  expect("==", choose(x == y, P(7), y), [](S p, S q) { return p == q ? 7 : q; });
  P sum = y;
  sum += x;
  expect("+=", sum, [](S p, S q) { return p + q; });
}

template <class S, int N>
void check_memory() {
  using P = Pack<S, N>;
  std::array<S, N + 2> from, to;
  for (std::size_t k = 0; k < from.size(); ++k) from[k] = S(k + 1);
  for (Index count = 0; count <= N; ++count) {
    to.fill(S(-1));
    const auto lane = lanes(P::load(from.data() + 1, count));  // unaligned
    P::load(from.data() + 1).store(to.data() + 1, count);
    int wrong = to[0] != S(-1);
    for (Index k = 0; k < N; ++k) {
      const auto i = static_cast<std::size_t>(k);
      wrong += lane[i] != (k < count ? from[i + 1] : S(0));
      wrong += to[i + 1] != (k < count ? from[i + 1] : S(-1));
    }
    CHECK(wrong == 0);
  }
}

}  // namespace

TEST_CASE_TEMPLATE("pack: arithmetic, comparisons and choice, lane by lane", S, float, double) {
  check_arithmetic<S, 64>();
  check_arithmetic<S, 16>();
}

TEST_CASE_TEMPLATE("pack: loads and stores of a part touch nothing else", S, float, double) {
  check_memory<S, 64>();
  check_memory<S, 16>();
}

TEST_CASE_TEMPLATE("pack: the sum is the fixed tree of its lanes", S, float, double) {
  std::array<S, 64> lane;
  for (std::size_t k = 0; k < 64; ++k)
    lane[k] = static_cast<S>(std::sin(1.0 + static_cast<double>(k)) * 1e3);
  const S got = Pack<S, 64>::load(lane.data()).sum();
  for (std::size_t half = 32; half > 0; half /= 2)
    for (std::size_t k = 0; k < half; ++k) lane[k] += lane[k + half];
  CHECK(got == lane[0]);
  CHECK((Pack<S, 16>(3).sum()) == 48);
}

TEST_CASE_TEMPLATE("pack: functions within the declared bounds [ACT-5]", S, float, double) {
  const auto exact = [](const auto& x) {
    return std::array{Exact(std::exp(x[0])),   Exact(std::log(x[1])),  Exact(std::log1p(x[1])),
                      Exact(std::expm1(x[0])), Exact(std::tanh(x[0])), Exact(std::sqrt(x[1]))};
  };
  const double r = exp_range<S>();
  check_errors<S>("functions", Functions{}, exact, std::array{Range{-r, r}, Range{1e-30, 1e30}},
                  std::array{3., 2., 4., 4., 5., 2.});
  check_errors<S>("near 0 and 1", Functions{}, exact, std::array{Range{-0.1, 0.1}, Range{0.9, 1.1}},
                  std::array{3., 2., 4., 4., 5., 2.});
  check_errors<S>(
      "log1p of [0, 1]", Unit{},
      [](const auto& x) {
        return std::array{Exact(std::log1p(x[0])), Exact(std::fabs(x[1]))};
      },
      std::array{Range{0, 1}, Range{-9, 9}}, std::array{2., 0.});
  check_errors<S>(
      "log1p", Log1p{}, [](const auto& x) { return std::array{Exact(std::log1p(x[0]))}; },
      std::array{Range{-0.999, 1}}, std::array{4.});
}

TEST_CASE_TEMPLATE("pack: tails of the functions; NaN in, NaN out", S, float, double) {
  const auto check = [](double x, const std::array<double, 6>& want) {
    check_tail<S>(Functions{}, std::array{x, x}, want);
  };
  check(0, {1, -kInf, 0, 0, 0, 0});
  check(-0.0, {1, -kInf, 0, 0, 0, 0});
  check(kInf, {kInf, kInf, kInf, kInf, 1, kInf});
  check(-kInf, {0, kNan, kNan, -1, -1, kNan});
  check(kNan, {kNan, kNan, kNan, kNan, kNan, kNan});
  check(1e30, {kInf, std::log(1e30), std::log(1e30), kInf, 1, 1e15});
  check(-1e30, {0, kNan, kNan, -1, -1, kNan});
  check(-1, {std::exp(-1.), kNan, -kInf, std::expm1(-1.), std::tanh(-1.), kNan});
}
