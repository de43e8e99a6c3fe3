// SPDX-License-Identifier: MIT
// softmax_columns and one_hot_columns of a backend against the reference in long double, within
// bounds that follow from rounding; extremes, ties and NaN.
#pragma once

#include <longhand/backend/reference.hpp>
#include <longhand/gradcheck/rounding_bound.hpp>

#include "support/matrix.hpp"

namespace longhand::test {

/// How far a softmax in S may be from the exact one, for one column. With u the unit of rounding
/// and d_i = x_i - max: e^d_i is off by u |d_i| for the rounding of d_i and by kExp for exp (three
/// epsilons, math/pack.hpp), the sum by what its terms are on average and gamma_rows, the quotient
/// by one rounding more. What underflows may be lost.
template <class S>
class SoftmaxBound {
 public:
  SoftmaxBound(const Matrix<long double>& x, const Matrix<long double>& y, Index j) {
    largest_ = -std::numeric_limits<long double>::infinity();
    for (Index i = 0; i < x.rows(); ++i) largest_ = std::max(largest_, x(i, j));
    long double sum = 0, average = 0;
    for (Index i = 0; i < x.rows(); ++i) {
      if (y(i, j) > 0) average += y(i, j) * (largest_ - x(i, j));
      sum += std::exp(x(i, j) - largest_);
    }
    log_sum_ = std::log(sum);
    of_sum_ = average + kExp + static_cast<long double>(x.rows());
  }
  long double of(long double x, long double y) const {
    const long double d = std::isfinite(x) ? largest_ - x : 0;
    return gamma(d + kExp + of_sum_ + 1) * y + kLost;
  }
  /// The logarithm is within two epsilons, and added to the largest.
  long double of_log_sum_exp(long double lse) const {
    return gamma(of_sum_) + gamma(4) * log_sum_ + gamma(1) * std::fabs(lse);
  }

 private:
  static constexpr long double kExp = 6, kLost = 2 * std::numeric_limits<S>::min();
  /// 1.01: products of two errors, and the rounding of the reference.
  static long double gamma(long double roundings) {
    return 1.01L * roundings * static_cast<long double>(rounding_unit<S>());
  }
  long double largest_, log_sum_, of_sum_;
};

/// What both primitives make of a matrix: into another, in place, with and without the sums.
template <class B>
struct Columns {
  using M = Matrix<typename B::Scalar>;
  M x, y, in_place, lse, one_hot, one_hot_in_place;

