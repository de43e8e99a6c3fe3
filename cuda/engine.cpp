// SPDX-License-Identifier: MIT
#include "engine.hpp"

#include "longhand/backend/cuda_kernels.hpp"

namespace longhand::cuda {

/// Whether the kernels of this build run on the current device (cuda/noise.cu).
cudaError_t find_kernels();

std::string text_of(cudaError_t status) {
  return std::string(cudaGetErrorString(status)) + " (" + cudaGetErrorName(status) + ")";
}

std::string shaped(const char* primitive, Index rows, Index cols) {
  return std::string(primitive) + " of " + std::to_string(rows) + " x " + std::to_string(cols);
}

std::string shaped_product(Index rows, Index cols, Index depth) {
  return shaped("multiply", rows, cols) + " (depth " + std::to_string(depth) + ")";
}

std::string unavailable() {
  int devices = 0;  // left as it is when the call fails
  const cudaError_t status = cudaGetDeviceCount(&devices);
  if (status == cudaSuccess && devices > 0) return {};
  cudaGetLastError();
  if (status == cudaErrorInsufficientDriver)
    return "there is no CUDA driver, or none new enough for this build (CUDA " +
           std::to_string(CUDART_VERSION / 1000) + "." +
           std::to_string(CUDART_VERSION % 1000 / 10) + ")";
  if (status == cudaSuccess || status == cudaErrorNoDevice) return "there is no CUDA device";
  return "CUDA does not start: " + text_of(status);
}

std::shared_ptr<Engine> make_engine(bool with_side) {
  const std::string reason = unavailable();
  if (!reason.empty()) throw NoCudaDevice(reason);
  const cudaError_t kernels = find_kernels();
  if (kernels != cudaSuccess) {
    cudaGetLastError();
    throw NoCudaDevice("this build has no kernels for the device: " + text_of(kernels));
  }
  auto engine = std::make_shared<Engine>();
  if (with_side) engine->add_side();
  return engine;
}

Engine::Engine() {
  const auto starting = [] { return std::string("starting the CUDA backend"); };
  cudaStream_t stream = nullptr;
  check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "cudaStreamCreate", starting);
  stream_.reset(stream);
  partials_.reset(static_cast<float*>(allocate(kPartials * sizeof(float))));
  workspace_.reset(allocate(kWorkspace));

  const std::lock_guard lock(recording_somewhere());
  const Cublas& library = Cublas::library();
  cublasHandle_t handle = nullptr;
  check(library.create(&handle), "cublasCreate", starting);
  cublas_.reset(handle);
  check(library.set_stream(handle, stream), "cublasSetStream", starting);
  check(library.set_workspace(handle, workspace_.get(), kWorkspace), "cublasSetWorkspace",
        starting);
}

std::optional<cublasLtMatmulAlgo_t> Engine::algorithm_of(ProductWithEpilogue& product) {
  const std::lock_guard lock(algorithms_in_use_);
  const AlgorithmKey& key = product.key();
  const auto known = algorithms_.find(key);
  if (known != algorithms_.end()) return known->second;
  if (recording_)
    fail(shaped_product(key.rows, key.cols, key.depth) +
         ": a product with an epilogue must be done once before it is recorded");
  return algorithms_[key] = product.find_algorithm(cublas(), kWorkspace);
}

void Engine::forget_algorithm_of(const ProductWithEpilogue& product) {
  const std::lock_guard lock(algorithms_in_use_);
  algorithms_[product.key()] = std::nullopt;
}

void Engine::add_side() {
  side_ = std::make_shared<Engine>();
  side_->health_ = health_;
  for (Owned<cudaEvent_t>* owned : {&fork_, &join_}) {
    cudaEvent_t event = nullptr;
    check(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), "cudaEventCreate",
          [] { return std::string("starting the CUDA backend"); });
    owned->reset(event);
  }
}

void Engine::fork() {
  const auto what = [] { return std::string("forking"); };
  check(cudaEventRecord(fork_.get(), stream()), "cudaEventRecord", what);
  check(cudaStreamWaitEvent(side_->stream(), fork_.get(), 0), "cudaStreamWaitEvent", what);
  forked_ = true;
}

