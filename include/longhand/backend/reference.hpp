// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <limits>

#include "longhand/core/backend.hpp"
#include "longhand/core/byte.hpp"
#include "longhand/core/normal.hpp"
#include "longhand/core/uniform.hpp"
#include "longhand/math/scalar.hpp"

namespace longhand {

/// The judge: every primitive as its definition, one loop after the other, for any number type
/// (float, double, long double, a dual number). Serial and slow on purpose; other backends are
/// compared with it, and gradient checkers run models on it.
template <class T>
class Reference {
 public:
  using Scalar = T;
  using Memory = HostMemory;
  using Allocator = HostAllocator;
  struct Scratch {};

  template <class Next>
  void multiply(Scratch&, Transpose ta, ConstView<Reference> a, Transpose tb,
                ConstView<Reference> b, View<Reference> c, Store store, const Next& next) const {
    const Index depth = ta == Transpose::yes ? a.rows : a.cols;
    for (Index j = 0; j < c.cols; ++j)
      for (Index i = 0; i < c.rows; ++i) {
        T sum(0);
        for (Index k = 0; k < depth; ++k)
          sum = sum + (ta == Transpose::yes ? a(k, i) : a(i, k)) *
                          (tb == Transpose::yes ? b(j, k) : b(k, j));
        c(i, j) = store == Store::accumulate ? c(i, j) + sum : sum;
      }
    run(next);
  }

  template <class F, std::size_t I, std::size_t O>
  void for_each(const F& f, const std::array<OperandOf<Reference>, I>& in,
                const std::array<View<Reference>, O>& out, const T* only_if = nullptr) const {
    if (only_if != nullptr && *only_if == T(0)) return;
    for (Index j = 0; j < out[0].cols; ++j)
      for (Index i = 0; i < out[0].rows; ++i) apply(f, in, out, i, j);
  }

  template <class F, std::size_t I, std::size_t O, class Next = Nothing>
  void reduce_columns(const F& f, const std::array<OperandOf<Reference>, I>& in,
                      const std::array<View<Reference>, O>& out, Index rows, View<Reference> sums,
                      const Next& next = {}) const {
    for (Index j = 0; j < sums.cols; ++j) {
      T sum(0), value(0);
      forbid(next, sums(0, j));
      for (Index i = 0; i < rows; ++i) {
        apply(f, in, out, i, j, value);
        run(next, i, j);
        sum = sum + value;
      }
      sums(0, j) = sum;
    }
  }

  template <class F, std::size_t I>
  void reduce_rows(const F& f, const std::array<OperandOf<Reference>, I>& in, Index rows,
                   Index cols, View<Reference> sums, Store store) const {
    for (Index i = 0; i < rows; ++i) {
      T sum(0), value(0);
      for (Index j = 0; j < cols; ++j) {
        apply(f, in, std::array<View<Reference>, 0>{}, i, j, value);
        sum = sum + value;
      }
      sums.data[i] = store == Store::accumulate ? sums.data[i] + sum : sum;
    }
  }

  template <class F, std::size_t I, class Next = Nothing>
  void reduce(const F& f, const std::array<OperandOf<Reference>, I>& in, Index count,
              View<Reference> sum, const Next& next = {}) const {
    T total(0), value(0);
    for (Index i = 0; i < count; ++i) {
      apply(f, in, std::array<View<Reference>, 0>{}, i, 0, value);
      total = total + value;
    }
    sum(0) = total;
    run(next);
  }

  void softmax_columns(ConstView<Reference> x, View<Reference> y,
                       View<Reference> log_sum_exp) const {
    for (Index j = 0; j < x.cols; ++j) {
      T largest(-std::numeric_limits<double>::infinity()), sum(0);
      for (Index i = 0; i < x.rows; ++i) largest = x(i, j) > largest ? x(i, j) : largest;
      for (Index i = 0; i < x.rows; ++i) {
        y(i, j) = exp(x(i, j) - largest);
        sum = sum + y(i, j);
      }
      for (Index i = 0; i < x.rows; ++i) y(i, j) = y(i, j) / sum;         // [CAT-1]
      if (log_sum_exp.present()) log_sum_exp(0, j) = largest + log(sum);  // [CAT-2]
    }
  }
  void one_hot_columns(ConstView<Reference> x, View<Reference> y) const {
    for (Index j = 0; j < x.cols; ++j) {
      Index at = 0;
      bool defined = true;
      // [CAT-6]
      for (Index i = 0; i < x.rows; ++i) {
        if (x(i, j) > x(at, j)) at = i;
        defined = defined && x(i, j) == x(i, j);
      }
      for (Index i = 0; i < x.rows; ++i) y(i, j) = T(i == at ? 1 : 0);
      // [/CAT-6]
      for (Index i = 0; i < x.rows && !defined; ++i)
        y(i, j) = T(std::numeric_limits<double>::quiet_NaN());
    }
  }

  void move_pictures(const PictureMoves& moves, ConstView<Reference> u, ConstView<Reference> x,
                     View<Reference> y) const {
    for (Index j = 0; j < x.cols; ++j) {
      const PictureMove move = PictureMove::drawn(moves, u(0, j), u(1, j), u(2, j), u(3, j));
      for (Index i = 0; i < y.rows; ++i)
        y(i, j) = move.pixel(moves, &x(0, j), i / moves.channels / moves.width,
                             i / moves.channels % moves.width, i % moves.channels);
    }
  }

