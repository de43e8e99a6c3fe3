// SPDX-License-Identifier: MIT
// What the GPU can do at most, by the backend's own primitives: copying, starting kernels, and
// products, a large one and those of the step of `classic`. Lines
//
//   ceiling <tab> what <tab> batch <tab> precision <tab> amount <tab> seconds: median <tab> least
//   <tab> most
//
// where the seconds are those of one call and the amount is what it does: bytes, kernels, FLOPs.
// The clock is the host's around many calls, recorded in one CUDA graph unless it says otherwise.
//
// Usage: gpu_ceilings
#include <chrono>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "longhand/backend/cuda.hpp"
#include "longhand/core/replay.hpp"
#include "spread.hpp"
#include "workload.hpp"

namespace longhand::benchmark {
namespace {

using B = Cuda<float>;

constexpr int kRounds = 11;

/// A line for work(on), done `times` times a round: in one recording, or call by call.
template <class Work>
void measure(const B& backend, const std::string& what, const std::string& labels, double amount,
             Index times, bool recorded, const Work& work) {
  using Clock = std::chrono::steady_clock;
  Replay<B> replay(recorded ? times : 0);
  std::vector<double> seconds;
  replay.run(backend, 1, work);
  for (int round = 0; round <= kRounds; ++round) {
    backend.synchronize();
    const Clock::time_point start = Clock::now();
    replay.run(backend, times, work);
    backend.synchronize();
    const double each =
        std::chrono::duration<double>(Clock::now() - start).count() / static_cast<double>(times);
    if (round > 0) seconds.push_back(each);  // the first one records
  }
  const Spread s = spread(seconds);
  std::printf("ceiling\t%s\t%s\t%.0f\t%.4e\t%.4e\t%.4e\n", what.c_str(), labels.c_str(), amount,
              s.median, s.least, s.most);
  std::fflush(stdout);
}

/// Numbers drawn at random: products of zeros take less power, and run faster.
class Matrix {
 public:
  Matrix(const B& backend, Index rows, Index cols)
      : buffer_(rows * cols), view_{buffer_.data(), rows, cols, rows} {
    backend.fill_normal({.seed = 0, .step = 0, .stream = Stream::user, .draw = 0}, {}, view_);
  }
  const View<B>& view() const { return view_; }

 private:
  Buffer<B> buffer_;
  View<B> view_;
};

void product(const B& backend, const std::string& what, const std::string& labels, Index times,
             Transpose ta, Transpose tb, Index m, Index n, Index k) {
  const Matrix a = ta == Transpose::yes ? Matrix(backend, k, m) : Matrix(backend, m, k),
               b = tb == Transpose::yes ? Matrix(backend, n, k) : Matrix(backend, k, n),
               c(backend, m, n);
  B::Scratch scratch;
  measure(backend, what, labels, 2.0 * static_cast<double>(m) * static_cast<double>(n * k), times,
          true, [&](const B& here) {
            here.multiply(scratch, ta, a.view(), tb, b.view(), c.view(), Store::assign, Nothing{});
          });
}

/// Of the layers of a net, W being (out, in) row-major, which read in columns is in x out.
void products_of_step(const B& backend, const Net& net, Index batch, const std::string& precision) {
  const std::string labels = std::to_string(batch) + "\t" + precision;
  int number = 1;
  for (const auto& [in, out] : net.layers()) {
    const std::string layer = std::to_string(number);
    product(backend, "Y" + layer, labels, 100, Transpose::yes, Transpose::no, out, batch, in);
    product(backend, "dW" + layer, labels, 100, Transpose::no, Transpose::yes, in, out, batch);
    if (number > 1)
      product(backend, "dX" + layer, labels, 100, Transpose::no, Transpose::no, in, batch, out);
    ++number;
  }
}

void measure_all() {
  const B backend;
  {
    constexpr Index kCount = Index{1} << 28;  // a gigabyte of floats, far more than any cache
    const Buffer<B> from(kCount), to(kCount);
    measure(backend, "copy", "-\t-", 2.0 * kCount * sizeof(float), 10, true,
            [&](const B& here) { here.copy(from.column(), to.column()); });
  }
  {
    const Buffer<B> one(1);
    const auto fill = [&](const B& here) { here.fill(one.column(), 1); };
    measure(backend, "kernel in a graph", "-\t-", 1, 1000, true, fill);
    measure(backend, "kernel by itself", "-\t-", 1, 1000, false, fill);
  }
  for (const Precision precision : {Precision::fp32, Precision::tf32}) {
    const B here(precision);
    const std::string name = precision == Precision::tf32 ? "tf32" : "fp32";
    product(here, "large product", "-\t" + name, 5, Transpose::no, Transpose::no, 8192, 8192, 8192);
    for (const Index batch : kBatches) products_of_step(here, net_called("classic"), batch, name);
  }
}

}  // namespace
}  // namespace longhand::benchmark

int main() {
  using namespace longhand;
  const std::string reason = cuda::unavailable();
  if (!reason.empty()) return std::fprintf(stderr, "gpu_ceilings: %s\n", reason.c_str()), 77;
  try {
    benchmark::measure_all();
  } catch (const std::exception& error) {
    return std::fprintf(stderr, "gpu_ceilings: %s\n", error.what()), 1;
  }
  return 0;
}
