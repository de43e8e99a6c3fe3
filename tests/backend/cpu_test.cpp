// SPDX-License-Identifier: MIT
#include <longhand/backend/cpu.hpp>
#include <longhand/backend/reference.hpp>
#include <longhand/gradcheck/rounding_bound.hpp>

#include "primitives.hpp"
#include "support/allocation_count.hpp"

using namespace longhand;
using namespace longhand::test;

namespace {

/// The rounding of a sum of n terms, each with `steps` roundings of its own, judged by a reference
/// that rounds too.
template <class S>
double gamma(Index n, int steps = 0) {
  return gamma_bound<S>(static_cast<std::size_t>(n + steps));
}

template <class S>
void check_shape(Index rows, Index cols, Index gap) {
  CAPTURE(rows);
  CAPTURE(cols);
  CAPTURE(gap);
  const Primitives<Cpu<S>> got(Cpu<S>(2), rows, cols, gap);
  const Primitives<Reference<long double>> want(Reference<long double>{}, rows, cols, gap);
  CHECK(got.guarded());
  WorstRatio formula, sums, same;
  const double u = std::numeric_limits<S>::epsilon();
  for (Index j = 0; j < cols; ++j)
    for (Index i = 0; i < rows; ++i) {
      // Inputs are below 1 in size, so no term is larger than 2.
      formula.see(got.p(i, j), want.p(i, j), 2 * u);
      formula.see(got.q(i, j), want.q(i, j), 2 * u);
      formula.see(got.in_place(i, j), want.in_place(i, j), 2 * u);
      same.see(got.normal(i, j), want.normal(i, j), 0);
      same.see(got.uniform(i, j), want.uniform(i, j), 0);
      same.see(got.gathered(i, j), got.x(i, got.ids[static_cast<std::size_t>(j)]), 0);
      same.see(got.copied(i, j), got.x(i, j), 0);
      same.see(got.filled(i, j), 2.5L, 0);
    }
  for (Index j = 0; j < cols; ++j) {
    long double size = 0;
    for (Index i = 0; i < rows; ++i)
      size += std::fabs(want.x(i, j) * want.row(0, j)) + std::fabs(want.bias(i));
    sums.see(got.column_sums(0, j), want.column_sums(0, j), gamma<S>(rows, 2) * size);
  }
  long double total = 0;
  for (Index i = 0; i < rows; ++i) {
    long double by_row = 0, by_y = 0;
    for (Index j = 0; j < cols; ++j) {
      by_row += std::fabs(want.x(i, j) * want.row(0, j));
      by_y += std::fabs(want.x(i, j) * want.y(i, j));
    }
    total += by_y;
    sums.see(got.row_sums(i), want.row_sums(i), gamma<S>(cols, 1) * by_row);
    sums.see(got.added_row_sums(i), want.added_row_sums(i), gamma<S>(cols, 2) * (by_y + 1));
  }
  sums.see(got.total(0), want.total(0), gamma<S>(rows * cols, 1) * total);
  CHECK_FALSE(!(formula.worst() <= 1));
  CHECK_FALSE(!(sums.worst() <= 1));
  CHECK_FALSE(!(same.worst() <= 0));
}

/// C = op(A) op(B) (+ C), then act(C + bias): products and the sweep that follows them.
template <class B>
struct Product {
  using S = typename B::Scalar;
  Matrix<S> a, b, c, kept, bias;
  Product(const B& on, Transpose ta, Transpose tb, Index m, Index n, Index k, Store store)
      : a(ta == Transpose::yes ? k : m, ta == Transpose::yes ? m : k, 3),
        b(tb == Transpose::yes ? n : k, tb == Transpose::yes ? k : n, 1),
        c(m, n, 2),
        kept(m, n, 5),
        bias(m, 1) {
    a.randomise(1), b.randomise(2), c.randomise(3), bias.randomise(4);
    if (store == Store::assign) c.poison();
    typename B::Scratch scratch;
    on.multiply(scratch, ta, a.view(), tb, b.view(), c.view(), store,
                then<B>(AddAndKeep{}, in<B>(c.view(), per_row(bias.view())),
                        out<B>(c.view(), kept.view())));
  }
  struct AddAndKeep {
    template <class T>
    LONGHAND_HD void operator()(const T& product, const T& add, T& sum, T& keep) const {
      sum = product + add;
      keep = product;
    }
  };
};

template <class S>
void check_product(Transpose ta, Transpose tb, Index m, Index n, Index k, Store store) {
  CAPTURE(m);
  CAPTURE(n);
  CAPTURE(k);
  const Product<Cpu<S>> got(Cpu<S>(2), ta, tb, m, n, k, store);
  const Product<Reference<long double>> want(Reference<long double>{}, ta, tb, m, n, k, store);
  WorstRatio worst;
  for (Index j = 0; j < n; ++j)
    for (Index i = 0; i < m; ++i) {
      long double size = store == Store::accumulate ? 1 : 0;
      for (Index q = 0; q < k; ++q)
        size += std::fabs((ta == Transpose::yes ? want.a(q, i) : want.a(i, q)) *
                          (tb == Transpose::yes ? want.b(j, q) : want.b(q, j)));
      worst.see(got.kept(i, j), want.kept(i, j), gamma<S>(k, 1) * size);
      worst.see(got.c(i, j), want.c(i, j), gamma<S>(k, 2) * (size + std::fabs(want.bias(i))));
    }
  CHECK_FALSE(!(worst.worst() <= 1));
  CHECK(got.c.guarded());
  CHECK(got.kept.guarded());
}

}  // namespace

