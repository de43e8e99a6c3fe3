// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "longhand/backend/bias_alone.hpp"
#include "longhand/backend/cuda_error.hpp"
#include "longhand/core/backend.hpp"

/// The CUDA backend. No CUDA header is needed to include this one: what it declares is compiled
/// into the library longhand_cuda, kernels by nvcc (cuda/*.cu), the rest by the C++ compiler
/// (cuda/*.cpp).
namespace longhand {

/// How the GPU multiplies matrices. tf32 rounds the factors to 11 bits, which lets the tensor cores
/// multiply them; sums are float in both, and nothing but products changes.
enum class Precision { fp32, tf32 };

/// Who adds the biases of linear layers and sums their gradients: kernels of longhand's own, or
/// cuBLASLt on the way, as part of the products, where it knows how to for their shapes.
enum class Epilogues { own, cublas };

/// What changes the speed of the GPU backend and, but for `precision` and the order of some sums,
/// nothing else.
struct CudaOptions {
  Precision precision = Precision::fp32;
  Epilogues epilogues = Epilogues::own;
  /// Whether parameter gradients are computed on a second stream, while the main one goes on with
  /// the gradients of activations.
  bool second_stream = false;
};

namespace cuda {

/// A stream, a cuBLAS handle and their scratch, on the device that was current when it was made.
class Engine;

/// Work gathered to be asked for by one call: a CUDA graph.
class Graph;

template <class T>
using DeviceView = MatrixView<T, DeviceMemory>;
using DeviceOperand = Operand<float, DeviceMemory>;
using DeviceIds = DeviceView<const std::uint32_t>;

/// Why there is no device to compute on, in one clause; empty if there is one. Costs no more than
/// asking the driver.
std::string unavailable();

/// An engine; `with_side` gives it a second one, whose stream runs beside its own. Throws
/// NoCudaDevice or CudaError.
std::shared_ptr<Engine> make_engine(bool with_side);

/// The second engine, whose stream goes on from where that of `on` is now; and the way back: what
/// is asked of `on` after join() comes after all that was asked of the second engine.
std::shared_ptr<Engine> fork(Engine& backend);
void join(Engine& backend);

/// Zeroed device memory. Throws CudaOutOfMemory, having allocated nothing.
void* allocate(std::size_t bytes);
void release(void* data) noexcept;

/// C = op(A) op(B) or C += op(A) op(B).
void multiply(Engine& backend, Precision precision, Transpose ta, DeviceView<const float> a,
              Transpose tb, DeviceView<const float> b, DeviceView<float> c, Store store);

/// What a product does with a vector v on the way: C_ij += v_i, or v_j = sum_k op(B)_kj.
enum class Epilogue { add_bias, sum_b };
/// C = op(A) op(B) with an epilogue; false, and nothing is done, where cuBLASLt has none for it.
bool multiply_with_epilogue(Engine& backend, Precision precision, Epilogue epilogue, Transpose ta,
                            DeviceView<const float> a, Transpose tb, DeviceView<const float> b,
                            DeviceView<float> c, const float* v);

void softmax_columns(Engine& backend, DeviceView<const float> x, DeviceView<float> y,
                     DeviceView<float> log_sum_exp);
void one_hot_columns(Engine& backend, DeviceView<const float> x, DeviceView<float> y);
void move_pictures(Engine& backend, const PictureMoves& moves, DeviceView<const float> u,
                   DeviceView<const float> x, DeviceView<float> y);
void permute(Engine& backend, const Permutation& order, DeviceIds ids, DeviceView<std::uint32_t> y);

/// copy_at() for as many copies as a training step makes at once (cuda/copy.cu).
template <std::size_t N>
void copy_at(Engine& backend, std::uint32_t* n,
             const std::array<CountedCopy<DeviceMemory>, N>& copies, std::uint32_t add);

/// `cols` columns of `column_bytes` each, contiguous on the host, `pitch` bytes apart on the
/// device. Both return when the host memory may be used again, download() with all work done that
/// was asked for before.
void upload(Engine& backend, const void* host, void* device, std::size_t pitch,
            std::size_t column_bytes, Index cols);
void download(Engine& backend, const void* device, std::size_t pitch, void* host,
              std::size_t column_bytes, Index cols);

/// Waits for all work asked for so far, and throws what failed in it.
void synchronize(Engine& backend);

/// What work(recorder) asks of `recorder`, an engine of its own: what other threads ask of `on`
/// meanwhile is not recorded. Throws CudaError, and leaves nothing behind, if the work asks for
/// memory or for copies to or from the host.
std::shared_ptr<Graph> record(Engine& backend,
                              const std::function<void(const std::shared_ptr<Engine>&)>& work);
void play(Engine& backend, const Graph& graph);

// One kernel per formula. Defined in backend/cuda_launch.cuh and instantiated by nvcc, for the
// formulas of longhand in cuda/formulas.def, for yours in one .cu file of your own: a linker that
// misses one of these names the formula.
template <class F, std::size_t I, std::size_t O>
void for_each(Engine& backend, const F& f, const std::array<DeviceOperand, I>& in,
              const std::array<DeviceView<float>, O>& out, const float* only_if);
template <class F, std::size_t I, std::size_t O, class Next>
void reduce_columns(Engine& backend, const F& f, const std::array<DeviceOperand, I>& in,
                    const std::array<DeviceView<float>, O>& out, Index rows, DeviceView<float> sums,
                    const Next& next);
template <class F, std::size_t I>
void reduce_rows(Engine& backend, const F& f, const std::array<DeviceOperand, I>& in, Index rows,
                 Index cols, DeviceView<float> sums, Store store);
template <class F, std::size_t I, class Next>
void reduce(Engine& backend, const F& f, const std::array<DeviceOperand, I>& in, Index count,
            DeviceView<float> sum, const Next& next);
template <class Next>
void fill_normal(Engine& backend, const NoiseKey& key, DeviceIds ids, DeviceView<float> y,
                 const Next& next);
template <class Next>
void fill_uniform(Engine& backend, const NoiseKey& key, DeviceIds ids, DeviceView<float> y,
                  const Next& next);
template <class X, class F, std::size_t I>
void gather(Engine& backend, const F& f, DeviceView<const X> x, DeviceIds ids,
            const std::array<DeviceOperand, I>& in, DeviceView<float> y);

}  // namespace cuda

/// The GPU backend: cuBLAS for products, one kernel per formula; as it is asked, or recorded and
/// played (core/replay.hpp). It is a handle: copies share one stream, on which everything happens
/// in the order it was asked for, except that work asked aside runs on the second stream until it
/// is joined. Errors of kernels come to light at the next download or synchronize(). Throws
/// CudaError from every call.
template <class S>
class Cuda {
  static_assert(std::is_same_v<S, float>, "the CUDA backend computes in float");

