// SPDX-License-Identifier: MIT
#pragma once
#include <mutex>
#include <stdexcept>
#include <string>

namespace longhand {

/// A call of CUDA or cuBLAS failed. The message names the primitive, its shape, the call and what
/// CUDA says about it.
class CudaError : public std::runtime_error {
 public:
  explicit CudaError(const std::string& message) : std::runtime_error("longhand: " + message) {}
};

/// There is no device to compute on, or this build has no kernel for it; the message says which.
class NoCudaDevice : public CudaError {
 public:
  using CudaError::CudaError;
};

/// The device has not enough memory left. Nothing was allocated; smaller requests may succeed.
class CudaOutOfMemory : public CudaError {
 public:
  using CudaError::CudaError;
};

namespace cuda {

/// What a backend remembers of its errors. After one that lasts (an illegal address ends a CUDA
/// context) nothing computed later can be trusted, so every later call says what happened first.
class Health {
 public:
  /// Throws CudaError if an earlier error lasts, so that nothing computed now could be trusted.
  void require_sound() const {
    const std::lock_guard lock(mutex_);
    if (!broken_.empty())
      throw CudaError("this CUDA backend cannot be used any more, since " + broken_);
  }
  /// Throws CudaError for a failed call; one that lasts is remembered.
  [[noreturn]] void fail(const std::string& message, bool lasting) {
    if (lasting) {
      const std::lock_guard lock(mutex_);
      if (broken_.empty()) broken_ = message;
    }
    throw CudaError(message);
  }

 private:
  mutable std::mutex mutex_;
  std::string broken_;
};

}  // namespace cuda
}  // namespace longhand
