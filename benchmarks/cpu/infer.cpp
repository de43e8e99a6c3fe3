// SPDX-License-Identifier: MIT
#include <chrono>
#include <string>

#include "jobs.hpp"
#include "longhand/backend/cpu.hpp"
#include "workload.hpp"

namespace longhand::benchmark {

namespace {

/// The call that is measured: rows in, rows out, encoder and decoder, no noise.
class Reconstruction {
 public:
  Reconstruction(const std::string& weights, int threads)
      : vae_(io::load_model<Cpu<float>>(weights, Cpu<float>(threads))) {}
  const Samples<float>& operator()(const Samples<float>& x) {
    result_ = vae_.reconstruct(x);
    return result_;
  }

 private:
  Vae<Cpu<float>> vae_;
  Samples<float> result_;
};

}  // namespace

void infer(int threads) {
  using Clock = std::chrono::steady_clock;
  Request request = next_request();
  while (asks_for(request, "setup")) {
    const Rows rows = read_rows(*request);
    const Samples<float> x = rows.samples();
    Reconstruction reconstruct(request->at("weights"), threads);
    const auto first = reconstruct(x).view();
    answer({{"first_row", std::vector<float>(first.data, first.data + first.rows)}});
    while (asks_for(request = next_request(), "run")) {
      const long calls = request->at("calls");
      const auto start = Clock::now();
      for (long call = 0; call < calls; ++call) reconstruct(x);
      answer({{"seconds", std::chrono::duration<double>(Clock::now() - start).count()}});
    }
  }
}

}  // namespace longhand::benchmark
