// SPDX-License-Identifier: MIT
#pragma once
#include <cuda_runtime_api.h>

#include <atomic>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "cublas.hpp"
#include "epilogue.hpp"

namespace longhand::cuda {

/// What CUDA says about a status: "out of memory (cudaErrorMemoryAllocation)".
std::string text_of(cudaError_t status);

/// A primitive and its shape, for messages: "gather of 784 x 128", "multiply of 400 x 128 (depth
/// 784)".
std::string shaped(const char* primitive, Index rows, Index cols);
std::string shaped_product(Index rows, Index cols, Index depth);

/// Held while anything is recorded, and by whatever would spoil that from another thread: cuBLAS
/// waits for the device when a handle is made and when it goes.
std::recursive_mutex& recording_somewhere();

class Engine {
 public:
  // What cuBLAS works in, a size NVIDIA advises for Hopper. Given by us, so that a product's bits
  // do not depend on what else runs.
  static constexpr std::size_t kWorkspace = std::size_t{32} << 20;

  Engine();
  ~Engine();

  cudaStream_t stream() const { return stream_.get(); }
  cublasHandle_t cublas() const { return cublas_.get(); }
  void* workspace() const { return workspace_.get(); }
  float* partials() const { return partials_.get(); }
  std::mutex& partials_in_use() { return partials_in_use_; }

  /// Asked of cuBLASLt once per key: it takes tens of microseconds, and cannot be recorded.
  std::optional<cublasLtMatmulAlgo_t> algorithm_of(ProductWithEpilogue& product);
  /// Forgets the algorithm of a key: cuBLASLt has none after all.
  void forget_algorithm_of(const ProductWithEpilogue& product);
  bool has_algorithms() const { return !algorithms_.empty(); }
  /// The algorithms that `other` found.
  void copy_algorithms_from(Engine& other) {
    const std::scoped_lock lock(algorithms_in_use_, other.algorithms_in_use_);
    algorithms_ = other.algorithms_;
    if (side_ && other.side_) side_->copy_algorithms_from(*other.side_);
  }

  /// The second engine: none, or this one's for as long as it is.
  const std::shared_ptr<Engine>& side() const { return side_; }
  void add_side();
  void fork();
  void join();

  /// While work is recorded nothing may wait for the device.
  void set_recording(bool recording) {
    recording_ = recording;
    if (side_) side_->set_recording(recording);
  }

  void require_sound() const { health_->require_sound(); }
  /// Throw CudaError for a status that is not success; `what` makes the text of the primitive.
  template <class What>
  void check(cudaError_t status, const char* call, const What& what) {
    if (status != cudaSuccess) fail(what() + ": " + call + ": " + text_of(status));
  }
  template <class What>
  void check(cublasStatus_t status, const char* call, const What& what) {
    if (status == CUBLAS_STATUS_SUCCESS) return;
    const std::string message = what() + ": " + call + ": " + text_of(status);
    if (status == CUBLAS_STATUS_ALLOC_FAILED) {
      cudaGetLastError();
      throw CudaOutOfMemory(message);
    }
    fail(message);
  }

 private:
  /// Clears the error; if the device is still unwell the error lasts. (While work is recorded it
  /// cannot be asked; the engine that plays will find out.)
  [[noreturn]] void fail(const std::string& message);

  struct Release {
    void operator()(cudaStream_t stream) const { cudaStreamDestroy(stream); }
    void operator()(cublasHandle_t handle) const { Cublas::library().destroy(handle); }
    void operator()(cudaEvent_t event) const { cudaEventDestroy(event); }
    void operator()(void* memory) const { release(memory); }
  };
  template <class Handle>
  using Owned = std::unique_ptr<std::remove_pointer_t<Handle>, Release>;

  std::shared_ptr<Health> health_ = std::make_shared<Health>();  ///< the side's too
  bool recording_ = false;
  std::shared_ptr<Engine> side_;
  std::atomic<bool> forked_ = false;  ///< ever
  Owned<cudaStream_t> stream_;
  Owned<cudaEvent_t> fork_, join_;
  Owned<float*> partials_;
  Owned<void*> workspace_;
  Owned<cublasHandle_t> cublas_;  // destroyed first
  std::mutex partials_in_use_;
  std::mutex algorithms_in_use_;
  std::map<AlgorithmKey, std::optional<cublasLtMatmulAlgo_t>> algorithms_;
};

}  // namespace longhand::cuda