 public:
  using Scalar = S;
  using Memory = DeviceMemory;
  struct Allocator {
    template <class T>
    static T* allocate(Index count) {
      static_assert(std::is_trivially_destructible_v<T>);
      return static_cast<T*>(cuda::allocate(static_cast<std::size_t>(count) * sizeof(T)));
    }
    template <class T>
    static void release(T* data) {
      cuda::release(data);
    }
  };
  struct Scratch {};

  /// A backend on the calling thread's current device. Throws NoCudaDevice where there is none.
  explicit Cuda(const CudaOptions& options = {})
      : Cuda(cuda::make_engine(options.second_stream), options) {}
  explicit Cuda(Precision precision) : Cuda(CudaOptions{.precision = precision}) {}
  const CudaOptions& options() const { return options_; }

  /// Work recorded once, to be asked for again by one call. All it touches must outlive it. It
  /// should have been done once before: kernels load, and algorithms are chosen, at their first
  /// use.
  class Recording {
   public:
    /// Records work(recorder) without doing it.
    template <class Work>
    Recording(const Cuda& backend, const Work& work)
        : graph_(cuda::record(*backend.engine_, [&](const std::shared_ptr<cuda::Engine>& recorder) {
            work(Cuda(recorder, backend.options_));
          })) {}
    void play(const Cuda& backend) const { cuda::play(*backend.engine_, *graph_); }

   private:
    std::shared_ptr<cuda::Graph> graph_;
  };
  void synchronize() const { cuda::synchronize(*engine_); }

  template <class Work>
  void aside(const Work& work) const {
    if (!options_.second_stream) return work(*this);
    CudaOptions one_stream = options_;
    one_stream.second_stream = false;
    work(Cuda(cuda::fork(*engine_), one_stream));
  }
  void join() const { cuda::join(*engine_); }

  template <class Next>
  void multiply(Scratch&, Transpose ta, ConstView<Cuda> a, Transpose tb, ConstView<Cuda> b,
                View<Cuda> c, Store store, const Next& next) const {
    if (const S* bias = bias_alone<Cuda>(next, c); bias != nullptr && store == Store::assign)
      if (multiply(cuda::Epilogue::add_bias, ta, a, tb, b, c, bias)) return;
    cuda::multiply(*engine_, options_.precision, ta, a, tb, b, c, store);
    run(next);
  }

  void multiply_and_sum_rows(Scratch& scratch, ConstView<Cuda> x, ConstView<Cuda> dy, View<Cuda> c,
                             Store store, View<Cuda> sums, Store store_sums) const {
    if (store == Store::assign && store_sums == Store::assign)
      if (multiply(cuda::Epilogue::sum_b, Transpose::no, x, Transpose::yes, dy, c, sums.data))
        return;
    multiply(scratch, Transpose::no, x, Transpose::yes, dy, c, store, Nothing{});
    reduce_rows(Value{}, in<Cuda>(dy), dy.rows, dy.cols, sums, store_sums);
  }

