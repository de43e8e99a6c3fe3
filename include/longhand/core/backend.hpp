// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <concepts>
#include <cstdint>

#include "longhand/core/counted_copy.hpp"
#include "longhand/core/memory.hpp"
#include "longhand/core/params.hpp"
#include "longhand/core/permutation.hpp"
#include "longhand/core/philox.hpp"
#include "longhand/core/picture_moves.hpp"
#include "longhand/core/view.hpp"
#include "longhand/math/formula.hpp"

/// THE contract: what a backend must offer so that every layer, latent, likelihood, divergence,
/// model and optimizer of longhand runs on it. Nothing above this line knows Eigen from CUDA.
///
/// A backend is a handle to an engine (a thread count, a stream), cheap to copy, without scratch
/// and without globals. All matrices are column-major views, a sample is a column, i is a row, j a
/// column. Sums have a fixed order that does not depend on the number of threads.
///
///   multiply(scratch, ta, A, tb, B, C, store, then)   C  = op(A) op(B)  or  C += op(A) op(B)
///   for_each(f, in, out, only_if)        f(in_ij…, out_ij…) for every element; nothing where
///                                        only_if is given and the number there is 0
///   reduce_columns(f, in, out, rows, s, then)   s_j  = sum_i v_ij, f(in_ij…, out_ij…, v_ij)
///   reduce_rows(f, in, rows, cols, s, store)   s_i  = sum_j v_ij, f(in_ij…, v_ij)   (or +=)
///   reduce(f, in, count, s, then)        s_00 = sum of all elements of gapless operands
///   softmax_columns(X, Y, lse)           Y_ij = exp(x_ij - lse_j) [CAT-1], the largest x_ij of the
///                                        column subtracted before exp; lse_j = log sum_i exp(x_ij)
///                                        [CAT-2], a 1 x N matrix that may be absent. Y may be X. A
///                                        column that holds a NaN or +inf, or -inf alone, becomes
///                                        NaN, and so does its lse_j
///   one_hot_columns(X, Y)                Y_ij = 1 where i is the first of the largest x_ij of the
///                                        column, else 0 [CAT-6]; infinities are numbers like all
///                                        others. Y may be X. A column with a NaN becomes NaN
///   move_pictures(moves, U, X, Y)        y_j is the picture x_j flipped, turned and shifted as the
///                                        four uniforms u_j say [CHG-2] [CHG-3]
///                                        (core/picture_moves.hpp); Y is not X
///   fill_normal(key, ids, Y, then)       Y_ij = normal(seed, ids_j, step, i)  [NOI-3]; the step is
///                                        read from backend memory if the key says where
///   fill_uniform(key, ids, Y, then)      Y_ij = uniform(seed, ids_j, step, i) [NOI-2]
///   gather(f, X, ids, in, Y)             f(x_{i, ids_j}, in_ij…, Y_ij); X holds numbers, or bytes
///                                        b that stand for b / 255
///   permute(order, ids, Y)               y_i  = ids_{order(i)}, sample numbers   [NOI-4]; both
///                                        have as many as the order
///   copy_at(n, copies, add)              copies whose place depends on n, then n += add
///                                        (core/counted_copy.hpp)
///   copy(X, Y), fill(Y, v)               Y = X, Y = v
///   upload(host, Y), download(X, host)   between host memory and backend memory
///
/// `then` is a sweep over what was made (C; s_00; Y; after reduce_columns the out_ij only) and
/// whatever else has its shape, each element once it is complete, or Nothing{}: the fusing of bias
/// and activation, say. After reduce_columns it must not read s: a GPU sweeps element by element,
/// before s_j is complete, and so does Reference.
namespace longhand {

/// A sweep that follows: `formula` over `inputs` and `outputs`. On the CPU that of a product runs
/// on each tile while the tile is in cache. On a GPU it is part of the kernel before it, except
/// after a product, where it is its own.
template <class B, class Formula, std::size_t I, std::size_t O>
struct Then {
  Formula formula;
  std::array<OperandOf<B>, I> inputs;
  std::array<View<B>, O> outputs;
};
template <class B, class Formula, std::size_t I, std::size_t O>
Then<B, Formula, I, O> then(const Formula& f, const std::array<OperandOf<B>, I>& inputs,
                            const std::array<View<B>, O>& outputs) {
  return {f, inputs, outputs};
}
struct Nothing {};

template <class B>
concept Backend = requires(const B backend, typename B::Scratch& scratch, View<B> y, ConstView<B> x,
                           SampleIds<B> ids, Bytes<B> bytes, NoiseKey key, typename B::Scalar value,
                           const typename B::Scalar* host_in, typename B::Scalar* host_out,
                           std::uint32_t* n, const Permutation& order, const PictureMoves& moves,
                           MatrixView<std::uint32_t, typename B::Memory> rows) {
  typename B::Scalar;
  typename B::Memory;
  typename B::Allocator;
  backend.multiply(scratch, Transpose::yes, x, Transpose::no, x, y, Store::assign, Nothing{});
  backend.multiply(scratch, Transpose::no, x, Transpose::yes, x, y, Store::accumulate,
                   then<B>(Value{}, in<B>(x), out<B>(y)));
  backend.for_each(Value{}, in<B>(x), out<B>(y));
  backend.for_each(Value{}, in<B>(x), out<B>(y), x.data);
  backend.reduce_columns(Value{}, in<B>(x), std::array<View<B>, 0>{}, x.rows, y);
  backend.reduce_columns(Value{}, in<B>(x), std::array<View<B>, 0>{}, x.rows, y,
                         then<B>(Value{}, in<B>(x), out<B>(y)));
  backend.reduce_rows(Value{}, in<B>(x), x.rows, x.cols, y, Store::assign);
  backend.reduce(Value{}, in<B>(x), x.size(), y);
  backend.reduce(Value{}, in<B>(x), x.size(), y, then<B>(Value{}, in<B>(x), out<B>(y)));
  backend.softmax_columns(x, y, y);
  backend.one_hot_columns(x, y);
  backend.move_pictures(moves, x, x, y);
  backend.fill_normal(key, ids, y);
  backend.fill_uniform(key, ids, y);
  backend.fill_normal(key, ids, y, then<B>(Value{}, in<B>(x), out<B>(y)));
  backend.fill_uniform(key, ids, y, then<B>(Value{}, in<B>(x), out<B>(y)));
  backend.gather(Value{}, x, ids, in<B>(), y);
  backend.gather(Value{}, bytes, ids, in<B>(), y);
  backend.permute(order, ids, rows);
  backend.copy_at(n, std::array{into_column(x, y)}, 1);
  backend.copy(x, y);
  backend.fill(y, value);
  backend.upload(host_in, y);
  backend.download(x, host_out);
};

/// C = X dYᵀ and s_i = sum_j dY_ij, or +=: a linear layer's gradients of weight and bias from dY,
/// in one product where the backend can.
template <Backend B>
void multiply_and_sum_rows(const B& backend, typename B::Scratch& scratch, ConstView<B> x,
                           ConstView<B> dy, View<B> c, Store store, View<B> sums,
                           Store store_sums) {
  if constexpr (requires {
                  backend.multiply_and_sum_rows(scratch, x, dy, c, store, sums, store_sums);
                }) {
    backend.multiply_and_sum_rows(scratch, x, dy, c, store, sums, store_sums);
  } else {
    backend.multiply(scratch, Transpose::no, x, Transpose::yes, dy, c, store, Nothing{});
    backend.reduce_rows(Value{}, in<B>(dy), dy.rows, dy.cols, sums, store_sums);
  }
}

/// Runs body(on), where `on` is the backend with its threads waiting from one primitive to the next
/// instead of being started for each. (On the CPU; a backend without such threads is passed as it
/// is.) It stands around a training step.
template <Backend B, class Body>
void together(const B& backend, const Body& body) {
  if constexpr (requires { backend.together(body); }) {
    backend.together(body);
  } else {
    body(backend);
  }
}

/// Runs work(side) aside: where the backend has a second stream, beside what is asked of `on`
/// meanwhile, else at once. Until join(on) nobody reads its results, and what is asked of `on` must
/// not write what the work reads or read what it writes.
template <Backend B, class Work>
void aside(const B& backend, const Work& work) {
  if constexpr (requires { backend.aside(work); }) {
    backend.aside(work);
  } else {
    work(backend);
  }
}
/// Ends what was asked aside: all that is asked of `on` after this call runs after it.
template <Backend B>
void join(const B& backend) {
  if constexpr (requires { backend.join(); }) backend.join();
}

}  // namespace longhand
