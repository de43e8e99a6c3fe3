// SPDX-License-Identifier: MIT
// The CUDA backend without a GPU: its own kernels (backend/cuda_kernels.hpp) over loops of blocks
// and threads, in memory that only they may touch.
#pragma once

#include <sys/mman.h>

#include <functional>
#include <limits>
#include <longhand/backend/bias_alone.hpp>
#include <longhand/backend/cuda_kernels.hpp>
#include <longhand/backend/reference.hpp>
#include <memory>
#include <new>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace longhand::test {

/// Pages that cannot be read or written except while a kernel or a copy runs: code above the
/// backend that looks into device memory ends with a segmentation fault. Used again only once all
/// buffers are gone.
class FakeMemory {
 public:
  template <class T>
  static T* allocate(Index count) {
    Arena& arena = Arena::only();
    if (arena.frozen) throw std::logic_error("memory was asked for inside a recording");
    const std::size_t bytes = static_cast<std::size_t>(count) * sizeof(T);
    T* const data = reinterpret_cast<T*>(arena.begin + arena.used);
    arena.used += (bytes + 255) / 256 * 256;  // as cudaMalloc aligns; fresh pages are zero
    if (arena.used > kSize) throw std::bad_alloc();
    ++arena.live;
    return data;
  }
  template <class T>
  static void release(T*) {
    Arena& arena = Arena::only();
    if (--arena.live > 0) return;
    madvise(arena.begin, arena.used, MADV_DONTNEED);  // zeros again
    arena.used = 0;
  }
  /// Buffers that were not released.
  static Index live() { return Arena::only().live; }

  /// Throws unless the pointer is one a device could follow.
  static void require_inside(const void* pointer) {
    const Arena& arena = Arena::only();
    const auto* p = static_cast<const std::byte*>(pointer);
    if (p != nullptr && (p < arena.begin || p >= arena.begin + kSize))
      throw std::logic_error("the device was given an address of the host");
  }

  /// While one exists nothing can be allocated.
  class Frozen {
   public:
    Frozen() { Arena::only().frozen = true; }
    ~Frozen() { Arena::only().frozen = false; }
  };

  /// While one exists the pages can be touched.
  class Open {
   public:
    Open() { protect(PROT_READ | PROT_WRITE); }
    ~Open() { protect(PROT_NONE); }

   private:
    static void protect(int how) {
      const std::size_t page = 4096, used = Arena::only().used;
      mprotect(Arena::only().begin, (used + page - 1) / page * page, how);
    }
  };

 private:
  static constexpr std::size_t kSize = std::size_t{4} << 30;  // of addresses; pages come when used

  struct Arena {
    std::byte* begin = static_cast<std::byte*>(
        mmap(nullptr, kSize, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    std::size_t used = 0;
    Index live = 0;
    bool frozen = false;
    static Arena& only() {
      static Arena arena;
      return arena;
    }
  };
};

enum class FakeOrder { forwards, backwards };
struct FakeOptions {
  FakeOrder order = FakeOrder::forwards;
  bool epilogues = false;  ///< products add biases and sum their gradients, as cuBLASLt's do
  bool late = false;       ///< what goes aside is done when it is joined, as late as may be
};

/// Everything a GPU does with the backend's kernels except doing it at once. Threads of a phase run
/// forwards or backwards: equal bits say that none waits for another. Products are the reference's.
class FakeDevice {
 public:
  using Scalar = float;
  using Memory = DeviceMemory;
  using Allocator = FakeMemory;
  struct Scratch {};

  explicit FakeDevice(const FakeOptions& options = {}) : options_(options) {
    if (options_.late) aside_ = std::make_shared<typename Recording::Tape>();
  }
  explicit FakeDevice(FakeOrder order) : FakeDevice(FakeOptions{.order = order}) {}

  /// What was asked of a device so far, copies of the handle included.
  struct Work {
    std::vector<std::string_view> calls = {};  ///< by name
    int recorded = 0, played = 0;              ///< recordings
  };
  const Work& work() const { return *work_; }

