// SPDX-License-Identifier: MIT
// Microseconds per training step on the GPU, everything included: gather, forward, loss, backward,
// Adam, and what the trainer reads back. One line per net, batch, precision and way of asking for a
// step (call by call, as one CUDA graph, as a graph of 16 steps):
//
//   longhand eager | graph | graph x16 <tab> net <tab> batch <tab> precision <tab> us per step
//   <tab> s per epoch <tab> loss
//
// The loss is the same for all three: they do the same work.
//
// The data are 60,000 x 784 grey values that benchmarks/gpu_peers.py makes too.
//
// Usage: gpu_step [EPOCHS]   (the first two warm up and record, the median of the others counts)
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>
#include <vector>

#include "longhand/backend/cuda.hpp"
#include "longhand/train/trainer.hpp"

namespace {

using namespace longhand;

constexpr Index kRows = 60'000, kPixels = 784;

std::vector<std::uint8_t> grey() {
  std::vector<std::uint8_t> x(static_cast<std::size_t>(kRows * kPixels));
  for (Index j = 0; j < kRows; ++j)
    for (Index i = 0; i < kPixels; ++i)
      x[static_cast<std::size_t>(j * kPixels + i)] =
          static_cast<std::uint8_t>(31 * i + 17 * j + i * (j % 97));
  return x;
}

struct Net {
  const char* name;
  std::vector<Index> hidden;
};

struct Way {
  const char* name;
  Index steps_per_launch;
};

void time_one(const Net& net, Index batch, Precision precision, const Way& way, Index epochs,
              const std::vector<std::uint8_t>& x) {
  using Model = Vae<Cuda<float>>;
  Model vae({.input_dim = kPixels, .hidden = net.hidden, .latent_dim = 20}, Cuda<float>(precision));
  Data<float> data;
  data.input = samples_in_memory(x.data(), kRows, kPixels);
  const TrainResult result =
      Trainer<Model>(vae,
                     {.epochs = epochs, .batch = batch, .steps_per_launch = way.steps_per_launch})
          .fit(data);
  std::vector<double> seconds;
  for (std::size_t e = 2; e < result.history.size(); ++e)
    seconds.push_back(result.history[e].seconds);
  std::nth_element(seconds.begin(), seconds.begin() + static_cast<Index>(seconds.size() / 2),
                   seconds.end());
  const double median = seconds[seconds.size() / 2];
  const double steps = static_cast<double>((kRows + batch - 1) / batch);
  std::printf("longhand %s\t%s\t%td\t%s\t%.1f\t%.4f\t%.3f\n", way.name, net.name, batch,
              precision == Precision::tf32 ? "tf32" : "fp32", 1e6 * median / steps, median,
              result.history.back().loss);
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  const Index epochs = argc > 1 ? std::max(3, std::atoi(argv[1])) : 6;
  const std::string reason = cuda::unavailable();
  if (!reason.empty()) {
    std::fprintf(stderr, "gpu_step: %s\n", reason.c_str());
    return 77;
  }
  const std::vector<std::uint8_t> x = grey();
  for (const Net& net : {Net{"classic", {400}}, Net{"deep", {64, 16}}, Net{"wide", {1600}}})
    for (const Index batch : {128, 1024, 8192})
      for (const Precision precision : {Precision::fp32, Precision::tf32})
        for (const Way& way : {Way{"eager", 0}, Way{"graph", 1}, Way{"graph x16", 16}})
          time_one(net, batch, precision, way, epochs, x);
  return 0;
}