  template <class Next = Nothing>
  void fill_normal(const NoiseKey& key, SampleIds<Reference> ids, View<Reference> y,
                   const Next& next = {}) const {
    noise(key, ids, y, [](const NoiseKey& k, std::uint32_t row, std::uint32_t quad, float* four) {
      normal4(k, row, quad, four);
    });
    run(next);
  }
  template <class Next = Nothing>
  void fill_uniform(const NoiseKey& key, SampleIds<Reference> ids, View<Reference> y,
                    const Next& next = {}) const {
    noise(key, ids, y, [](const NoiseKey& k, std::uint32_t row, std::uint32_t quad, float* four) {
      uniform4(k, row, quad, four);
    });
    run(next);
  }

  template <class X, class F, std::size_t I>
  void gather(const F& f, MatrixView<const X, HostMemory> x, SampleIds<Reference> ids,
              const std::array<OperandOf<Reference>, I>& in, View<Reference> y) const {
    for (Index j = 0; j < y.cols; ++j)
      for (Index i = 0; i < y.rows; ++i) {
        const T number = as_number<T>(x(i, static_cast<Index>(ids(0, j))));
        [&]<std::size_t... In>(std::index_sequence<In...>) {
          f(number, read(in[In], i, j)..., y(i, j));
        }
        (std::make_index_sequence<I>{});
      }
  }
  void permute(const Permutation& order, SampleIds<Reference> ids,
               MatrixView<std::uint32_t, HostMemory> y) const {
    for (Index i = 0; i < y.cols; ++i)
      y(0, i) = ids(0, static_cast<Index>(order(static_cast<std::uint32_t>(i))));
  }
  template <std::size_t N>
  void copy_at(std::uint32_t* n, const std::array<CountedCopy<HostMemory>, N>& copies,
               std::uint32_t add) const {
    longhand::copy_at(n, copies, add);
  }
  void copy(ConstView<Reference> x, View<Reference> y) const {
    for (Index j = 0; j < y.cols; ++j)
      for (Index i = 0; i < y.rows; ++i) y(i, j) = x(i, j);
  }
  void fill(View<Reference> y, T value) const {
    for (Index j = 0; j < y.cols; ++j)
      for (Index i = 0; i < y.rows; ++i) y(i, j) = value;
  }
  /// upload() and download() copy between contiguous host memory and backend memory, which on this
  /// backend are the same.
  template <class U>
  void upload(const U* host, MatrixView<U, HostMemory> y) const {
    for (Index j = 0; j < y.cols; ++j) std::copy_n(host + j * y.rows, y.rows, y.data + j * y.ld);
  }
  template <class U>
  void download(MatrixView<U, HostMemory> x, std::remove_const_t<U>* host) const {
    for (Index j = 0; j < x.cols; ++j) std::copy_n(x.data + j * x.ld, x.rows, host + j * x.rows);
  }

 private:
  static T read(const OperandOf<Reference>& a, Index i, Index j) {
    return a.data == nullptr ? a.value : a.data[i * a.row_step + j * a.col_step];
  }

  template <class F, std::size_t I, std::size_t O, class... Extra>
  static void apply(const F& f, const std::array<OperandOf<Reference>, I>& in,
                    const std::array<View<Reference>, O>& out, Index i, Index j, Extra&... extra) {
    [&]<std::size_t... In, std::size_t... Out>(std::index_sequence<In...>,
                                               std::index_sequence<Out...>) {
      const std::array<T, I> x{read(in[In], i, j)...};
      std::array<T, O> y{};
      f(x[In]..., y[Out]..., extra...);
      ((out[Out](i, j) = y[Out]), ...);
    }
    (std::make_index_sequence<I>{}, std::make_index_sequence<O>{});
  }

  void run(const Nothing&) const {}
  template <class F, std::size_t I, std::size_t O>
  void run(const Then<Reference, F, I, O>& next) const {
    for_each(next.formula, next.inputs, next.outputs);
  }

  void run(const Nothing&, Index, Index) const {}
  template <class F, std::size_t I, std::size_t O>
  void run(const Then<Reference, F, I, O>& next, Index i, Index j) const {
    apply(next.formula, next.inputs, next.outputs, i, j);
  }
  /// What follows must not read a sum that is not complete.
  static void forbid(const Nothing&, const T&) {}
  template <class F, std::size_t I, std::size_t O>
  static void forbid(const Then<Reference, F, I, O>&, T& sum) {
    sum = T(std::numeric_limits<double>::quiet_NaN());
  }

  template <class Four>
  static void noise(const NoiseKey& given, SampleIds<Reference> ids, View<Reference> y,
                    const Four& fill_four) {
    const NoiseKey key = given.resolved();
    for (Index j = 0; j < y.cols; ++j)
      for (Index i = 0; i < y.rows; ++i) {
        float four[4];
        fill_four(key, ids.present() ? ids(0, j) : static_cast<std::uint32_t>(j),
                  static_cast<std::uint32_t>(i / 4), four);
        y(i, j) = T(four[i % 4]);
      }
  }
};

}  // namespace longhand
