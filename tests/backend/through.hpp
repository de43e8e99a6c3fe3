// SPDX-License-Identifier: MIT
// A device as a backend of host memory, for tests that were written for those: every primitive
// sends its operands to the device, runs there, and brings the outputs home.
#pragma once

#include <algorithm>
#include <cstring>
#include <limits>
#include <longhand/core/backend.hpp>
#include <stdexcept>
#include <vector>

namespace longhand::test {

template <class Device>
class Through {
 public:
  using Scalar = float;
  using Memory = HostMemory;
  using Allocator = HostAllocator;
  struct Scratch {};

  Through() = default;
  explicit Through(Device device) : device_(std::move(device)) {}

  template <class Next>
  void multiply(Scratch&, Transpose ta, ConstView<Through> a, Transpose tb, ConstView<Through> b,
                View<Through> c, Store store, const Next& next) const {
    Image image(device_);
    image.reads(a), image.reads(b), image.writes(c);
    add(image, next, c.rows, c.cols);
    image.send();
    typename Device::Scratch scratch;
    device_.multiply(scratch, ta, image(a), tb, image(b), image(c), store, there(image, next));
    image.fetch();
  }
  void multiply_and_sum_rows(Scratch&, ConstView<Through> x, ConstView<Through> dy, View<Through> c,
                             Store store, View<Through> sums, Store store_sums) const {
    const View<Through> vector{sums.data, dy.rows, 1, dy.rows};
    Image image(device_);
    image.reads(x), image.reads(dy), image.writes(c), image.writes(vector);
    image.send();
    typename Device::Scratch scratch;
    longhand::multiply_and_sum_rows(device_, scratch, image(x), image(dy), image(c), store,
                                    image(vector), store_sums);
    image.fetch();
  }
  template <class F, std::size_t I, std::size_t O>
  void for_each(const F& f, const std::array<OperandOf<Through>, I>& in,
                const std::array<View<Through>, O>& out, const float* only_if = nullptr) const {
    Image image(device_);
    image.sweeps(in, out, out[0].rows, out[0].cols);
    image.reads({only_if, 1, 1, 1});
    image.send();
    const ConstView<Device> condition = image(ConstView<Through>{only_if, 1, 1, 1});
    device_.for_each(f, image(in), image(out), only_if == nullptr ? nullptr : condition.data);
    image.fetch();
  }
  template <class F, std::size_t I, std::size_t O, class Next = Nothing>
  void reduce_columns(const F& f, const std::array<OperandOf<Through>, I>& in,
                      const std::array<View<Through>, O>& out, Index rows, View<Through> sums,
                      const Next& next = {}) const {
    Image image(device_);
    image.sweeps(in, out, rows, sums.cols);
    image.writes(sums);
    add(image, next, rows, sums.cols);
    image.send();
    device_.reduce_columns(f, image(in), image(out), rows, image(sums), there(image, next));
    image.fetch();
  }
  template <class F, std::size_t I>
  void reduce_rows(const F& f, const std::array<OperandOf<Through>, I>& in, Index rows, Index cols,
                   View<Through> sums, Store store) const {
    const View<Through> vector{sums.data, rows, 1, rows};
    Image image(device_);
    image.sweeps(in, std::array<View<Through>, 0>{}, rows, cols);
    image.writes(vector);
    image.send();
    device_.reduce_rows(f, image(in), rows, cols, image(vector), store);
    image.fetch();
  }
  template <class F, std::size_t I, class Next = Nothing>
  void reduce(const F& f, const std::array<OperandOf<Through>, I>& in, Index count,
              View<Through> sum, const Next& next = {}) const {
    Image image(device_);
    image.sweeps(in, std::array<View<Through>, 0>{}, count, 1);
    image.writes(sum);
    add(image, next, 1, 1);
    image.send();
    device_.reduce(f, image(in), count, image(sum), there(image, next));
    image.fetch();
  }
  void softmax_columns(ConstView<Through> x, View<Through> y, View<Through> log_sum_exp) const {
    Image image(device_);
    image.reads(x), image.writes(y), image.writes(log_sum_exp);
    image.send();
    device_.softmax_columns(image(x), image(y), image(log_sum_exp));
    image.fetch();
  }
  void one_hot_columns(ConstView<Through> x, View<Through> y) const {
    Image image(device_);
    image.reads(x), image.writes(y);
    image.send();
    device_.one_hot_columns(image(x), image(y));
    image.fetch();
  }
  void move_pictures(const PictureMoves& moves, ConstView<Through> u, ConstView<Through> x,
                     View<Through> y) const {
    Image image(device_);
    image.reads(u), image.reads(x), image.writes(y);
    image.send();
    device_.move_pictures(moves, image(u), image(x), image(y));
    image.fetch();
  }
  template <class Next = Nothing>
  void fill_normal(const NoiseKey& key, SampleIds<Through> ids, View<Through> y,
                   const Next& next = {}) const {
    fill(key, ids, y, next, [&](const auto& k, const auto& id, const auto& to, const auto& after) {
      device_.fill_normal(k, id, to, after);
    });
  }
  template <class Next = Nothing>
  void fill_uniform(const NoiseKey& key, SampleIds<Through> ids, View<Through> y,
                    const Next& next = {}) const {
    fill(key, ids, y, next, [&](const auto& k, const auto& id, const auto& to, const auto& after) {
      device_.fill_uniform(k, id, to, after);
    });
  }
  template <class X, class F, std::size_t I>
  void gather(const F& f, MatrixView<const X, HostMemory> x, SampleIds<Through> ids,
              const std::array<OperandOf<Through>, I>& in, View<Through> y) const {
    const Sent<X> columns(device_, x);
    const Sent<std::uint32_t> there(device_, ids);
    Image image(device_);
    image.sweeps(in, std::array<View<Through>, 1>{y}, y.rows, y.cols);
    image.send();
    device_.gather(f, columns.view, there.view, image(in), image(y));
    image.fetch();
  }
  void permute(const Permutation& order, SampleIds<Through> ids,
               MatrixView<std::uint32_t, HostMemory> y) const {
    const Sent<std::uint32_t> there(device_, ids);
    const Buffer<Device, std::uint32_t> result(y.cols);
    const MatrixView<std::uint32_t, typename Device::Memory> to{result.data(), 1, y.cols, 1};
    device_.permute(order, there.view, to);
    device_.download(to, y.data);
  }
  template <std::size_t N>
  void copy_at(std::uint32_t* n, const std::array<CountedCopy<HostMemory>, N>& copies,
               std::uint32_t add) const {
    using Words = Buffer<Device, std::uint32_t>;
    constexpr Index word = sizeof(std::uint32_t);
    const Words number(1);
    device_.upload(n, number.column());
    std::array<Words, N> from, to;
    std::array<CountedCopy<typename Device::Memory>, N> there;
    for (std::size_t k = 0; k < N; ++k) {
      const CountedCopy<HostMemory>& c = copies[k];
      from[k] = Words((*n * c.from_step + c.bytes) / word);
      to[k] = Words((*n * c.to_step + c.bytes) / word);
      device_.upload(static_cast<const std::uint32_t*>(c.from), from[k].column());
      device_.upload(static_cast<const std::uint32_t*>(c.to), to[k].column());
      there[k] = {from[k].data(), c.from_step, to[k].data(), c.to_step, c.bytes};
    }
    device_.copy_at(number.data(), there, add);
    device_.download(number.column(), n);
    for (std::size_t k = 0; k < N; ++k)
      device_.download(to[k].column(), static_cast<std::uint32_t*>(copies[k].to));
  }
  void copy(ConstView<Through> x, View<Through> y) const {
    Image image(device_);
    image.reads(x), image.writes(y);
    image.send();
    device_.copy(image(x), image(y));
    image.fetch();
  }
  void fill(View<Through> y, float value) const {
    Image image(device_);
    image.writes(y);
    image.send();
    device_.fill(image(y), value);
    image.fetch();
  }
  template <class U>
  void upload(const U* host, MatrixView<U, HostMemory> y) const {
    for (Index j = 0; j < y.cols; ++j) std::copy_n(host + j * y.rows, y.rows, y.data + j * y.ld);
  }
  template <class U>
  void download(MatrixView<U, HostMemory> x, std::remove_const_t<U>* host) const {
    for (Index j = 0; j < x.cols; ++j) std::copy_n(x.data + j * x.ld, x.rows, host + j * x.rows);
  }

