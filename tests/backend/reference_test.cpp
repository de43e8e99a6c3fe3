// SPDX-License-Identifier: MIT
#include <cmath>
#include <longhand/backend/reference.hpp>

#include "columns.hpp"
#include "primitives.hpp"

using namespace longhand;
using namespace longhand::test;

// The judge is judged by numbers done by hand: small integers, so that every sum is exact.

TEST_CASE_TEMPLATE("reference: products by hand, all four forms, assigned and added", T, float,
                   double, long double) {
  using B = Reference<T>;
  const B backend;
  typename B::Scratch scratch;
  // A = (1 2 3; 4 5 6), B = (1 -1; 0 2; 2 0): A B = (7 3; 16 6)
  Matrix<T> a(2, 3, 1), at(3, 2), b(3, 2, 2), bt(2, 3), c(2, 2, 3);
  const double A[2][3] = {{1, 2, 3}, {4, 5, 6}}, Bm[3][2] = {{1, -1}, {0, 2}, {2, 0}},
               C[2][2] = {{7, 3}, {16, 6}};
  for (Index i = 0; i < 2; ++i)
    for (Index k = 0; k < 3; ++k) {
      a(i, k) = at(k, i) = static_cast<T>(A[i][k]);
      b(k, i) = bt(i, k) = static_cast<T>(Bm[k][i]);
    }
  const auto check = [&](Transpose ta, Matrix<T>& left, Transpose tb, Matrix<T>& right) {
    backend.multiply(scratch, ta, left.view(), tb, right.view(), c.view(), Store::assign,
                     Nothing{});
    for (Index i = 0; i < 2; ++i)
      for (Index j = 0; j < 2; ++j) CHECK(c(i, j) == C[i][j]);
    backend.multiply(scratch, ta, left.view(), tb, right.view(), c.view(), Store::accumulate,
                     then<B>(Square{}, in<B>(c.view()), out<B>(c.view())));
    for (Index i = 0; i < 2; ++i)
      for (Index j = 0; j < 2; ++j) CHECK(c(i, j) == 4 * C[i][j] * C[i][j]);
    CHECK(c.guarded());
    c.poison();
  };
  check(Transpose::no, a, Transpose::no, b);
  check(Transpose::yes, at, Transpose::no, b);
  check(Transpose::no, a, Transpose::yes, bt);
  check(Transpose::yes, at, Transpose::yes, bt);
}

TEST_CASE_TEMPLATE("reference: sweeps and sums by hand, every kind of operand", T, float, double,
                   long double) {
  using B = Reference<T>;
  const B backend;
  Matrix<T> x(2, 3, 1), bias(2, 1), row(1, 3, 2), p(2, 3, 2), q(2, 3), columns(1, 3, 1), rows(2, 1),
      total(1, 1);
  const double X[2][3] = {{1, -2, 3}, {-4, 5, -6}};
  for (Index i = 0; i < 2; ++i)
    for (Index j = 0; j < 3; ++j) x(i, j) = static_cast<T>(X[i][j]);
  bias(0) = 10, bias(1) = 20;
  row(0, 0) = 1, row(0, 1) = 2, row(0, 2) = 3;
  const T number = 7;
  backend.for_each(
      Mix{},
      in<B>(x.view(), per_feature(bias.view()), per_sample(row.view()), scalar_at<B>(&number)),
      out<B>(p.view(), q.view()));
  for (Index i = 0; i < 2; ++i)
    for (Index j = 0; j < 3; ++j) {
      CHECK(p(i, j) == X[i][j] * bias(i) + row(0, j));
      CHECK(q(i, j) == (X[i][j] > 0 ? 7 - X[i][j] : bias(i)));
    }
  backend.reduce_columns(MixAndSum{},
                         in<B>(x.view(), constant<B>(2), per_sample(row.view()), constant<B>(1)),
                         out<B>(p.view(), q.view()), 2, columns.view());
  for (Index j = 0; j < 3; ++j) {
    CHECK(columns(0, j) == (X[0][j] + X[1][j]) * row(0, j) - 2);
    CHECK(p(1, j) == 2 * X[1][j] + row(0, j));
  }
  backend.reduce_rows(SumOnly{}, in<B>(x.view(), per_sample(row.view())), 2, 3, rows.view(),
                      Store::assign);
  CHECK(rows(0) == 1 - 4 + 9);
  CHECK(rows(1) == -4 + 10 - 18);
  backend.reduce_rows(Value{}, in<B>(x.view()), 2, 3, rows.view(), Store::accumulate);
  CHECK(rows(0) == 6 + 2);
  CHECK(rows(1) == -12 - 5);
  Matrix<T> dense(2, 3);
  backend.copy(x.view(), dense.view());
  backend.reduce(Square{}, in<B>(dense.view()), 6, total.view());
  CHECK(total(0) == 1 + 4 + 9 + 16 + 25 + 36);
  for (const Matrix<T>* m : {&x, &row, &p, &columns, &total}) CHECK(m->guarded());
}

namespace {
struct TwiceAndSum {
  template <class T>
  void operator()(const T& x, T& twice, T& sum) const {
    twice = x + x;
    sum = x;
  }
};
}  // namespace

