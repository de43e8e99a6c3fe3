// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <exception>
#include <string>

#include "longhand/backend/eigen_product.hpp"
#include "longhand/backend/gather.hpp"
#ifdef LONGHAND_ONEDNN
#include "longhand/backend/onednn_gemm.hpp"
#endif
#include "longhand/backend/product.hpp"
#include "longhand/backend/softmax.hpp"
#include "longhand/backend/sweep.hpp"
#include "longhand/backend/team.hpp"
#include "longhand/core/backend.hpp"
#include "longhand/core/normal.hpp"
#include "longhand/core/uniform.hpp"

namespace longhand {

/// The CPU backend: a register kernel over Eigen's packets for products, packs for formulas, OpenMP
/// for threads. A handle: it holds a thread count and nothing else.
template <class S>
class Cpu {
 public:
  using Scalar = S;
  using Memory = HostMemory;
  using Allocator = HostAllocator;
  using Scratch = detail::PackingBuffers<S>;

  /// `threads` = 0: OpenMP's default.
  explicit Cpu(int threads = 0)
      : threads_{threads > 0 ? threads : detail::default_threads(), nullptr} {}
  int threads() const { return threads_.count; }
  /// What computes the products: "own, over Eigen 3.4.0", with LONGHAND_EIGEN_PRODUCTS
  /// "Eigen 3.4.0", with LONGHAND_ONEDNN in float "oneDNN 2.6.3".
  static std::string product_engine() {
#ifdef LONGHAND_ONEDNN
    if (std::is_same_v<S, float>) return detail::onednn::version();
#endif
    const std::string eigen = "Eigen " + std::to_string(EIGEN_WORLD_VERSION) + "." +
                              std::to_string(EIGEN_MAJOR_VERSION) + "." +
                              std::to_string(EIGEN_MINOR_VERSION);
#ifdef LONGHAND_EIGEN_PRODUCTS
    return eigen;
#else
    return "own, over " + eigen;
#endif
  }

  /// Runs body(on), where `on` is this backend with its threads waiting from one primitive to the
  /// next. They are OpenMP's, of one parallel region around all that the body does.
  template <class Body>
  void together(const Body& body) const {
#ifdef _OPENMP
    if (threads_.count > 1 && threads_.team == nullptr) {
      detail::Team team;
      Cpu backend = *this;
      backend.threads_.team = &team;
      std::exception_ptr failure;
#pragma omp parallel num_threads(threads_.count)
      if (const int thread = omp_get_thread_num(); thread == 0) {
        try {
          body(static_cast<const Cpu&>(backend));
        } catch (...) {
          failure = std::current_exception();
        }
        team.dismiss();
      } else {
        team.serve(thread);
      }
      if (failure) std::rethrow_exception(failure);
      return;
    }
#endif
    body(*this);
  }

  template <class Next>
  void multiply(Scratch& scratch, Transpose ta, ConstView<Cpu> a, Transpose tb, ConstView<Cpu> b,
                View<Cpu> c, Store store, const Next& next) const {
    const Index depth = ta == Transpose::yes ? a.rows : a.cols;
    const TileCall on_tile{&next,
                           [](const void* what, Index row, Index rows, Index col, Index cols) {
                             run(*static_cast<const Next*>(what), row, rows, col, cols);
                           }};
#ifdef LONGHAND_EIGEN_PRODUCTS
    static_cast<void>(scratch);
    detail::multiply_by_eigen<S>(ta, tb, c.rows, c.cols, depth, a.data, a.ld, b.data, b.ld, c.data,
                                 c.ld, store == Store::accumulate, on_tile);
#else
#ifdef LONGHAND_ONEDNN
    if (c.cols > 1 && depth > 0)
      if constexpr (std::is_same_v<S, float>)
        return detail::onednn::multiply(threads_, ta, tb, c.rows, c.cols, depth, a.data, a.ld,
                                        b.data, b.ld, c.data, c.ld, store == Store::accumulate,
                                        on_tile);
#endif
    detail::multiply<S>(threads_, scratch, ta, tb, c.rows, c.cols, depth, a.data, a.ld, b.data,
                        b.ld, c.data, c.ld, store == Store::accumulate, on_tile);
#endif
  }

