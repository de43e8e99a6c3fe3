// SPDX-License-Identifier: MIT
#pragma once
#include <nlohmann/json.hpp>
#include <optional>

/// How benchmarks/cpu/run.py talks to a program that it measures: one JSON object per line,
/// requests on stdin, answers on stdout. A request's field "do" is "setup" or "run" where a job has
/// both.
namespace longhand::benchmark {

using Json = nlohmann::json;
/// Nothing = no more requests.
using Request = std::optional<Json>;

Request next_request();
void answer(const Json& json);

inline bool asks_for(const Request& request, const char* what) {
  return request && request->at("do") == what;
}

}  // namespace longhand::benchmark