void Engine::join() {
  // A stream that never forked off is no part of what is recorded.
  if (!forked_) return;
  const auto what = [] { return std::string("joining"); };
  check(cudaEventRecord(join_.get(), side_->stream()), "cudaEventRecord", what);
  check(cudaStreamWaitEvent(stream(), join_.get(), 0), "cudaStreamWaitEvent", what);
}

std::shared_ptr<Engine> fork(Engine& backend) {
  backend.require_sound();
  backend.fork();
  return backend.side();
}

void join(Engine& backend) {
  backend.require_sound();
  backend.join();
}

Engine::~Engine() {
  const std::lock_guard lock(recording_somewhere());
  cublas_.reset();
}

std::recursive_mutex& recording_somewhere() {
  static auto& mutex = *new std::recursive_mutex;  // outlives every engine
  return mutex;
}

void Engine::fail(const std::string& message) {
  cudaGetLastError();
  const bool lasting = !recording_ && cudaStreamSynchronize(stream_.get()) != cudaSuccess;
  cudaGetLastError();
  health_->fail(message, lasting);
}

void* allocate(std::size_t bytes) {
  void* data = nullptr;
  cudaError_t status = cudaMalloc(&data, bytes);
  const std::string what = "allocating " + std::to_string(bytes) + " bytes on the device";
  if (status == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    std::size_t left = 0, all = 0;
    cudaMemGetInfo(&left, &all);
    throw CudaOutOfMemory(what + ": only " + std::to_string(left) + " of " + std::to_string(all) +
                          " are free");
  }
  if (status == cudaSuccess) status = cudaMemset(data, 0, bytes);
  // The engines' streams do not wait for the one that clears.
  if (status == cudaSuccess) status = cudaStreamSynchronize(cudaStreamLegacy);
  if (status != cudaSuccess) {
    cudaGetLastError();
    cudaFree(data);
    throw CudaError(what + ": " + text_of(status));
  }
  return data;
}

void release(void* data) noexcept {
  cudaFree(data);  // waits for the kernels that use it; nobody to tell if it fails
  cudaGetLastError();
}

namespace {

/// `cols` columns of `column_bytes`, so many bytes apart on either side. Returns when they are
/// there.
void copy_columns(Engine& backend, const char* primitive, void* to, std::size_t to_pitch,
                  const void* from, std::size_t from_pitch, std::size_t column_bytes, Index cols,
                  cudaMemcpyKind kind) {
  join(backend);
  const auto columns = static_cast<std::size_t>(cols);
  if (column_bytes * columns == 0) return;
  const auto what = [&] { return shaped(primitive, static_cast<Index>(column_bytes), cols); };
  if (cols == 1 || (to_pitch == column_bytes && from_pitch == column_bytes))
    backend.check(cudaMemcpyAsync(to, from, column_bytes * columns, kind, backend.stream()),
                  "cudaMemcpyAsync", what);
  else
    backend.check(cudaMemcpy2DAsync(to, to_pitch, from, from_pitch, column_bytes, columns, kind,
                                    backend.stream()),
                  "cudaMemcpy2DAsync", what);
  backend.check(cudaStreamSynchronize(backend.stream()), "cudaStreamSynchronize", what);
}

}  // namespace

void upload(Engine& backend, const void* host, void* device, std::size_t pitch,
            std::size_t column_bytes, Index cols) {
  copy_columns(backend, "upload", device, pitch, host, column_bytes, column_bytes, cols,
               cudaMemcpyHostToDevice);
}

void download(Engine& backend, const void* device, std::size_t pitch, void* host,
              std::size_t column_bytes, Index cols) {
  copy_columns(backend, "download", host, column_bytes, device, pitch, column_bytes, cols,
               cudaMemcpyDeviceToHost);
}

void synchronize(Engine& backend) {
  join(backend);
  backend.check(cudaStreamSynchronize(backend.stream()), "cudaStreamSynchronize",
                [] { return std::string("synchronize"); });
}

// What backend/cuda_launch.cuh needs.
void* stream(Engine& backend) {
  backend.require_sound();
  return backend.stream();
}
void launched(Engine& backend, int status, const char* kernel, Index rows, Index cols) {
  backend.check(static_cast<cudaError_t>(status), "launch",
                [&] { return shaped(kernel, rows, cols); });
}
float* lock_partials(Engine& backend) {
  backend.partials_in_use().lock();
  return backend.partials();
}
void unlock_partials(Engine& backend) { backend.partials_in_use().unlock(); }

}  // namespace longhand::cuda
