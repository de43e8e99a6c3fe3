// SPDX-License-Identifier: MIT
#include <cxxabi.h>

#include <array>
#include <cstdlib>
#include <memory>
#include <string>

#include "jobs.hpp"
#include "longhand/backend/cpu.hpp"
#include "timed.hpp"
#include "training.hpp"

namespace longhand::benchmark {

namespace {

using On = Timed<Cpu<float>>;
static_assert(Backend<On>);

/// The name of a formula without its namespaces.
std::string name_of(const std::type_info& type) {
  const std::unique_ptr<char, decltype(&std::free)> demangled(
      abi::__cxa_demangle(type.name(), nullptr, nullptr, nullptr), &std::free);
  std::string name = demangled ? demangled.get() : type.name();
  for (const std::string space : {"longhand::", "detail::"})
    for (std::size_t at; (at = name.find(space)) != std::string::npos;)
      name.erase(at, space.size());
  return name;
}

struct Observer {
  StageTimes times;
  void start(const Json& request) { times.start(request.value("repeat", false)); }
  void add_to(Json& done) const {
    static constexpr std::array names{"products", "elementwise", "reductions", "optimizer", "data"};
    for (const StageTimes::Entry& e : times.entries())
      done["primitives"].push_back({{"stage", names.at(static_cast<std::size_t>(e.stage))},
                                    {"primitive", e.primitive},
                                    {"formula", e.formula ? name_of(*e.formula) : ""},
                                    {"calls", e.calls},
                                    {"seconds", e.seconds},
                                    {"alone", e.alone}});
  }
};

}  // namespace

void time_stages(int threads) {
  Observer observer;
  for (Request request = next_request(); asks_for(request, "setup");)
    request = serve_training(On(Cpu<float>(threads), observer.times), *request, observer);
}

}  // namespace longhand::benchmark
