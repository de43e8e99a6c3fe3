// SPDX-License-Identifier: MIT
// A backend of host memory against the reference, within bounds that follow from rounding.
#pragma once

#include <longhand/backend/reference.hpp>
#include <longhand/gradcheck/rounding_bound.hpp>
#include <longhand/math/affine.hpp>

#include "backend/columns.hpp"
#include "backend/primitives.hpp"

namespace longhand::test {

/// The rounding of a sum of n terms, each with `steps` roundings of its own, judged by a reference
/// that rounds too.
template <class S>
double gamma(Index n, int steps = 0) {
  return gamma_bound<S>(static_cast<std::size_t>(n + steps));
}

/// Every primitive for one shape, against the reference in long double.
template <class B>
void check_shape(const B& backend, Index rows, Index cols, Index gap) {
  using S = typename B::Scalar;
  CAPTURE(rows);
  CAPTURE(cols);
  CAPTURE(gap);
  const Primitives<B> got(backend, rows, cols, gap);
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
      same.see(got.normal_again(i, j), want.normal(i, j), 0);
      same.see(got.uniform(i, j), want.uniform(i, j), 0);
      // What followed, on what was there.
      same.see(got.uniform_product(i, j), got.uniform(i, j) * got.y(i, j), 0);
      same.see(got.after_sums(i, j), got.p(i, j) * got.q(i, j), 0);
      same.see(got.swept_if(i, j), got.y(i, j), 0);
      const Index id = got.ids[static_cast<std::size_t>(j)];
      same.see(got.gathered(i, j), got.x(i, id), 0);
      same.see(got.gathered_product(i, j), got.x(i, id) * got.y(i, j), 0);
      same.see(got.from_bytes(i, j), S(got.byte_view()(i, id)) / S(255), 0);
      same.see(got.byte_product(i, j), got.from_bytes(i, j) * got.bias(i), 0);
      same.see(got.copied(i, j), got.x(i, j), 0);
      same.see(got.filled(i, j), 2.5L, 0);
      same.see(got.one_hot(i, j), want.one_hot(i, j), 0);
    }
  for (Index j = 0; j < cols; ++j) {
    const SoftmaxBound<S> bound(want.x, want.softmax, j);
    for (Index i = 0; i < rows; ++i)
      formula.see(got.softmax(i, j), want.softmax(i, j),
                  bound.of(want.x(i, j), want.softmax(i, j)));
    sums.see(got.log_sum_exp(0, j), want.log_sum_exp(0, j),
             bound.of_log_sum_exp(want.log_sum_exp(0, j)));
  }
  std::vector<std::uint32_t> permuted;
  for (Index j = 0; j < cols; ++j)  // [NOI-4]
    permuted.push_back(got.ids[static_cast<std::size_t>(permuted_index(3, 0, j, cols))]);
  CHECK(got.permuted == permuted);
  CHECK(got.after_total(0) == got.total(0) * got.number);
  CHECK(got.page == 3);
  CHECK(got.taken == std::vector<std::uint32_t>{110, 111, 112, 7});  // of page 2
  std::vector<std::uint32_t> turned(20, 7);
  for (std::uint32_t k = 0; k < 4; ++k) turned[10 + k] = 106 + k;
  CHECK(got.turned == turned);
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

/// C = op(A) op(B) (+ C), then act(C + bias): products and the sweep that follows them; a linear
/// layer's op(A) op(B) + bias; and, for A Bᵀ, the sums of B's rows beside it.
template <class B>
struct Product {
  using S = typename B::Scalar;
  Matrix<S> a, b, c, kept, bias, linear, beside, sums;
  Product(const B& backend, Transpose ta, Transpose tb, Index m, Index n, Index k, Store store)
      : a(ta == Transpose::yes ? k : m, ta == Transpose::yes ? m : k, 3),
        b(tb == Transpose::yes ? n : k, tb == Transpose::yes ? k : n, 1),
        c(m, n, 2),
        kept(m, n, 5),
        bias(m, 1),
        linear(m, n, 2),
        beside(m, n, 0),
        sums(n, 1) {
    a.randomise(1), b.randomise(2), c.randomise(3), bias.randomise(4);
    linear.poison(), beside.randomise(5), sums.randomise(6);
    if (store == Store::assign) c.poison(), beside.poison(), sums.poison();
    typename B::Scratch scratch;
    backend.multiply(scratch, ta, a.view(), tb, b.view(), c.view(), store,
                     then<B>(AddAndKeep{}, in<B>(c.view(), per_feature(bias.view())),
                             out<B>(c.view(), kept.view())));
    backend.multiply(
        scratch, ta, a.view(), tb, b.view(), linear.view(), Store::assign,
        then<B>(AddBias{}, in<B>(linear.view(), per_feature(bias.view())), out<B>(linear.view())));
    if (ta == Transpose::no && tb == Transpose::yes)
      multiply_and_sum_rows(backend, scratch, a.view(), b.view(), beside.view(), store, sums.view(),
                            store);
  }
};

template <class B>
void check_product(const B& backend, Transpose ta, Transpose tb, Index m, Index n, Index k,
                   Store store) {
  CAPTURE(m);
  CAPTURE(n);
  CAPTURE(k);
  const Product<B> got(backend, ta, tb, m, n, k, store);
  using S = typename B::Scalar;
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
      worst.see(got.linear(i, j), want.linear(i, j),
                gamma<S>(k, 2) * (size + std::fabs(want.bias(i))));
      if (ta == Transpose::no && tb == Transpose::yes)
        worst.see(got.beside(i, j), want.beside(i, j), gamma<S>(k, 1) * size);
    }
  for (Index j = 0; j < n && ta == Transpose::no && tb == Transpose::yes; ++j) {
    long double size = store == Store::accumulate ? 1 : 0;
    for (Index q = 0; q < k; ++q) size += std::fabs(want.b(j, q));
    worst.see(got.sums(j), want.sums(j), gamma<S>(k, 1) * size);
  }
  CHECK_FALSE(!(worst.worst() <= 1));
  CHECK(got.c.guarded());
  CHECK(got.kept.guarded());
  CHECK(got.linear.guarded());
}

/// Products of all four forms and awkward shapes, with the sweep that follows them.
template <class B>
void check_products(const B& backend) {
  for (const Transpose ta : {Transpose::no, Transpose::yes})
    for (const Transpose tb : {Transpose::no, Transpose::yes})
      for (const Store store : {Store::assign, Store::accumulate}) {
        for (const Index m : {1, 17, 33, 65})
          for (const Index n : {0, 1, 7})
            for (const Index k : {0, 1, 64, 257}) check_product(backend, ta, tb, m, n, k, store);
        check_product(backend, ta, tb, 65, 257, 33, store);
      }
}

/// Entries of a product that is exact in S and in nothing less: (1 + eps)(1), summed once. TF32,
/// bf16 or float instead of double miss all 256.
template <class B>
int missed_by_less_precision(const B& backend) {
  using S = typename B::Scalar;
  const S one_more = 1 + 2 * std::numeric_limits<S>::epsilon();
  Matrix<S> a(16, 8), b(8, 16), c(16, 16);
  a.fill(0), b.fill(1);
  for (Index i = 0; i < 16; ++i) a(i, i % 8) = one_more;
  typename B::Scratch scratch;
  backend.multiply(scratch, Transpose::no, a.view(), Transpose::no, b.view(), c.view(),
                   Store::assign, Nothing{});
  int missed = 0;
  for (const double v : c.flat()) missed += v != static_cast<double>(one_more);
  return missed;
}

}  // namespace longhand::test
