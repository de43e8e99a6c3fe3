// SPDX-License-Identifier: MIT
// A model's terms are the rows of one T x N matrix: a row is written as sums and read as weights
// where its numbers lie, T apart.
#include "longhand/core/terms.hpp"

#include <array>
#include <longhand/backend/cpu.hpp>
#include <longhand/backend/reference.hpp>

#include "support/matrix.hpp"

using namespace longhand;
using namespace longhand::test;

namespace {

struct Times {
  template <class T>
  void operator()(const T& a, const T& b, T& product) const {
    product = a * b;
  }
};
/// A product, and itself as the summand.
struct TimesAndSum {
  template <class T>
  void operator()(const T& a, const T& b, T& product, T& summand) const {
    product = summand = a * b;
  }
};

}  // namespace

TEST_CASE_TEMPLATE("terms: a row is a destination of sums and leaves its neighbours alone", B,
                   Reference<double>, Cpu<double>, Cpu<float>) {
  using S = typename B::Scalar;
  for (const int threads : {1, 3})
    for (const auto& shape :
         {std::array<Index, 2>{1, 1}, {2, 257}, {3, 64}, {16, 7}, {33, 300}, {70, 2}, {5, 0}}) {
      const Index rows = shape[0], n = shape[1];
      CAPTURE(rows);
      CAPTURE(n);
      B backend;
      if constexpr (std::is_constructible_v<B, int>) backend = B(threads);
      for (const Index total : {2, 3}) {
        Matrix<S> terms(total, n, 1), x(rows, n, 2), w(1, n), product(rows, n), plain(1, n),
            plain_product(rows, n);
        x.randomise(1), w.randomise(2);
        for (Index t = 0; t < total; ++t) {
          terms.fill(7), product.poison();
          backend.reduce_columns(TimesAndSum{}, in<B>(x.view(), per_sample(w.view())),
                                 out<B>(product.view()), rows, terms.view().row(t));
          backend.reduce_columns(TimesAndSum{}, in<B>(x.view(), per_sample(w.view())),
                                 out<B>(plain_product.view()), rows, plain.view());
          CHECK(product.flat() == plain_product.flat());
          CHECK(flat(terms.view().row(t)) == plain.flat());
          for (Index other = 0; other < total; ++other)
            for (Index j = 0; other != t && j < n; ++j) CHECK(terms(other, j) == S(7));
          // Sums alone, without outputs.
          terms.fill(7);
          backend.reduce_columns(Times{}, in<B>(x.view(), per_sample(w.view())),
                                 std::array<View<B>, 0>{}, rows, terms.view().row(t));
          backend.reduce_columns(Times{}, in<B>(x.view(), per_sample(w.view())),
                                 std::array<View<B>, 0>{}, rows, plain.view());
          CHECK(flat(terms.view().row(t)) == plain.flat());
          CHECK(terms.guarded());
        }
      }
    }
}

TEST_CASE_TEMPLATE("terms: a row weighs samples", B, Reference<double>, Cpu<double>, Cpu<float>) {
  using S = typename B::Scalar;
  const B backend;
  for (const auto& shape : {std::array<Index, 2>{1, 5}, {2, 257}, {17, 64}, {70, 3}}) {
    const Index rows = shape[0], n = shape[1];
    Matrix<S> terms(3, n, 2), x(rows, n), y(rows, n, 1), want(rows, n), sums(rows, 1),
        want_sums(rows, 1), total(1, 1);
    terms.randomise(3), x.randomise(4);
    for (Index t = 0; t < 3; ++t) {
      Matrix<S> w(1, n);
      for (Index j = 0; j < n; ++j) w(0, j) = terms(t, j);
      const View<B> row = terms.view().row(t);
      CHECK(row.rows == 1);
      CHECK(row.cols == n);
      CHECK(row.ld == 5);
      backend.for_each(Times{}, in<B>(x.view(), per_sample(row)), out<B>(y.view()));
      backend.for_each(Times{}, in<B>(x.view(), per_sample(w.view())), out<B>(want.view()));
      CHECK(y.flat() == want.flat());
      backend.reduce_rows(Times{}, in<B>(x.view(), per_sample(row)), rows, n, sums.view(),
                          Store::assign);
      backend.reduce_rows(Times{}, in<B>(x.view(), per_sample(w.view())), rows, n, want_sums.view(),
                          Store::assign);
      CHECK(sums.flat() == want_sums.flat());
      // Filled, swept over and copied as a matrix of one row.
      backend.for_each(Times{}, in<B>(w.view(), row), out<B>(row));
      for (Index j = 0; j < n; ++j) CHECK(terms(t, j) == w(0, j) * w(0, j));
      backend.copy(w.view(), row);
      CHECK(flat(terms.view().row(t)) == w.flat());
      backend.fill(row, S(2));
      for (Index j = 0; j < n; ++j) CHECK(terms(t, j) == S(2));
      backend.copy(w.view(), row);
    }
    CHECK(terms.guarded());
    CHECK(y.guarded());
  }
}

TEST_CASE("terms: numbers of a step on the host") {
  CHECK(!StepScalars<float>{}.present());
  const HostScalars<float> numbers{.counters = {.step = 3, .epoch = 1},
                                   .inverse_samples = 0.25f,
                                   .schedules = {0.5f, 2},
                                   .weights = {7}};
  const StepScalars<float> view = numbers.view();
  CHECK(view.present());
  CHECK(view.counters->step == 3);
  CHECK(view.counters->epoch == 1);
  CHECK(*view.inverse_samples == 0.25f);
  CHECK(view.schedules[1] == 2);
  CHECK(view.weights[0] == 7);
}

TEST_CASE("views: a row is a matrix of one row at the same leading dimension") {
  Matrix<double> m(4, 3, 2);
  m.randomise(1);
  const auto row = m.view().row(2);
  CHECK(row.rows == 1);
  CHECK(row.cols == 3);
  CHECK(row.ld == 6);
  for (Index j = 0; j < 3; ++j) CHECK(row(0, j) == m(2, j));
  CHECK(!row.contiguous());
}
