// SPDX-License-Identifier: MIT
#include <longhand/backend/cpu.hpp>

#include "backend/parity.hpp"
#include "support/allocation_count.hpp"

using namespace longhand;
using namespace longhand::test;

TEST_CASE_TEMPLATE("cpu: every primitive against the reference, awkward shapes", S, float, double) {
  for (const Index rows : kRows)
    for (const Index cols : kCols)
      for (const Index gap : {0, 3}) check_shape(Cpu<S>(2), rows, cols, gap);
  check_shape(Cpu<S>(2), 300, 100, 0);  // enough for two threads
  check_shape(Cpu<S>(2), 300, 100, 5);
}

TEST_CASE_TEMPLATE(
    "cpu: softmax and one-hot of columns, every shape and content [CAT-1] [CAT-2] [CAT-6]", S,
    float, double) {
  check_columns(Cpu<S>(2));
  check_undefined_columns(Cpu<S>(2));
  check_cuts_of_columns(Cpu<S>(1));
}

TEST_CASE_TEMPLATE("cpu: softmax has the same bits for 1, 2, 3 and 8 threads", S, float, double) {
  using B = Cpu<S>;
  for (const auto& [rows, cols] : {std::pair<Index, Index>{3, 9001}, {10, 4001}, {40, 1001}}) {
    Matrix<S> x(rows, cols, 1);
    const Columns<B> one(B(1), x.randomise(10, -9, 9), 0);
    for (const int threads : {2, 3, 8}) {
      const Columns<B> more(B(threads), x, 0);
      CHECK(one.y.flat() == more.y.flat());
      CHECK(one.lse.flat() == more.lse.flat());
      CHECK(one.one_hot.flat() == more.one_hot.flat());
    }
  }
}

TEST_CASE_TEMPLATE("cpu: products and the sweep that follows, within the rounding bound", S, float,
                   double) {
  check_products(Cpu<S>(2));
}

TEST_CASE_TEMPLATE("cpu: a product in less than its own precision would be seen", S, float,
                   double) {
  CHECK(missed_by_less_precision(Cpu<S>(1)) == 0);
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
  const B backend(2);
  typename B::Scratch scratch;
  Matrix<S> a(300, 200), b(300, 100), c(200, 100), sums(1, 100), rows(200, 1), total(1, 1);
  a.randomise(1), b.randomise(2);
  const NoiseKey key{};
  const auto step = [&] {
    backend.multiply(scratch, Transpose::yes, a.view(), Transpose::no, b.view(), c.view(),
                     Store::assign, then<B>(Value{}, in<B>(c.view()), out<B>(c.view())));
    backend.for_each(Square{}, in<B>(c.view()), out<B>(c.view()));
    backend.reduce_columns(Value{}, in<B>(c.view()), std::array<View<B>, 0>{}, 200, sums.view());
    backend.reduce_rows(Value{}, in<B>(c.view()), 200, 100, rows.view(), Store::assign);
    backend.reduce(Value{}, in<B>(c.view()), 200 * 100, total.view());
    backend.softmax_columns(c.view(), c.view(), sums.view());
    backend.one_hot_columns(c.view(), c.view());
    backend.fill_normal(key, {}, c);
    backend.fill_uniform(key, {}, c);
    backend.copy(c.view(), c.view());
    backend.fill(c, S(1));
  };
  step();
  // LLVM's OpenMP allocates for every work-sharing loop, Eigen for every product, oneDNN
  // for every tile.
#if !defined(__clang__) && !defined(LONGHAND_EIGEN_PRODUCTS) && !defined(LONGHAND_ONEDNN)
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
