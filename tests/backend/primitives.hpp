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
  M x, y, bias, row, p, q, in_place, column_sums, row_sums, added_row_sums, total, swept_if, normal,
      normal_again, uniform, uniform_product, after_sums, after_total, gathered, gathered_product,
      from_bytes, byte_product, copied, filled, softmax, log_sum_exp, one_hot, move_numbers, moved;
  std::vector<std::uint32_t> ids, permuted;
  std::vector<std::uint8_t> bytes;
  S number = S(0.75), no = S(0), yes = S(-2);
  std::uint32_t step = 9, page = 2;
  std::vector<std::uint32_t> pages, turned, taken;  ///< 5 words each, 4 of them, 1 of them

  Primitives(const B& backend, Index r, Index c, Index gap)
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
        swept_if(r, c, gap),
        normal(r, c, gap),
        normal_again(r, c, gap),
        uniform(r, c, gap),
        uniform_product(r, c, 2 * gap),
        after_sums(r, c, gap),
        after_total(1, 1),
        gathered(r, c, 2 * gap),
        gathered_product(r, c, gap),
        from_bytes(r, c, gap),
        byte_product(r, c, 2 * gap),
        copied(r, c, 2 * gap),
        filled(r, c, gap),
        softmax(r, c, 2 * gap),
        log_sum_exp(1, c, gap),
        one_hot(r, c, gap),
        move_numbers(kMoveNumbers, c, gap),
        moved(r, c, 2 * gap) {
    x.randomise(1), y.randomise(2), bias.randomise(3), row.randomise(4);
    in_place.randomise(5), added_row_sums.randomise(6);
    for (Index j = 0; j < c; ++j) ids.push_back(static_cast<std::uint32_t>((7 * j + 3) % c));
    const SampleIds<B> id{ids.data(), 1, c, 1};
    for (Index k = 0; k < (r + gap) * c; ++k) bytes.push_back(static_cast<std::uint8_t>(37 * k));
    const NoiseKey key{.seed = 5, .step = 9, .stream = Stream::user, .draw = 2};
    NoiseKey same_key = key;
    same_key.step = 0, same_key.step_at = &step;

    backend.for_each(
        Mix{},
        in<B>(x.view(), per_feature(bias.view()), per_sample(row.view()), scalar_at<B>(&number)),
        out<B>(p.view(), q.view()));
    backend.for_each(Mix{}, in<B>(in_place.view(), y.view(), constant<B>(-0.5), x.view()),
                     out<B>(in_place.view(), q.view()));
    backend.reduce_columns(
        MixAndSum{}, in<B>(x.view(), y.view(), per_sample(row.view()), per_feature(bias.view())),
        out<B>(p.view(), q.view()), r, column_sums.view(),
        then<B>(SumOnly{}, in<B>(p.view(), q.view()), out<B>(after_sums.view())));
    backend.reduce_rows(SumOnly{}, in<B>(x.view(), per_sample(row.view())), r, c, row_sums.view(),
                        Store::assign);
    backend.reduce_rows(SumOnly{}, in<B>(x.view(), y.view()), r, c, added_row_sums.view(),
                        Store::accumulate);
    if (gap == 0)
      backend.reduce(SumOnly{}, in<B>(x.view(), y.view()), r * c, total.view(),
                     then<B>(SumOnly{}, in<B>(total.view(), scalar_at<B>(&number)),
                             out<B>(after_total.view())));
    else
      total(0) = after_total(0) = 0;
    backend.for_each(Value{}, in<B>(y.view()), out<B>(swept_if.view()), &yes);
    backend.for_each(Value{}, in<B>(x.view()), out<B>(swept_if.view()), &no);
    backend.softmax_columns(x.view(), softmax, log_sum_exp);
    backend.one_hot_columns(x.view(), one_hot);
    backend.fill_uniform(key, id, move_numbers);
    const PictureMoves moves{.height = r, .width = 1, .shift = 1, .turn = 1.7f, .flip = true};
    backend.move_pictures(moves, move_numbers.view(), x.view(), moved);
    backend.fill_normal(key, id, normal);
    backend.fill_normal(same_key, id, normal_again);
    backend.fill_uniform(
        key, {}, uniform.view(),
        then<B>(SumOnly{}, in<B>(uniform.view(), y.view()), out<B>(uniform_product.view())));
    const ConstView<B> numbers = x.view();
    backend.gather(Value{}, numbers, id, in<B>(), gathered);
    backend.gather(SumOnly{}, numbers, id, in<B>(y.view()), gathered_product);
    backend.gather(Value{}, byte_view(), id, in<B>(), from_bytes);
    backend.gather(SumOnly{}, byte_view(), id, in<B>(per_feature(bias.view())), byte_product);
    permuted.assign(ids.size(), 7);
    backend.permute(Permutation({.seed = 3, .stream = Stream::order}, c), id,
                    {permuted.data(), 1, c, 1});
    for (std::uint32_t k = 0; k < 20; ++k) pages.push_back(100 + k);
    turned.assign(20, 7), taken.assign(4, 7);
    using Words = MatrixView<std::uint32_t, HostMemory>;
    const Words all{pages.data(), 5, 4, 5}, all_turned{turned.data(), 5, 4, 5};
    backend.copy_at(&page,
                    std::array{from_column(all, Words{taken.data(), 1, 3, 1}),
                               into_column(Words{pages.data() + 6, 4, 1, 4}, all_turned)},
                    1);
    backend.copy(x.view(), copied);
    backend.fill(filled, S(2.5));
  }

  std::vector<const M*> all() const {
    return {&x,          &y,
            &p,          &q,
            &in_place,   &column_sums,
            &row_sums,   &added_row_sums,
            &total,      &swept_if,
            &normal,     &normal_again,
            &uniform,    &uniform_product,
            &after_sums, &after_total,
            &gathered,   &gathered_product,
            &from_bytes, &byte_product,
            &copied,     &filled,
            &softmax,    &log_sum_exp,
            &one_hot,    &move_numbers,
            &moved};
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