 private:
  /// What one call touches, on both sides: runs of host memory, gaps included, each copied to the
  /// device between two bands of NaN. Operands that overlap at home overlap there.
  class Image {
   public:
    explicit Image(const Device& device) : device_(device) {}

    void reads(const ConstView<Through>& m) { add(m.data, m.rows, m.cols, 1, m.ld, false); }
    void writes(const View<Through>& m) { add(m.data, m.rows, m.cols, 1, m.ld, true); }
    template <std::size_t I, std::size_t O>
    void sweeps(const std::array<OperandOf<Through>, I>& in,
                const std::array<View<Through>, O>& out, Index rows, Index cols) {
      for (const auto& x : in) add(x.data, rows, cols, x.row_step, x.col_step, false);
      for (const auto& y : out) add(y.data, rows, cols, 1, y.ld, true);
    }

    void send() {
      std::sort(runs_.begin(), runs_.end(),
                [](const Run& a, const Run& b) { return a.begin < b.begin; });
      std::vector<Run> merged;
      for (Run& run : runs_) {
        if (!merged.empty() && run.begin < merged.back().end) {
          merged.back().end = std::max(merged.back().end, run.end);
          merged.back().written |= run.written;
        } else {
          merged.push_back(std::move(run));
        }
      }
      runs_ = std::move(merged);
      for (Run& run : runs_) {
        run.sent.assign(static_cast<std::size_t>(run.length() + 2 * kBand), guard());
        std::copy(run.begin, run.end, run.sent.begin() + kBand);
        run.there = Buffer<Device>(run.length() + 2 * kBand);
        device_.upload(run.sent.data(), run.there.column());
      }
    }