  Columns(const B& backend, const M& from, Index gap)
      : x(from),
        y(x.rows(), x.cols(), gap),
        in_place(x),
        lse(1, x.cols(), gap),
        one_hot(x.rows(), x.cols(), 2 * gap),
        one_hot_in_place(x) {
    backend.softmax_columns(x.view(), y.view(), lse.view());
    backend.softmax_columns(in_place.view(), in_place.view(), {});
    backend.one_hot_columns(x.view(), one_hot.view());
    backend.one_hot_columns(one_hot_in_place.view(), one_hot_in_place.view());
  }
  bool guarded() const {
    return y.guarded() && in_place.guarded() && lse.guarded() && one_hot.guarded() &&
           one_hot_in_place.guarded();
  }
};

/// Largest error over bound of all columns of x, which are finite or -inf, one number at least
/// finite; 0 for a one-hot column that is as it should be.
template <class B>
double worst_column(const B& backend, const Matrix<typename B::Scalar>& x, Index gap) {
  using S = typename B::Scalar;
  Matrix<long double> exact(x.rows(), x.cols());
  for (Index j = 0; j < x.cols(); ++j)
    for (Index i = 0; i < x.rows(); ++i) exact(i, j) = static_cast<long double>(x(i, j));
  const Columns<B> got(backend, x, gap);
  const Columns<Reference<long double>> want(Reference<long double>{}, exact, 0);
  CHECK(got.guarded());
  CHECK(got.in_place.flat() == got.y.flat());
  CHECK(got.one_hot_in_place.flat() == got.one_hot.flat());
  WorstRatio worst;
  for (Index j = 0; j < x.cols(); ++j) {
    const SoftmaxBound<S> bound(exact, want.y, j);
    Index first = 0;
    for (Index i = 0; i < x.rows(); ++i) {
      worst.see(got.y(i, j), want.y(i, j), bound.of(exact(i, j), want.y(i, j)));
      if (x(i, j) > x(first, j)) first = i;
    }
    worst.see(got.lse(0, j), want.lse(0, j), bound.of_log_sum_exp(want.lse(0, j)));
    for (Index i = 0; i < x.rows(); ++i) worst.see(got.one_hot(i, j), i == first, 0);
  }
  return worst.worst();
}

/// Every kind of shape: one row, few, and many, where a column is some packs with and without a
/// tail; every kind of content.
template <class B>
void check_columns(const B& backend) {
  using S = typename B::Scalar;
  double plain = 0, extreme = 0, far = 0, ties = 0;
  for (const Index rows : {1, 2, 3, 10, 33, 48, 49, 64, 100})
    for (const Index cols : {0, 1, 7, 257})
      for (const Index gap : {0, 3}) {
        const auto see = [&](double& worst, const Matrix<S>& x) {
          const double now = worst_column(backend, x, gap);
          if (!(now <= worst)) worst = std::isnan(now) ? HUGE_VAL : now;
        };
        Matrix<S> x(rows, cols, gap);
        see(plain, x.randomise(1, -4, 4));
        see(extreme, x.randomise(2, -80, 80));
        see(extreme, x.randomise(3, -1e4, 1e4));
        see(extreme, x.randomise(4, -1e30, 1e30));
        see(far, x.randomise(5, 1000, 1001));  // e^1000 is infinite
        see(far, x.randomise(6, -1001, -1000));
        // A few values only, so that the largest stands in several places; then some of -inf.
        x.randomise(7, -2, 2);
        for (Index j = 0; j < cols; ++j)
          for (Index i = 0; i < rows; ++i) x(i, j) = std::round(x(i, j));
        see(ties, x);
        for (Index j = 0; j < cols; ++j)
          for (Index i = 0; i < rows; ++i)
            if ((i + j) % 3 == 1 && i > 0) x(i, j) = -std::numeric_limits<S>::infinity();
        see(ties, x);
        see(ties, x.fill(-0.75));
      }
  CAPTURE(plain);
  CAPTURE(extreme);
  CAPTURE(far);
  CAPTURE(ties);
  CHECK_FALSE(!(plain <= 1));
  CHECK_FALSE(!(extreme <= 1));
  CHECK_FALSE(!(far <= 1));
  CHECK_FALSE(!(ties <= 1));
}

/// Columns that have no softmax, or no largest number, beside one that has both.
template <class B>
void check_undefined_columns(const B& backend) {
  using S = typename B::Scalar;
  constexpr S inf = std::numeric_limits<S>::infinity(), nan = std::numeric_limits<S>::quiet_NaN();
  for (const Index rows : {1, 2, 3, 10, 48, 300})
    for (const Index at : {Index{0}, rows / 2, rows - 1}) {
      CAPTURE(rows);
      CAPTURE(at);
      Matrix<S> x(rows, 6, 1);
      x.randomise(8);
      x(at, 1) = nan;
      x(at, 2) = inf;
      for (Index i = 0; i < rows; ++i) x(i, 3) = -inf, x(i, 4) = i == at ? nan : -inf;
      const Columns<B> got(backend, x, 2);
      CHECK(got.guarded());
      int defined = 0, undefined = 0;
      for (Index j = 0; j < 6; ++j) {
        const bool softmax = j == 0 || j == 5, largest = j != 1 && j != 4;
        defined += std::isfinite(got.lse(0, j)) == softmax;
        undefined += std::isnan(got.lse(0, j)) == !softmax;
        S ones = 0;
        for (Index i = 0; i < rows; ++i) {
          defined += std::isfinite(got.y(i, j)) == softmax;
          undefined += std::isnan(got.y(i, j)) == !softmax;
          undefined += std::isnan(got.one_hot(i, j)) == !largest;
          ones += got.one_hot(i, j);
        }
        CHECK(std::isnan(ones) == !largest);
        if (largest) CHECK(ones == 1);
      }
      CHECK(defined == 6 * (rows + 1));
      CHECK(undefined == 6 * (2 * rows + 1));
      CHECK(got.one_hot(at, 2) == 1);  // +inf is the largest
      CHECK(got.one_hot(0, 3) == 1);   // the first of equals
    }
}

/// A column has the bits it has alone, whatever its neighbours: any cut of a batch.
template <class B>
void check_cuts_of_columns(const B& backend) {
  using S = typename B::Scalar;
  for (const Index rows : {1, 2, 10, 48, 49, 300}) {
    CAPTURE(rows);
    Matrix<S> x(rows, 37, 1);
    x.randomise(9, -30, 30);
    const Columns<B> all(backend, x, 0);
    bool same = true;
    for (const auto& [first, count] :
         {std::pair<Index, Index>{0, 1}, {1, 15}, {16, 1}, {17, 7}, {24, 13}}) {
      Matrix<S> part(rows, count, 4);
      for (Index j = 0; j < count; ++j)
        for (Index i = 0; i < rows; ++i) part(i, j) = x(i, first + j);
      const Columns<B> got(backend, part, 3);
      for (Index j = 0; j < count; ++j) {
        same &= got.lse(0, j) == all.lse(0, first + j);
        for (Index i = 0; i < rows; ++i) same &= got.y(i, j) == all.y(i, first + j);
      }
    }
    CHECK(same);
  }
}

}  // namespace longhand::test