  /// Calls with their arguments by value, gathered instead of done, as a CUDA graph gathers them.
  /// What a graph cannot hold is refused: memory, and copies to and from the host.
  class Recording {
   public:
    template <class Work>
    Recording(const FakeDevice& backend, const Work& work) : tape_(std::make_unique<Tape>()) {
      FakeDevice recorder = backend;
      recorder.tape_ = tape_.get();
      if (backend.options_.late) recorder.aside_ = aside_ = std::make_shared<Tape>();
      const FakeMemory::Frozen frozen;
      work(static_cast<const FakeDevice&>(recorder));
      ++backend.work_->recorded;
    }
    void play(const FakeDevice& backend) const {
      for (const auto& call : tape_->calls) call(backend);
      ++backend.work_->played;
    }

   private:
    friend FakeDevice;
    struct Tape {
      Buffer<FakeDevice> partials{cuda::kPartials};  ///< of sums, as an engine has them
      std::vector<std::function<void(const FakeDevice&)>> calls;
    };
    std::unique_ptr<Tape> tape_;
    std::shared_ptr<Tape> aside_;
  };

  template <class Work>
  void aside(const Work& work) const {
    if (!options_.late) return work(*this);
    FakeDevice side = *this;
    side.tape_ = aside_.get();
    work(static_cast<const FakeDevice&>(side));
  }
  void join() const {
    if (aside_ == nullptr) return;
    for (const auto& call : std::exchange(aside_->calls, {})) ask(call);
  }

  template <class Next>
  void multiply(Scratch&, Transpose ta, ConstView<FakeDevice> a, Transpose tb,
                ConstView<FakeDevice> b, View<FakeDevice> c, Store store, const Next& next) const {
    for (const void* p : {static_cast<const void*>(a.data), static_cast<const void*>(b.data),
                          static_cast<const void*>(c.data)})
      FakeMemory::require_inside(p);
    const float* bias = nullptr;
    if (options_.epilogues && store == Store::assign) bias = bias_alone<FakeDevice>(next, c);
    FakeMemory::require_inside(bias);
    ask([=](const FakeDevice& backend) {
      backend.work_->calls.push_back(bias == nullptr ? "multiply" : "multiply and add a bias");
      const FakeMemory::Open open;
      Reference<float>::Scratch scratch;
      Reference<float>{}.multiply(scratch, ta, host(a), tb, host(b), host(c), store, Nothing{});
      for (Index j = 0; bias != nullptr && j < c.cols; ++j)
        for (Index i = 0; i < c.rows; ++i) host(c)(i, j) += bias[i];
    });
    if (bias == nullptr) run(next);
  }
  void multiply_and_sum_rows(Scratch& scratch, ConstView<FakeDevice> x, ConstView<FakeDevice> dy,
                             View<FakeDevice> c, Store store, View<FakeDevice> sums,
                             Store store_sums) const {
    const bool at_once =
        options_.epilogues && store == Store::assign && store_sums == Store::assign;
    multiply(scratch, Transpose::no, x, Transpose::yes, dy, c, store, Nothing{});
    reduce_rows(Value{}, in<FakeDevice>(dy), dy.rows, dy.cols, sums, store_sums);
    if (at_once)
      ask([](const FakeDevice& backend) {
        backend.work_->calls.pop_back();
        backend.work_->calls.back() = "multiply and sum";
      });
  }

  template <class F, std::size_t I, std::size_t O>
  void for_each(const F& f, const std::array<OperandOf<FakeDevice>, I>& in,
                const std::array<View<FakeDevice>, O>& out, const float* only_if = nullptr) const {
    FakeMemory::require_inside(only_if);
    launch_sweep(cuda::ForEach<F, I, O>(f, in, out, only_if));
  }
  template <class F, std::size_t I, std::size_t O, class Next = Nothing>
  void reduce_columns(const F& f, const std::array<OperandOf<FakeDevice>, I>& in,
                      const std::array<View<FakeDevice>, O>& out, Index rows, View<FakeDevice> sums,
                      const Next& next = {}) const {
    FakeMemory::require_inside(sums.data);
    require_follows(next, rows, sums.cols);
    launch_sweep(cuda::ReduceColumns<F, I, O, Next>(f, in, out, rows, sums, next));
  }
  template <class F, std::size_t I>
  void reduce_rows(const F& f, const std::array<OperandOf<FakeDevice>, I>& in, Index rows,
                   Index cols, View<FakeDevice> sums, Store store) const {
    FakeMemory::require_inside(sums.data);
    const bool add = store == Store::accumulate;
    const Index runs = cuda::ReduceRows<F, I>::runs_of(rows, cols);
    if (runs == 1) {
      launch_sweep(cuda::ReduceRows<F, I>(f, in, rows, cols, 1, sums.data, add));
      return;
    }
    const Partials partial(*this, rows * runs);
    launch_sweep(cuda::ReduceRows<F, I>(f, in, rows, cols, runs, partial.data(), false));
    const std::array<OperandOf<FakeDevice>, 1> all{OperandOf<FakeDevice>(partial.data(), 1, rows)};
    launch_sweep(cuda::ReduceRows<Value, 1>(Value{}, all, rows, runs, 1, sums.data, add));
  }
  template <class F, std::size_t I, class Next = Nothing>
  void reduce(const F& f, const std::array<OperandOf<FakeDevice>, I>& in, Index count,
              View<FakeDevice> sum, const Next& next = {}) const {
    FakeMemory::require_inside(sum.data);
    require_follows(next, 1, 1);
    const Index parts = cuda::parts_of(count);
    if (parts == 1) {
      launch_sweep(cuda::Reduce<F, I, Next>(f, in, count, 1, sum.data, next));
      return;
    }
    const Partials partial(*this, parts);
    launch_sweep(cuda::Reduce<F, I>(f, in, count, parts, partial.data()));
    launch_sweep(cuda::Reduce<Value, 1, Next>(
        Value{}, std::array{OperandOf<FakeDevice>(partial.data(), 1, 0)}, parts, 1, sum.data,
        next));
  }