  template <class F, std::size_t I, std::size_t O>
  void for_each(const F& f, const std::array<OperandOf<Cuda>, I>& in,
                const std::array<View<Cuda>, O>& out, const S* only_if = nullptr) const {
    cuda::for_each(*engine_, f, in, out, only_if);
  }
  template <class F, std::size_t I, std::size_t O, class Next = Nothing>
  void reduce_columns(const F& f, const std::array<OperandOf<Cuda>, I>& in,
                      const std::array<View<Cuda>, O>& out, Index rows, View<Cuda> sums,
                      const Next& next = {}) const {
    cuda::reduce_columns(*engine_, f, in, out, rows, sums, next);
  }
  template <class F, std::size_t I>
  void reduce_rows(const F& f, const std::array<OperandOf<Cuda>, I>& in, Index rows, Index cols,
                   View<Cuda> sums, Store store) const {
    cuda::reduce_rows(*engine_, f, in, rows, cols, sums, store);
  }
  template <class F, std::size_t I, class Next = Nothing>
  void reduce(const F& f, const std::array<OperandOf<Cuda>, I>& in, Index count, View<Cuda> sum,
              const Next& next = {}) const {
    cuda::reduce(*engine_, f, in, count, sum, next);
  }

  void softmax_columns(ConstView<Cuda> x, View<Cuda> y, View<Cuda> log_sum_exp) const {
    cuda::softmax_columns(*engine_, x, y, log_sum_exp);
  }
  void one_hot_columns(ConstView<Cuda> x, View<Cuda> y) const {
    cuda::one_hot_columns(*engine_, x, y);
  }
  void move_pictures(const PictureMoves& moves, ConstView<Cuda> u, ConstView<Cuda> x,
                     View<Cuda> y) const {
    cuda::move_pictures(*engine_, moves, u, x, y);
  }

  template <class Next = Nothing>
  void fill_normal(const NoiseKey& key, SampleIds<Cuda> ids, View<Cuda> y,
                   const Next& next = {}) const {
    cuda::fill_normal(*engine_, key, ids, y, next);
  }
  template <class Next = Nothing>
  void fill_uniform(const NoiseKey& key, SampleIds<Cuda> ids, View<Cuda> y,
                    const Next& next = {}) const {
    cuda::fill_uniform(*engine_, key, ids, y, next);
  }

  template <class X, class F, std::size_t I>
  void gather(const F& f, MatrixView<const X, DeviceMemory> x, SampleIds<Cuda> ids,
              const std::array<OperandOf<Cuda>, I>& in, View<Cuda> y) const {
    cuda::gather(*engine_, f, x, ids, in, y);
  }
  void permute(const Permutation& order, SampleIds<Cuda> ids,
               MatrixView<std::uint32_t, DeviceMemory> y) const {
    cuda::permute(*engine_, order, ids, y);
  }
  template <std::size_t N>
  void copy_at(std::uint32_t* n, const std::array<CountedCopy<DeviceMemory>, N>& copies,
               std::uint32_t add) const {
    cuda::copy_at(*engine_, n, copies, add);
  }
  void copy(ConstView<Cuda> x, View<Cuda> y) const { for_each(Value{}, in<Cuda>(x), out<Cuda>(y)); }
  void fill(View<Cuda> y, S value) const {
    for_each(Value{}, in<Cuda>(OperandOf<Cuda>(value)), out<Cuda>(y));
  }

  /// upload() and download() copy between contiguous host memory and device memory.
  template <class U>
  void upload(const U* host, MatrixView<U, DeviceMemory> y) const {
    cuda::upload(*engine_, host, y.data, bytes<U>(y.ld), bytes<U>(y.rows), y.cols);
  }
  template <class U>
  void download(MatrixView<U, DeviceMemory> x, std::remove_const_t<U>* host) const {
    cuda::download(*engine_, x.data, bytes<U>(x.ld), host, bytes<U>(x.rows), x.cols);
  }

 private:
  Cuda(std::shared_ptr<cuda::Engine> engine, const CudaOptions& options)
      : engine_(std::move(engine)), options_(options) {}

  /// The product with an epilogue, by cuBLASLt; false, and nothing is done, if that is not wanted
  /// or cuBLASLt has none.
  bool multiply(cuda::Epilogue epilogue, Transpose ta, ConstView<Cuda> a, Transpose tb,
                ConstView<Cuda> b, View<Cuda> c, const S* v) const {
    return options_.epilogues == Epilogues::cublas &&
           cuda::multiply_with_epilogue(*engine_, options_.precision, epilogue, ta, a, tb, b, c, v);
  }

  template <class U>
  static std::size_t bytes(Index count) {
    return static_cast<std::size_t>(count) * sizeof(U);
  }
  void run(const Nothing&) const {}
  template <class F, std::size_t I, std::size_t O>
  void run(const Then<Cuda, F, I, O>& next) const {
    for_each(next.formula, next.inputs, next.outputs);
  }

  std::shared_ptr<cuda::Engine> engine_;
  CudaOptions options_;
};

}  // namespace longhand
