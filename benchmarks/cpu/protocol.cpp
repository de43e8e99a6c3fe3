// SPDX-License-Identifier: MIT
#include "protocol.hpp"

#include <iostream>
#include <string>

namespace longhand::benchmark {

Request next_request() {
  std::string line;
  if (!std::getline(std::cin, line)) return std::nullopt;
  return Json::parse(line);
}

void answer(const Json& json) { std::cout << json << std::endl; }

}  // namespace longhand::benchmark
