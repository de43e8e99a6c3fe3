// SPDX-License-Identifier: MIT
#include "jobs.hpp"
#include "longhand/backend/cpu.hpp"
#include "training.hpp"

namespace longhand::benchmark {

namespace {
struct Nobody {
  void start(const Json&) {}
  void add_to(Json&) {}
};
}  // namespace

void train(int threads) {
  Nobody observer;
  for (Request request = next_request(); asks_for(request, "setup");)
    request = serve_training(Cpu<float>(threads), *request, observer);
}

}  // namespace longhand::benchmark
