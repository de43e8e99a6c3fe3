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
  Reconstruction(const std::string& weights, int threads, const Samples<float>& x)
      : vae_(io::load_model<Vae<Cpu<float>>>(weights, Cpu<float>(threads))),
        x_(x),
        y_(x.dim(), x.count()) {}
  void operator()() { vae_.reconstruct(x_.view(), columns_of(y_), workspace_); }
  std::vector<float> first_sample() const { return {y_.data(), y_.data() + y_.rows()}; }

 private:
  Vae<Cpu<float>> vae_;
  const Samples<float>& x_;
  Eigen::MatrixXf y_;
  Workspace<Cpu<float>> workspace_;
};

}  // namespace

void infer(int threads) {
  using Clock = std::chrono::steady_clock;
  Request request = next_request();
  while (asks_for(request, "setup")) {
    const Rows rows = read_rows(*request);
    const Samples<float> x = rows.numbers(rows.count);
    Reconstruction reconstruct(request->at("weights"), threads, x);
    reconstruct();
    answer({{"first_row", reconstruct.first_sample()}});
    while (asks_for(request = next_request(), "run")) {
      const long calls = request->at("calls");
      const auto start = Clock::now();
      for (long call = 0; call < calls; ++call) reconstruct();
      answer({{"seconds", std::chrono::duration<double>(Clock::now() - start).count()}});
    }
  }
}

}  // namespace longhand::benchmark