    /// Brings home what may have changed; throws if anything else did.
    void fetch() {
      for (Run& run : runs_) {
        std::vector<float> back(run.sent.size());
        device_.download(run.there.column(), back.data());
        const auto same = [&](Index first, Index count) {
          return std::memcmp(back.data() + first, run.sent.data() + first,
                             static_cast<std::size_t>(count) * sizeof(float)) == 0;
        };
        if (!same(0, kBand) || !same(kBand + run.length(), kBand))
          throw std::logic_error("a kernel wrote outside its matrix");
        if (run.written)
          std::copy_n(back.begin() + kBand, run.length(), const_cast<float*>(run.begin));
        else if (!same(kBand, run.length()))
          throw std::logic_error("a kernel wrote into an input");
      }
    }

    ConstView<Device> operator()(const ConstView<Through>& m) const {
      return {place(m.data, m.size()), m.rows, m.cols, m.ld};
    }
    View<Device> operator()(const View<Through>& m) const {
      return {place(m.data, m.size()), m.rows, m.cols, m.ld};
    }
    template <std::size_t I>
    auto operator()(const std::array<OperandOf<Through>, I>& in) const {
      std::array<OperandOf<Device>, I> moved;
      for (std::size_t k = 0; k < I; ++k)
        moved[k] = in[k].data == nullptr
                       ? OperandOf<Device>(in[k].value)
                       : OperandOf<Device>(place(in[k].data, 1), in[k].row_step, in[k].col_step);
      return moved;
    }
    template <std::size_t O>
    auto operator()(const std::array<View<Through>, O>& out) const {
      std::array<View<Device>, O> moved;
      for (std::size_t k = 0; k < O; ++k) moved[k] = (*this)(out[k]);
      return moved;
    }

   private:
    static constexpr Index kBand = 64;
    static float guard() { return std::numeric_limits<float>::quiet_NaN(); }

    struct Run {
      const float *begin, *end;
      bool written;
      std::vector<float> sent = {};
      Buffer<Device> there = {};
      Index length() const { return end - begin; }
    };

    void add(const float* data, Index rows, Index cols, Index row_step, Index col_step,
             bool written) {
      if (data == nullptr || rows == 0 || cols == 0) return;
      runs_.push_back({data, data + (rows - 1) * row_step + (cols - 1) * col_step + 1, written});
    }
    /// Where the device has what the host has at `home`; nowhere if it is empty.
    float* place(const float* home, Index size) const {
      if (size == 0) return nullptr;
      for (const Run& run : runs_)
        if (home >= run.begin && home < run.end)
          return run.there.data() + kBand + (home - run.begin);
      return nullptr;
    }

    const Device& device_;
    std::vector<Run> runs_;
  };

  /// What no kernel writes, gaps included.
  template <class X>
  struct Sent {
    Buffer<Device, X> buffer;
    MatrixView<const X, typename Device::Memory> view;
    Sent(const Device& device, const MatrixView<const X, HostMemory>& m) {
      if (!m.present() || m.size() == 0 || m.data == nullptr) return;
      buffer = Buffer<Device, X>((m.cols - 1) * m.ld + m.rows);
      device.upload(m.data, buffer.column());
      view = {buffer.data(), m.rows, m.cols, m.ld};
    }
  };

  template <class Next, class Call>
  void fill(NoiseKey key, SampleIds<Through> ids, const View<Through>& y, const Next& next,
            const Call& call) const {
    const Sent<std::uint32_t> rows(device_, ids), step(device_, {key.step_at, 1, 1, 1});
    key.step_at = step.view.data;
    Image image(device_);
    image.writes(y);
    add(image, next, y.rows, y.cols);
    image.send();
    call(key, rows.view, image(y), there(image, next));
    image.fetch();
  }

  static void add(Image&, const Nothing&, Index, Index) {}
  template <class F, std::size_t I, std::size_t O>
  static void add(Image& image, const Then<Through, F, I, O>& next, Index rows, Index cols) {
    image.sweeps(next.inputs, next.outputs, rows, cols);
  }
  static Nothing there(const Image&, const Nothing&) { return {}; }
  template <class F, std::size_t I, std::size_t O>
  static Then<Device, F, I, O> there(const Image& image, const Then<Through, F, I, O>& next) {
    return {next.formula, image(next.inputs), image(next.outputs)};
  }

  Device device_;
};

}  // namespace longhand::test