TEST_CASE_TEMPLATE("cpu: every primitive against the reference, awkward shapes", S, float, double) {
  for (const Index rows : kRows)
    for (const Index cols : kCols)
      for (const Index gap : {0, 3}) check_shape<S>(rows, cols, gap);
  check_shape<S>(300, 100, 0);  // enough for two threads
  check_shape<S>(300, 100, 5);
}

TEST_CASE_TEMPLATE("cpu: products and the sweep that follows, within the rounding bound", S, float,
                   double) {
  for (const Transpose ta : {Transpose::no, Transpose::yes})
    for (const Transpose tb : {Transpose::no, Transpose::yes})
      for (const Store store : {Store::assign, Store::accumulate}) {
        for (const Index m : {1, 17, 33, 65})
          for (const Index n : {0, 1, 7})
            for (const Index k : {0, 1, 64, 257}) check_product<S>(ta, tb, m, n, k, store);
        check_product<S>(ta, tb, 65, 257, 33, store);
      }
}

TEST_CASE_TEMPLATE("cpu: a product in less than its own precision would be seen", S, float,
                   double) {
  // (1 + eps)(1) summed once: exact here, missed by every entry in TF32, bf16 or float.
  using B = Cpu<S>;
  const S one_more = 1 + 2 * std::numeric_limits<S>::epsilon();
  Matrix<S> a(16, 8), b(8, 16), c(16, 16);
  a.fill(0), b.fill(1);
  for (Index i = 0; i < 16; ++i) a(i, i % 8) = one_more;
  typename B::Scratch scratch;
  B(1).multiply(scratch, Transpose::no, a.view(), Transpose::no, b.view(), c.view(), Store::assign,
                Nothing{});
  int missed = 0;
  for (const double v : c.flat()) missed += v != static_cast<double>(one_more);
  CHECK(missed == 0);
}

TEST_CASE_TEMPLATE("cpu: the same bits for 1, 2, 3 and 8 threads", S, float, double) {
  using B = Cpu<S>;
  for (const Index gap : {0, 3}) {
    const Primitives<B> one(B(1), 301, 257, gap);
    for (const int threads : {2, 3, 8}) {
      const Primitives<B> more(B(threads), 301, 257, gap);
      for (std::size_t k = 0; k < one.all().size(); ++k) {
        CAPTURE(k);
        CHECK(one.all()[k]->flat() == more.all()[k]->flat());
      }
    }
  }
  const Product<B> one(B(1), Transpose::yes, Transpose::no, 200, 130, 300, Store::assign);
  for (const int threads : {2, 3, 8}) {
    const Product<B> more(B(threads), Transpose::yes, Transpose::no, 200, 130, 300, Store::assign);
    CHECK(one.c.flat() == more.c.flat());
  }
}

TEST_CASE_TEMPLATE("cpu: a sum does not depend on where its numbers lie", S, float, double) {
  using B = Cpu<S>;
  for (const Index rows : {7, 16, 50, 100}) {
    const Primitives<B> packed(B(1), rows, 9, 0), spread(B(1), rows, 9, 3);
    CHECK(packed.column_sums.flat() == spread.column_sums.flat());
    CHECK(packed.row_sums.flat() == spread.row_sums.flat());
  }
}

TEST_CASE_TEMPLATE("cpu: nothing is allocated after the first call", S, float, double) {
  using B = Cpu<S>;
  const B on(2);
  typename B::Scratch scratch;
  Matrix<S> a(300, 200), b(300, 100), c(200, 100), sums(1, 100), rows(200, 1), total(1, 1);
  a.randomise(1), b.randomise(2);
  const NoiseKey key{};
  const auto step = [&] {
    on.multiply(scratch, Transpose::yes, a.view(), Transpose::no, b.view(), c.view(), Store::assign,
                then<B>(Value{}, in<B>(c.view()), out<B>(c.view())));
    on.for_each(Square{}, in<B>(c.view()), out<B>(c.view()));
    on.reduce_columns(Value{}, in<B>(c.view()), std::array<View<B>, 0>{}, 200, sums.view());
    on.reduce_rows(Value{}, in<B>(c.view()), 200, 100, rows.view(), Store::assign);
    on.reduce(Value{}, in<B>(c.view()), 200 * 100, total.view());
    on.fill_normal(key, {}, c);
    on.fill_uniform(key, {}, c);
    on.copy(c.view(), c.view());
    on.fill(c, S(1));
  };
  step();
#ifndef __clang__  // libomp allocates for every worksharing loop
  AllocationCount count;
  step();
  CHECK(count.get() == 0);
#endif
}

TEST_CASE("cpu: upload and download are the columns one after the other") {
  const std::vector<float> host{1, 2, 3, 4, 5, 6};
  Matrix<float> m(2, 3, 4);
  Cpu<float>(1).upload(host.data(), m.view());
  CHECK(m(1, 0) == 2);
  CHECK(m(0, 2) == 5);
  CHECK(m.guarded());
  std::vector<float> back(6);
  Cpu<float>(1).download(m.view(), back.data());
  CHECK(back == host);
}

TEST_CASE("cpu: threads are what was asked for, or OpenMP's default") {
  CHECK(Cpu<float>(3).threads() == 3);
  CHECK(Cpu<float>().threads() == detail::default_threads());
}
