// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "longhand/core/view.hpp"

namespace longhand {

/// Every block and every buffer starts on a cache line.
inline constexpr Index kAlignment = 64;

/// Host memory, zeroed, aligned to a cache line. A backend names the allocator it uses.
struct HostAllocator {
  template <class T>
  static T* allocate(Index count) {
    static_assert(std::is_trivially_destructible_v<T>);
    void* raw = ::operator new (static_cast<std::size_t>(count) * sizeof(T),
                                std::align_val_t{static_cast<std::size_t>(kAlignment)});
    return std::uninitialized_value_construct_n(static_cast<T*>(raw), count), static_cast<T*>(raw);
  }
  template <class T>
  static void release(T* data) {
    ::operator delete (data, std::align_val_t{static_cast<std::size_t>(kAlignment)});
  }
};

/// Owns `count` zeroed elements in backend memory. Copies are deep and explicit (`copy_from` of the
/// backend); moving is cheap.
template <class B, class T = typename B::Scalar>
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(Index count)
      : data_(count > 0 ? B::Allocator::template allocate<T>(count) : nullptr), size_(count) {}
  Buffer(Buffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Buffer() {
    if (data_ != nullptr) B::Allocator::release(data_);
  }

  T* data() const { return data_; }
  Index size() const { return size_; }
  /// The whole buffer as one column.
  MatrixView<T, typename B::Memory> column() const {
    return {data_, size_, 1, std::max<Index>(size_, 1)};
  }

 private:
  T* data_ = nullptr;
  Index size_ = 0;
};

/// An arena for everything a call needs and forgets: activations, caches, gradients of activations,
/// the packing buffers of products. Owned by the caller, one per thread; views taken from it are
/// valid until reset(). It grows during the first pass with the largest batch and never allocates
/// after that: chunks are kept and handed out again in the same order.
template <class B>
class Workspace {
  /// How far the arena is used: a chunk and a place in it.
  struct Position {
    std::size_t chunk = 0;
    Index place = 0;
  };
  struct Used {
    Position backend, rows, host;
  };

 public:
  using Scalar = typename B::Scalar;

  Workspace() = default;
  Workspace(Workspace&&) noexcept = default;
  Workspace& operator=(Workspace&&) noexcept = default;

  /// Takes everything back at once: views taken from the arena are no longer valid.
  void reset() { rewind({}); }

  /// Hands back, when it goes out of scope, what was taken since it was made; what was taken before
  /// stays. Frames are nested like the scopes they live in.
  class Frame {
   public:
    explicit Frame(Workspace& workspace)
        : workspace_(workspace),
          start_{workspace.backend_.used(), workspace.rows_.used(), workspace.host_.used()} {}
    Frame(const Frame&) = delete;
    Frame& operator=(const Frame&) = delete;
    ~Frame() { workspace_.rewind(start_); }

   private:
    Workspace& workspace_;
    Used start_;
  };

  /// A contiguous rows x cols matrix in backend memory; its contents are unspecified.
  View<B> matrix(Index rows, Index cols) {
    return {backend_.take(std::max<Index>(rows * cols, 1)), rows, cols, std::max<Index>(rows, 1)};
  }
  /// A 1 x count matrix for sample numbers in backend memory; its contents are unspecified.
  MatrixView<std::uint32_t, typename B::Memory> sample_ids(Index count) {
    return {rows_.take(count), 1, count, 1};
  }
  /// A span of `count` value-initialised objects in host memory (caches are made of views).
  template <class T>
  std::span<T> host(Index count) {
    static_assert(std::is_trivially_destructible_v<T> && alignof(T) <= kAlignment);
    std::byte* raw = host_.take(count * static_cast<Index>(sizeof(T)));
    T* first = reinterpret_cast<T*>(raw);
    std::uninitialized_value_construct_n(first, count);
    return {first, static_cast<std::size_t>(count)};
  }
  typename B::Scratch& scratch() { return scratch_; }

 private:
  template <class Owner, class T>
  class Arena {
   public:
    T* take(Index count) {
      constexpr Index per_line = std::max<Index>(1, kAlignment / static_cast<Index>(sizeof(T)));
      const Index rounded = (count + per_line - 1) / per_line * per_line;
      while (used_.chunk < chunks_.size() && used_.place + rounded > chunks_[used_.chunk].size())
        used_ = {used_.chunk + 1, 0};
      if (used_.chunk == chunks_.size()) {
        const Index more = std::max(rounded, std::max<Index>(1024, total_ / 2));
        chunks_.emplace_back(more);
        total_ += more;
      }
      T* place = chunks_[used_.chunk].data() + used_.place;
      used_.place += rounded;
      return place;
    }
    Position used() const { return used_; }
    void rewind(Position to) { used_ = to; }

   private:
    std::vector<Buffer<Owner, T>> chunks_;
    Position used_;
    Index total_ = 0;
  };
  struct Host {
    using Memory = HostMemory;
    using Allocator = HostAllocator;
    using Scalar = std::byte;
  };

  void rewind(const Used& to) {
    backend_.rewind(to.backend);
    rows_.rewind(to.rows);
    host_.rewind(to.host);
  }

  Arena<B, Scalar> backend_;
  Arena<B, std::uint32_t> rows_;
  Arena<Host, std::byte> host_;
  typename B::Scratch scratch_;
};

}  // namespace longhand
