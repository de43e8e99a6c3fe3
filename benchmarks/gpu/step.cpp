// SPDX-License-Identifier: MIT
// Time of a training step on the GPU, everything included: gather, forward, loss, backward, Adam,
// and what the trainer writes before and reads after an epoch. For each batch, precision and way of
// asking for a step (call by call, as one CUDA graph, as a graph of 16 steps; that with epilogues
// by cuBLASLt, with a second stream, with both) a line
//
//   time <tab> longhand eager | graph | graph x16 … <tab> net <tab> batch <tab> precision
//   <tab> µs per step: median <tab> least <tab> most <tab> ms per epoch <tab> loss <tab> epochs
//
// The clock is the host's, around whole epochs that end when the device has done all of them: it
// counts the host's share of a step, which CUDA events in a stream would leave out, and is the same
// for the peers (peers.py). A step is an epoch over its steps. ms per epoch is the median from the
// end of one epoch to the end of the next: with the trainer's look at the weights in between.
//
// The loss is that of the last epoch, the same for all but for rounding: they do the same work.
//
// Before that it writes the initial weights (start.hpp).
//
// Usage: gpu_step NET WEIGHTS [EPOCHS]   (the first two warm up and record: they do not count)
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <vector>

#include "longhand/backend/cuda.hpp"
#include "longhand/train/trainer.hpp"
#include "spread.hpp"
#include "start.hpp"

namespace longhand::benchmark {
namespace {

struct Way {
  const char* name;
  Index steps_per_launch;
  Epilogues epilogues = Epilogues::own;
  bool second_stream = false;
};
constexpr Way kWays[] = {
    {"eager", 0},
    {"graph", 1},
    {"graph x16", 16},
    {"graph x16, epilogues", 16, Epilogues::cublas},
    {"graph x16, second stream", 16, Epilogues::own, true},
    {"graph x16, both", 16, Epilogues::cublas, true},
};

void time_one(const Net& net, Index batch, Precision precision, const Way& way, Index epochs,
              const std::vector<std::uint8_t>& x) {
  using Clock = std::chrono::steady_clock;
  using Model = Vae<Cuda<float>>;
  Model vae(config_of(net), Cuda<float>({.precision = precision,
                                         .epilogues = way.epilogues,
                                         .second_stream = way.second_stream}));
  Data<float> data;
  data.input = samples_in_memory(x.data(), kRows, kPixels);
  const double steps = static_cast<double>((kRows + batch - 1) / batch);
  std::vector<double> steps_us, epochs_ms;
  Clock::time_point last;
  TrainOptions options{.epochs = epochs, .batch = batch, .steps_per_launch = way.steps_per_launch};
  options.on_epoch = [&](const EpochReport& report) {
    const Clock::time_point now = Clock::now();
    if (report.epoch > 2) {
      steps_us.push_back(1e6 * report.seconds / steps);
      epochs_ms.push_back(std::chrono::duration<double, std::milli>(now - last).count());
    }
    last = now;
  };
  const TrainResult result = Trainer<Model>(vae, options).fit(data);
  const Spread us = spread(steps_us);
  std::printf("time\tlonghand %s\t%s\t%td\t%s\t%.2f\t%.2f\t%.2f\t%.3f\t%.4f\t%zu\n", way.name,
              std::string(net.name).c_str(), batch, precision == Precision::tf32 ? "tf32" : "fp32",
              us.median, us.least, us.most, spread(epochs_ms).median, result.history.back().loss(),
              steps_us.size());
  std::fflush(stdout);
}

void time_all(const Net& net, const std::string& weights, Index epochs) {
  write_start<Cuda<float>>(net, weights);
  const std::vector<std::uint8_t> x = pictures(kRows);
  for (const Index batch : kBatches)
    for (const Precision precision : {Precision::fp32, Precision::tf32})
      for (const Way& way : kWays) time_one(net, batch, precision, way, epochs, x);
}

}  // namespace
}  // namespace longhand::benchmark

int main(int argc, char** argv) {
  using namespace longhand;
  if (argc < 3) return std::fputs("usage: gpu_step NET WEIGHTS [EPOCHS]\n", stderr), 2;
  const std::string reason = cuda::unavailable();
  if (!reason.empty()) return std::fprintf(stderr, "gpu_step: %s\n", reason.c_str()), 77;
  try {
    benchmark::time_all(benchmark::net_called(argv[1]), argv[2],
                        argc > 3 ? std::max(3, std::atoi(argv[3])) : 12);
  } catch (const std::exception& error) {
    return std::fprintf(stderr, "gpu_step: %s\n", error.what()), 1;
  }
  return 0;
}