  template <class F, std::size_t I, std::size_t O>
  void for_each(const F& f, const std::array<OperandOf<Cpu>, I>& in,
                const std::array<View<Cpu>, O>& out, const S* only_if = nullptr) const {
    static_assert(O > 0);
    if (only_if != nullptr && *only_if == S(0)) return;
    const Index rows = out[0].rows, cols = out[0].cols;
    if (detail::flat(in, out, rows)) {
      const Index n = rows * cols;
      team(n).for_each((n + kBlock - 1) / kBlock, [&](Index block) {
        const Index first = block * kBlock;
        detail::sweep<detail::kNarrow, S>(f, in, out, first, std::min(kBlock, n - first), 0, 1);
      });
    } else {
      team(rows * cols).for_runs(cols, [&](Index first, Index count) {
        if (rows <= detail::kFew && count > 1) {
          detail::sweep_few_rows<S>(f, in, out, rows, first, count);
        } else {
          detail::sweep<detail::kNarrow, S>(f, in, out, 0, rows, first, count);
        }
      });
    }
  }

  /// sums is 1 x cols; its columns give the number of columns, `rows` the number of rows.
  template <class F, std::size_t I, std::size_t O, class Next = Nothing>
  void reduce_columns(const F& f, const std::array<OperandOf<Cpu>, I>& in,
                      const std::array<View<Cpu>, O>& out, Index rows, View<Cpu> sums,
                      const Next& next = {}) const {
    team(rows * sums.cols).for_runs(sums.cols, [&](Index first, Index count) {
      if (rows <= detail::kFew) {
        detail::sum_down_few_rows<S>(f, in, out, rows, first, count, sums);
      } else if (rows <= detail::kNarrow) {
        for (Index j = first; j < first + count; ++j)
          sums(0, j) = detail::sum_down<detail::kNarrow, S>(f, in, out, 0, rows, j);
      } else {
        for (Index j = first; j < first + count; ++j)
          sums(0, j) = detail::sum_down<detail::kWide, S>(f, in, out, 0, rows, j);
      }
    });
    sweep(next);
  }

  /// sums is a contiguous vector of `rows` numbers.
  template <class F, std::size_t I>
  void reduce_rows(const F& f, const std::array<OperandOf<Cpu>, I>& in, Index rows, Index cols,
                   View<Cpu> sums, Store store) const {
    constexpr int W = detail::kWide;
    team(rows * cols).for_each((rows + W - 1) / W, [&](Index block) {
      const Index i = block * W, count = std::min<Index>(W, rows - i);
      Pack<S, W> total = detail::sum_across<W, S>(f, in, i, count, cols);
      S* place = sums.data + i;
      if (store == Store::accumulate) total += Pack<S, W>::load(place, count);
      total.store(place, count);
    });
  }

  /// The sum of all `count` elements of gapless operands into the 1 x 1 matrix `sum`.
  template <class F, std::size_t I, class Next = Nothing>
  void reduce(const F& f, const std::array<OperandOf<Cpu>, I>& in, Index count, View<Cpu> sum,
              const Next& next = {}) const {
    constexpr Index most = 64;  // partial sums; their number depends on the count alone
    const Index parts = std::clamp<Index>((count + kBlock - 1) / kBlock, 1, most);
    const Index length =
        ((count + parts - 1) / parts + detail::kWide - 1) / detail::kWide * detail::kWide;
    const std::array<View<Cpu>, 0> none{};
    S partial[most] = {};
    team(count).for_each(parts, [&](Index part) {
      const Index first = std::min(part * length, count);
      partial[part] = detail::sum_down<detail::kWide, S>(f, in, none, first,
                                                         std::min(length, count - first), 0);
    });
    for (Index half = most / 2; half > 0; half /= 2)
      for (Index i = 0; i < half; ++i) partial[i] += partial[i + half];
    sum(0) = partial[0];
    sweep(next);
  }

  void softmax_columns(ConstView<Cpu> x, View<Cpu> y, View<Cpu> log_sum_exp) const {
    team(kSoftmaxCost * x.size()).for_runs(x.cols, [&](Index first, Index count) {
      detail::softmax_columns<S>(x, y, log_sum_exp, first, count);
    });
  }
  void one_hot_columns(ConstView<Cpu> x, View<Cpu> y) const {
    team(x.size()).for_runs(
        x.cols, [&](Index first, Index count) { detail::one_hot_columns<S>(x, y, first, count); });
  }

  void move_pictures(const PictureMoves& moves, ConstView<Cpu> u, ConstView<Cpu> x,
                     View<Cpu> y) const {
    team(kMoveCost * x.size()).for_each(x.cols, [&](Index j) {
      move_picture(moves, u.data + j * u.ld, x.data + j * x.ld, y.data + j * y.ld);
    });
  }