  void softmax_columns(ConstView<FakeDevice> x, View<FakeDevice> y,
                       View<FakeDevice> log_sum_exp) const {
    FakeMemory::require_inside(x.data);
    FakeMemory::require_inside(y.data);
    FakeMemory::require_inside(log_sum_exp.data);
    launch(cuda::SoftmaxColumns(x, y, log_sum_exp));
  }
  void one_hot_columns(ConstView<FakeDevice> x, View<FakeDevice> y) const {
    FakeMemory::require_inside(x.data);
    FakeMemory::require_inside(y.data);
    launch(cuda::OneHotColumns(x, y));
  }
  void move_pictures(const PictureMoves& moves, ConstView<FakeDevice> u, ConstView<FakeDevice> x,
                     View<FakeDevice> y) const {
    FakeMemory::require_inside(u.data);
    FakeMemory::require_inside(x.data);
    FakeMemory::require_inside(y.data);
    launch(cuda::MovePictures(moves, u, x, y));
  }

  template <class Next = Nothing>
  void fill_normal(const NoiseKey& key, SampleIds<FakeDevice> ids, View<FakeDevice> y,
                   const Next& next = {}) const {
    require_follows(next, y.rows, y.cols);
    noise(cuda::FillNoise<cuda::NormalFour, Next>(key, ids, y, next));
  }
  template <class Next = Nothing>
  void fill_uniform(const NoiseKey& key, SampleIds<FakeDevice> ids, View<FakeDevice> y,
                    const Next& next = {}) const {
    require_follows(next, y.rows, y.cols);
    noise(cuda::FillNoise<cuda::UniformFour, Next>(key, ids, y, next));
  }
  template <class X, class F, std::size_t I>
  void gather(const F& f, MatrixView<const X, DeviceMemory> x, SampleIds<FakeDevice> ids,
              const std::array<OperandOf<FakeDevice>, I>& in, View<FakeDevice> y) const {
    FakeMemory::require_inside(x.data);
    FakeMemory::require_inside(ids.data);
    launch_sweep(cuda::Gather<X, F, I>(f, x, ids, in, y));
  }
  void permute(const Permutation& order, SampleIds<FakeDevice> ids,
               MatrixView<std::uint32_t, DeviceMemory> y) const {
    FakeMemory::require_inside(ids.data);
    FakeMemory::require_inside(y.data);
    launch(cuda::Permute(order, ids, y));
  }
  template <std::size_t N>
  void copy_at(std::uint32_t* n, const std::array<CountedCopy<DeviceMemory>, N>& copies,
               std::uint32_t add) const {
    FakeMemory::require_inside(n);
    for (const CountedCopy<DeviceMemory>& c : copies) {
      FakeMemory::require_inside(c.from);
      FakeMemory::require_inside(c.to);
    }
    launch(cuda::CopyAt<N>(n, copies, add));
  }
  void copy(ConstView<FakeDevice> x, View<FakeDevice> y) const {
    for_each(Value{}, in<FakeDevice>(x), out<FakeDevice>(y));
  }
  void fill(View<FakeDevice> y, float value) const {
    for_each(Value{}, in<FakeDevice>(OperandOf<FakeDevice>(value)), out<FakeDevice>(y));
  }

