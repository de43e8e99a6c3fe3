// SPDX-License-Identifier: MIT
// One problem per primitive of core/backend.hpp, the same numbers on any backend of host memory.
#pragma once

#include "backend/formulas.hpp"
#include "support/matrix.hpp"

namespace longhand::test {

inline constexpr Index kRows[] = {1, 2, 16, 17, 33, 64, 65};
inline constexpr Index kCols[] = {0, 1, 7, 257};

/// What all primitives of a backend produce for one shape: matrices with guard bands.
template <class B>
struct Primitives {
  using S = typename B::Scalar;
  using M = Matrix<S>;
  Index rows, cols;
  M x, y, bias, row, p, q, in_place, column_sums, row_sums, added_row_sums, total, normal, uniform,
      gathered, gathered_product, from_bytes, byte_product, copied, filled;
  std::vector<std::uint32_t> ids;
  std::vector<std::uint8_t> bytes;
  S number = S(0.75);

  Primitives(const B& on, Index r, Index c, Index gap)
      : rows(r),
        cols(c),
        x(r, c, gap),
        y(r, c, 2 * gap),
        bias(r, 1),
        row(1, c, gap),
        p(r, c, gap),
        q(r, c, gap),
        in_place(r, c, gap),
        column_sums(1, c, gap),
        row_sums(r, 1),
        added_row_sums(r, 1),
        total(1, 1),
        normal(r, c, gap),
        uniform(r, c, gap),
        gathered(r, c, 2 * gap),
        gathered_product(r, c, gap),
        from_bytes(r, c, gap),
        byte_product(r, c, 2 * gap),
        copied(r, c, 2 * gap),
        filled(r, c, gap) {
    x.randomise(1), y.randomise(2), bias.randomise(3), row.randomise(4);
    in_place.randomise(5), added_row_sums.randomise(6);
    for (Index j = 0; j < c; ++j) ids.push_back(static_cast<std::uint32_t>((7 * j + 3) % c));
    const RowIds<B> id{ids.data(), 1, c, 1};
    for (Index k = 0; k < (r + gap) * c; ++k) bytes.push_back(static_cast<std::uint8_t>(37 * k));
    const NoiseKey key{.seed = 5, .step = 9, .stream = Stream::dropout, .sample = 2};

    on.for_each(
        Mix{}, in<B>(x.view(), per_row(bias.view()), per_column(row.view()), scalar_at<B>(&number)),
        out<B>(p.view(), q.view()));
    on.for_each(Mix{}, in<B>(in_place.view(), y.view(), constant<B>(-0.5), x.view()),
                out<B>(in_place.view(), q.view()));
    on.reduce_columns(MixAndSum{},
                      in<B>(x.view(), y.view(), per_column(row.view()), per_row(bias.view())),
                      out<B>(p.view(), q.view()), r, column_sums.view());
    on.reduce_rows(SumOnly{}, in<B>(x.view(), per_column(row.view())), r, c, row_sums.view(),
                   Store::assign);
    on.reduce_rows(SumOnly{}, in<B>(x.view(), y.view()), r, c, added_row_sums.view(),
                   Store::accumulate);
    if (gap == 0)
      on.reduce(SumOnly{}, in<B>(x.view(), y.view()), r * c, total.view());
    else
      total(0) = 0;
    on.fill_normal(key, id, normal);
    on.fill_uniform(key, {}, uniform);
    const ConstView<B> numbers = x.view();
    on.gather(Value{}, numbers, id, in<B>(), gathered);
    on.gather(SumOnly{}, numbers, id, in<B>(y.view()), gathered_product);
    on.gather(Value{}, byte_view(), id, in<B>(), from_bytes);
    on.gather(SumOnly{}, byte_view(), id, in<B>(per_row(bias.view())), byte_product);
    on.copy(x.view(), copied);
    on.fill(filled, S(2.5));
  }

  std::vector<const M*> all() const {
    return {&x,
            &y,
            &p,
            &q,
            &in_place,
            &column_sums,
            &row_sums,
            &added_row_sums,
            &total,
            &normal,
            &uniform,
            &gathered,
            &gathered_product,
            &from_bytes,
            &byte_product,
            &copied,
            &filled};
  }
  /// rows x cols bytes, their columns as far apart as those of x.
  Bytes<B> byte_view() const { return {bytes.data(), rows, cols, x.view().ld}; }
  bool guarded() const {
    bool all_guarded = true;
    for (const M* m : all()) all_guarded &= m->guarded();
    return all_guarded;
  }
};

}  // namespace longhand::test
