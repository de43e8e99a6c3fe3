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
  explicit Capture(Engine& on) : on_(on) {
    on_.check(cudaStreamBeginCapture(on_.stream(), cudaStreamCaptureModeThreadLocal),
              "cudaStreamBeginCapture", Graph::recording);
    on_.set_recording(true);
  }
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;
  ~Capture() {
    if (!finished_) end();
    cudaGetLastError();
  }
  OwnedGraph finish() {
    auto [status, graph] = end();
    on_.check(status, "cudaStreamEndCapture", Graph::recording);
    return std::move(graph);
  }

 private:
  std::pair<cudaError_t, OwnedGraph> end() {
    finished_ = true;
    cudaGraph_t graph = nullptr;
    const cudaError_t status = cudaStreamEndCapture(on_.stream(), &graph);
    on_.set_recording(false);
    return {status, OwnedGraph(graph)};
  }

  Engine& on_;
  bool finished_ = false;
};

/// What cuBLAS prepares at the first products of a handle must not happen inside a recording.
void warm_up(Engine& on) {
  constexpr Index n = 64;
  static_assert(3 * n * n <= kPartials);
  float* const numbers = on.partials();
  for (const Precision precision : {Precision::fp32, Precision::tf32})
    multiply(on, precision, Transpose::no, {numbers, n, n, n}, Transpose::no,
             {numbers + n * n, n, n, n}, {numbers + 2 * n * n, n, n, n}, Store::assign);
  if (on.has_algorithms())  // then cuBLASLt will be asked too
    multiply_with_epilogue(on, Precision::fp32, Epilogue::add_bias, Transpose::no,
                           {numbers, n, n, n}, Transpose::no, {numbers + n * n, n, n, n},
                           {numbers + 2 * n * n, n, n, n}, numbers);
  synchronize(on);
}

}  // namespace

std::shared_ptr<Graph> record(Engine& on,
                              const std::function<void(const std::shared_ptr<Engine>&)>& work) {
  on.require_sound();
  const std::lock_guard lock(recording_somewhere());
  const std::shared_ptr<Engine> recorder = make_engine(on.side() != nullptr);
  recorder->copy_algorithms_from(on);
  warm_up(*recorder);
  if (recorder->side()) warm_up(*recorder->side());
  Capture capture(*recorder);
  work(recorder);
  recorder->join();
  const OwnedGraph graph = capture.finish();
  return std::make_shared<Graph>(recorder, graph.get());
}

void play(Engine& on, const Graph& graph) {
  join(on);
  on.check(cudaGraphLaunch(graph.ready(), on.stream()), "cudaGraphLaunch",
           [] { return std::string("playing recorded work"); });
}

}  // namespace longhand::cuda