TEST_CASE("reference: what follows sums of columns sees what was made, and never the sums") {
  using B = Reference<double>;
  Matrix<double> x(3, 2), twice(3, 2, 1), followed(3, 2), sums(1, 2);
  for (Index j = 0; j < 2; ++j)
    for (Index i = 0; i < 3; ++i) x(i, j) = static_cast<double>(1 + i + 10 * j);
  const auto reduce_then_multiply_by = [&](const OperandOf<B>& operand) {
    B{}.reduce_columns(TwiceAndSum{}, in<B>(x.view()), out<B>(twice.view()), 3, sums.view(),
                       then<B>(SumOnly{}, in<B>(twice.view(), operand), out<B>(followed.view())));
    CHECK(sums(0, 0) == 1 + 2 + 3);
    CHECK(sums(0, 1) == 11 + 12 + 13);
  };
  reduce_then_multiply_by(x.view());
  for (Index j = 0; j < 2; ++j)
    for (Index i = 0; i < 3; ++i) CHECK(followed(i, j) == 2 * x(i, j) * x(i, j));
  // A GPU would read s_j before it exists. Here that is wrong as well, although s holds the right
  // numbers from the time before.
  reduce_then_multiply_by(per_sample(sums.view()));
  for (const double v : followed.flat()) CHECK(std::isnan(v));
}

TEST_CASE_TEMPLATE("reference: softmax and one-hot by hand [CAT-1] [CAT-2] [CAT-6]", T, float,
                   double, long double) {
  using B = Reference<T>;
  // e^x of the columns is (1, 3, 4), (1, 1, 2) and (1, 0, 0), times e^5 in the second.
  Matrix<T> x(3, 3, 1), y(3, 3, 2), lse(1, 3, 1), one_hot(3, 3);
  const T log2 = log(T(2)), inf = std::numeric_limits<T>::infinity();
  const T X[3][3] = {{0, 5, 7}, {log(T(3)), 5, -inf}, {2 * log2, 5 + log2, -inf}};
  const double Y[3][3] = {{0.125, 0.25, 1}, {0.375, 0.25, 0}, {0.5, 0.5, 0}};
  for (Index i = 0; i < 3; ++i)
    for (Index j = 0; j < 3; ++j) x(i, j) = X[i][j];
  B{}.softmax_columns(x.view(), y.view(), lse.view());
  const T near = 8 * std::numeric_limits<T>::epsilon();
  for (Index i = 0; i < 3; ++i)
    for (Index j = 0; j < 3; ++j) CHECK_FALSE(!(std::fabs(y(i, j) - T(Y[i][j])) <= near));
  CHECK_FALSE(!(std::fabs(lse(0, 0) - 3 * log2) <= near));
  CHECK_FALSE(!(std::fabs(lse(0, 1) - (5 + 2 * log2)) <= near));
  CHECK(lse(0, 2) == 7);
  x(0, 2) = -inf;
  B{}.one_hot_columns(x.view(), one_hot.view());
  CHECK(flat(one_hot.view()) == std::vector<double>{0, 0, 1, 0, 0, 1, 1, 0, 0});
  x(0, 0) = x(2, 0), x(1, 1) = x(2, 1);  // the first of equals
  B{}.one_hot_columns(x.view(), x.view());
  CHECK(flat(x.view()) == std::vector<double>{1, 0, 0, 0, 1, 0, 1, 0, 0});
  for (const Matrix<T>* m : {&x, &y, &lse}) CHECK(m->guarded());
}

TEST_CASE("reference: columns without a softmax, or without a largest number") {
  check_undefined_columns(Reference<float>());
  check_undefined_columns(Reference<long double>());
}

TEST_CASE("reference: gather, fill, upload, download and noise by their definitions") {
  using B = Reference<double>;
  const Primitives<B> all(B{}, 5, 7, 3);
  CHECK(all.guarded());
  const NoiseKey key{.seed = 5, .step = 9, .stream = Stream::user, .draw = 2};
  for (Index j = 0; j < 7; ++j) {
    const std::uint32_t id = all.ids[static_cast<std::size_t>(j)];
    for (Index i = 0; i < 5; ++i) {
      float normal[4], uniform[4];
      normal4(key, id, static_cast<std::uint32_t>(i / 4), normal);
      uniform4(key, static_cast<std::uint32_t>(j), static_cast<std::uint32_t>(i / 4), uniform);
      CHECK(all.normal(i, j) == static_cast<double>(normal[i % 4]));
      CHECK(all.uniform(i, j) == static_cast<double>(uniform[i % 4]));
      CHECK(all.gathered(i, j) == all.x(i, id));
      CHECK(all.gathered_product(i, j) == all.x(i, id) * all.y(i, j));
      CHECK(all.from_bytes(i, j) == all.byte_view()(i, id) / 255.0);
      CHECK(all.byte_product(i, j) == all.from_bytes(i, j) * all.bias(i));
      CHECK(all.copied(i, j) == all.x(i, j));
      CHECK(all.filled(i, j) == 2.5);
    }
  }
  const std::vector<double> host{1, 2, 3, 4, 5, 6};
  Matrix<double> m(3, 2, 1);
  B{}.upload(host.data(), m.view());
  CHECK(m(2, 1) == 6);
  std::vector<double> back(6);
  B{}.download(m.view(), back.data());
  CHECK(back == host);
}

TEST_CASE("reference: awkward shapes stay inside their matrices") {
  for (const Index rows : kRows)
    for (const Index cols : kCols)
      CHECK((Primitives<Reference<float>>({}, rows, cols, 3).guarded()));
}
