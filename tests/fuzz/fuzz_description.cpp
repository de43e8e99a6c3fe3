// SPDX-License-Identifier: MIT
#include "fuzz.hpp"
#include "longhand/io/model_header.hpp"

using namespace longhand::io;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::one_input(
      data, size,
      [](auto bytes) {
        return config_from_json({reinterpret_cast<const char*>(bytes.data()), bytes.size()},
                                "fuzz");
      },
      [](const longhand::VaeConfig& config) {
        const std::string text = config_to_json(config);
        fuzz::require(config_to_json(config_from_json(text)) == text);
        fuzz::require(model_tensors(config).size() >= 4);
      });
}