  template <class Next = Nothing>
  void fill_normal(const NoiseKey& key, SampleIds<Cpu> ids, View<Cpu> y,
                   const Next& next = {}) const {
    fill_noise<NormalNoise>(key, ids, y);
    sweep(next);
  }
  template <class Next = Nothing>
  void fill_uniform(const NoiseKey& key, SampleIds<Cpu> ids, View<Cpu> y,
                    const Next& next = {}) const {
    fill_noise<UniformNoise>(key, ids, y);
    sweep(next);
  }

  template <class X, class F, std::size_t I>
  void gather(const F& f, MatrixView<const X, HostMemory> x, SampleIds<Cpu> ids,
              const std::array<OperandOf<Cpu>, I>& in, View<Cpu> y) const {
    const auto column = [&](Index j) { return x.data + static_cast<Index>(ids(0, j)) * x.ld; };
    team(y.size()).for_each(y.cols, [&](Index j) {
      const X* next = column(std::min(j + 1, y.cols - 1));
      if (y.rows >= detail::kGathered) {
        detail::gather_column<detail::kGathered, S>(f, column(j), next, in, y, j);
      } else if constexpr (std::is_same_v<F, Value>) {
        constexpr Index line = 64 / static_cast<Index>(sizeof(X));
        for (Index i = 0; i < y.rows; i += line) __builtin_prefetch(next + i);
        detail::copy_numbers(column(j), y.rows, y.data + j * y.ld);
      } else {
        detail::gather_column<detail::kNarrow, S>(f, column(j), next, in, y, j);
      }
    });
  }
  void permute(const Permutation& order, SampleIds<Cpu> ids,
               MatrixView<std::uint32_t, HostMemory> y) const {
    team(kNoiseCost * y.cols).for_each(y.cols, [&](Index i) {
      y(0, i) = ids(0, static_cast<Index>(order(static_cast<std::uint32_t>(i))));
    });
  }
  template <std::size_t N>
  void copy_at(std::uint32_t* n, const std::array<CountedCopy<HostMemory>, N>& copies,
               std::uint32_t add) const {
    longhand::copy_at(n, copies, add);
  }
  void copy(ConstView<Cpu> x, View<Cpu> y) const {
    team(y.size()).for_each(
        y.cols, [&](Index j) { std::copy_n(x.data + j * x.ld, y.rows, y.data + j * y.ld); });
  }
  void fill(View<Cpu> y, S value) const {
    for (Index j = 0; j < y.cols; ++j) std::fill_n(y.data + j * y.ld, y.rows, value);
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
  static constexpr Index kBlock = 4096;  // elements one thread takes at a time in a flat sweep
  // Below so many elements one thread is faster: where a team stands by, where it must be started.
  static constexpr Index kParallel = 2048, kParallelStart = 16384;
  static constexpr Index kNoiseCost = 8;  // of a noise value, in elements of a sweep
  static constexpr Index kSoftmaxCost = 4, kMoveCost = 8;

  detail::Threads team(Index elements) const {
    const Index least = threads_.team != nullptr ? kParallel : kParallelStart;
    return elements < least ? detail::Threads{} : threads_;
  }
  template <class Noise>
  void fill_noise(const NoiseKey& given, SampleIds<Cpu> ids, View<Cpu> y) const {
    const NoiseKey key = given.resolved();
    team(kNoiseCost * y.size()).for_runs(y.cols, [&](Index first, Index count) {
      const auto row = [&](Index j) {
        return ids.present() ? ids(0, first + j) : static_cast<std::uint32_t>(first + j);
      };
      noise_columns<Noise>(key, row, y.rows, count, y.data + first * y.ld, y.ld);
    });
  }

  /// The epilogue by address: the product is compiled once, not once per activation.
  struct TileCall {
    const void* what;
    void (*call)(const void*, Index, Index, Index, Index);
    void operator()(Index row, Index rows, Index col, Index cols) const {
      call(what, row, rows, col, cols);
    }
  };

  void sweep(const Nothing&) const {}
  template <class F, std::size_t I, std::size_t O>
  void sweep(const Then<Cpu, F, I, O>& next) const {
    for_each(next.formula, next.inputs, next.outputs);
  }

  static void run(const Nothing&, Index, Index, Index, Index) {}
  template <class F, std::size_t I, std::size_t O>
  static void run(const Then<Cpu, F, I, O>& next, Index row, Index rows, Index col, Index cols) {
    detail::sweep<detail::kNarrow, S>(next.formula, next.inputs, next.outputs, row, rows, col,
                                      cols);
  }

  detail::Threads threads_;
};

}  // namespace longhand
