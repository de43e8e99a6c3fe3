// SPDX-License-Identifier: MIT
// What benchmarks/cpu/run.py measures of longhand, and of the machine: one job per process, which
// serves the requests of protocol.hpp.
//
// Usage: cpu_benchmark prepare|train|stages|products|infer|fma|read THREADS
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <map>
#include <string>

#include "jobs.hpp"
#include "protocol.hpp"

int main(int argc, char** argv) {
  using namespace longhand::benchmark;
  const std::map<std::string, std::function<void(int)>> jobs{
      {"prepare", [](int) { prepare(); }},
      {"train", train},
      {"stages", time_stages},
      {"products", time_products},
      {"infer", infer},
      {"fma", measure_fma},
      {"read", measure_read},
  };
  const auto job = jobs.find(argc == 3 ? argv[1] : "");
  if (job == jobs.end()) {
    std::fprintf(stderr,
                 "usage: cpu_benchmark prepare|train|stages|products|infer|fma|read THREADS\n");
    return 2;
  }
  try {
    job->second(std::atoi(argv[2]));
  } catch (const std::exception& error) {
    answer({{"error", error.what()}});
    return 1;
  }
}
