// SPDX-License-Identifier: MIT
#include "environment.hpp"

#include <sched.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "failure.hpp"
#include "longhand/backend/cpu.hpp"
#include "longhand/core/version.hpp"
#include "model.hpp"

namespace longhand::cli {
namespace {

int physical_cores() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  std::set<std::string> cores;
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) {
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (!CPU_ISSET(cpu, &allowed)) continue;
      std::ifstream file(
          text("/sys/devices/system/cpu/cpu", cpu, "/topology/thread_siblings_list"));
      std::string siblings;
      cores.insert(std::getline(file, siblings) ? siblings : text("cpu", cpu));
    }
  }
  if (!cores.empty()) return static_cast<int>(cores.size());
  return static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

}  // namespace

int default_threads() {
  if (const char* wish = std::getenv("OMP_NUM_THREADS")) {
    // Beyond a long it is the largest one. A list, "4,2", says its first number.
    const long threads = std::strtol(wish, nullptr, 10);
    if (threads > 0) return static_cast<int>(std::min(threads, long{kMostThreads}));
  }
  return physical_cores();
}

namespace {
/// From wide to narrow. The products of one are about twice as fast as those of the next.
constexpr const char* kWidths[] = {"avx512f", "avx2", "avx", "neon", "sse2"};
}  // namespace

std::string instruction_set() {
  const std::vector<std::string> compiled = instruction_sets();
  for (const char* const name : kWidths)
    if (std::ranges::find(compiled, name) != compiled.end()) return name;
  return "no vectors";
}

std::string wider_instruction_set() {
  // Whoever builds with assertions does not ask for speed.
#if defined(__x86_64__) && defined(NDEBUG)
  const std::string ours = instruction_set();
  if (ours != "avx512f" && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl"))
    return "avx512f";
  if (ours != "avx512f" && ours != "avx2" && __builtin_cpu_supports("avx2")) return "avx2";
#endif
  return "";
}

std::string product_engine() { return Cpu<float>::product_engine(); }

std::string environment_json(const CommonOptions& common, const std::string& precision,
                             std::uint64_t seed, const std::string& scalar) {
  nlohmann::ordered_json json;
  json["longhand"] = version;
#ifdef __clang__
  json["compiler"] = __VERSION__;
#else
  json["compiler"] = std::string("g++ ") + __VERSION__;
#endif
  json["instruction_sets"] = instruction_sets();
#ifdef _OPENMP
  json["openmp"] = _OPENMP;
#else
  json["openmp"] = nullptr;
#endif
  json["eigen"] = Cpu<double>::product_engine();
  json["products"] = product_engine();
  json["device"] = common.device == "cuda" ? "cuda" : "cpu";
  json["threads"] = common.threads;
  json["precision"] = precision;
  json["seed"] = seed;
  json["scalar"] = scalar;
  return json.dump(2) + "\n";
}

}  // namespace longhand::cli