  template <class U>
  void upload(const U* from, MatrixView<U, DeviceMemory> y) const {
    FakeMemory::require_inside(y.data);
    require_not_recording();
    work_->calls.push_back("upload");
    const FakeMemory::Open open;
    Reference<float>{}.upload(from, host(y));
  }
  template <class U>
  void download(MatrixView<U, DeviceMemory> x, std::remove_const_t<U>* to) const {
    FakeMemory::require_inside(x.data);
    require_not_recording();
    work_->calls.push_back("download");
    const FakeMemory::Open open;
    Reference<float>{}.download(host(x), to);
  }

 private:
  /// Room for the partial sums of one sum: the recording's, or its own.
  class Partials {
   public:
    Partials(const FakeDevice& backend, Index count)
        : own_(backend.tape_ == nullptr ? count : 0),
          data_(backend.tape_ == nullptr ? own_.data() : backend.tape_->partials.data()) {}
    float* data() const { return data_; }

   private:
    Buffer<FakeDevice> own_;
    float* data_;
  };

  template <class T>
  static MatrixView<T, HostMemory> host(const MatrixView<T, DeviceMemory>& m) {
    return {m.data, m.rows, m.cols, m.ld};
  }

  template <class Kernel>
  void launch_sweep(const Kernel& kernel) const {
    for (const auto& x : kernel.sweep.in.item) FakeMemory::require_inside(x.data);
    for (const auto& y : kernel.sweep.out.item) FakeMemory::require_inside(y.data);
    launch(kernel);
  }
  static void require_follows(const Nothing&, Index, Index) {}
  template <class F, std::size_t I, std::size_t O>
  static void require_follows(const Then<FakeDevice, F, I, O>& next, Index rows, Index cols) {
    for (const auto& x : next.inputs) FakeMemory::require_inside(x.data);
    for (const auto& y : next.outputs) {
      FakeMemory::require_inside(y.data);
      if (y.rows != rows || y.cols != cols)
        throw std::logic_error("what follows has another shape than what was made");
    }
  }
  template <class Kernel>
  void noise(const Kernel& kernel) const {
    FakeMemory::require_inside(kernel.given.step_at);
    FakeMemory::require_inside(kernel.ids);
    FakeMemory::require_inside(kernel.y);
    launch(kernel);
  }

  template <class Kernel>
  void launch(const Kernel& kernel) const {
    ask([kernel](const FakeDevice& backend) { backend.execute(kernel); });
  }

  /// Does what is asked, or records it.
  template <class Call>
  void ask(const Call& call) const {
    if (tape_ != nullptr)
      tape_->calls.push_back(call);
    else
      call(*this);
  }
  void require_not_recording() const {
    if (tape_ != nullptr) throw std::logic_error("a copy to or from the host inside a recording");
  }

  /// The loops in the place of cuda_launch.cuh's `run`.
  template <class Kernel>
  void execute(const Kernel& kernel) const {
    const FakeMemory::Open open;
    const Index blocks = kernel.blocks();
    if (blocks == 0) return;
    work_->calls.push_back(Kernel::name);
    for (Index b = 0; b < blocks; ++b) {
      const Index block = options_.order == FakeOrder::forwards ? b : blocks - 1 - b;
      float shared[cuda::kThreads];
      std::fill_n(shared, cuda::kThreads, std::numeric_limits<float>::quiet_NaN());
      for (int phase = 0; phase < kernel.phases(); ++phase)
        for (int t = 0; t < cuda::kThreads; ++t)
          kernel(
              phase,
              {block, blocks, options_.order == FakeOrder::forwards ? t : cuda::kThreads - 1 - t},
              shared);
    }
  }

  void run(const Nothing&) const {}
  template <class F, std::size_t I, std::size_t O>
  void run(const Then<FakeDevice, F, I, O>& next) const {
    for_each(next.formula, next.inputs, next.outputs);
  }

  FakeOptions options_;
  typename Recording::Tape* tape_ = nullptr;  ///< of the recording that this is the recorder of
  std::shared_ptr<typename Recording::Tape> aside_;  ///< what is late
  std::shared_ptr<Work> work_ = std::make_shared<Work>();
};

}  // namespace longhand::test
