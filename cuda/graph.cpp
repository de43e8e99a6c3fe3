// SPDX-License-Identifier: MIT
#include <utility>

#include "engine.hpp"
#include "longhand/backend/cuda_kernels.hpp"

namespace longhand::cuda {

/// A CUDA graph, with the engine whose scratch its kernels use.
class Graph {
 public:
  Graph(std::shared_ptr<Engine> recorder, cudaGraph_t graph) : recorder_(std::move(recorder)) {
    recorder_->check(cudaGraphInstantiate(&ready_, graph, 0), "cudaGraphInstantiate", recording);
  }
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;
  ~Graph() {
    cudaGraphExecDestroy(ready_);  // while it runs, CUDA waits with it
    cudaGetLastError();
  }
  cudaGraphExec_t ready() const { return ready_; }

  static std::string recording() { return "recording work"; }

 private:
  std::shared_ptr<Engine> recorder_;
  cudaGraphExec_t ready_ = nullptr;
};

namespace {

struct DestroyGraph {
  void operator()(cudaGraph_t graph) const { cudaGraphDestroy(graph); }
};
using OwnedGraph = std::unique_ptr<std::remove_pointer_t<cudaGraph_t>, DestroyGraph>;

/// From its making to finish() everything asked of the engine by this thread is gathered instead of
/// done; without finish() what was gathered is thrown away.
class Capture {
 public:
  explicit Capture(Engine& backend) : backend_(backend) {
    backend_.check(cudaStreamBeginCapture(backend_.stream(), cudaStreamCaptureModeThreadLocal),
                   "cudaStreamBeginCapture", Graph::recording);
    backend_.set_recording(true);
  }
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;
  ~Capture() {
    if (!finished_) end();
    cudaGetLastError();
  }
  OwnedGraph finish() {
    auto [status, graph] = end();
    backend_.check(status, "cudaStreamEndCapture", Graph::recording);
    return std::move(graph);
  }

 private:
  std::pair<cudaError_t, OwnedGraph> end() {
    finished_ = true;
    cudaGraph_t graph = nullptr;
    const cudaError_t status = cudaStreamEndCapture(backend_.stream(), &graph);
    backend_.set_recording(false);
    return {status, OwnedGraph(graph)};
  }

  Engine& backend_;
  bool finished_ = false;
};

/// What cuBLAS prepares at the first products of a handle must not happen inside a recording.
void warm_up(Engine& backend) {
  constexpr Index n = 64;
  static_assert(3 * n * n <= kPartials);
  float* const numbers = backend.partials();
  for (const Precision precision : {Precision::fp32, Precision::tf32})
    multiply(backend, precision, Transpose::no, {numbers, n, n, n}, Transpose::no,
             {numbers + n * n, n, n, n}, {numbers + 2 * n * n, n, n, n}, Store::assign);
  if (backend.has_algorithms())  // then cuBLASLt will be asked too
    multiply_with_epilogue(backend, Precision::fp32, Epilogue::add_bias, Transpose::no,
                           {numbers, n, n, n}, Transpose::no, {numbers + n * n, n, n, n},
                           {numbers + 2 * n * n, n, n, n}, numbers);
  synchronize(backend);
}

}  // namespace

std::shared_ptr<Graph> record(Engine& backend,
                              const std::function<void(const std::shared_ptr<Engine>&)>& work) {
  backend.require_sound();
  const std::lock_guard lock(recording_somewhere());
  const std::shared_ptr<Engine> recorder = make_engine(backend.side() != nullptr);
  recorder->copy_algorithms_from(backend);
  warm_up(*recorder);
  if (recorder->side()) warm_up(*recorder->side());
  Capture capture(*recorder);
  work(recorder);
  recorder->join();
  const OwnedGraph graph = capture.finish();
  return std::make_shared<Graph>(recorder, graph.get());
}

void play(Engine& backend, const Graph& graph) {
  join(backend);
  backend.check(cudaGraphLaunch(graph.ready(), backend.stream()), "cudaGraphLaunch",
                [] { return std::string("playing recorded work"); });
}

}  // namespace longhand::cuda
