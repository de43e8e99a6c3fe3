// SPDX-License-Identifier: MIT
#include "fuzz.hpp"
#include "longhand/io/model_header.hpp"

using namespace longhand::io;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::one_input(
      data, size,
      [](auto bytes) {
        return spec_from_description<longhand::VaeSpec>(
            {reinterpret_cast<const char*>(bytes.data()), bytes.size()}, "fuzz");
      },
      [](const longhand::VaeSpec& spec) {
        const std::string text = describe(spec);
        fuzz::require(describe(spec_from_description<longhand::VaeSpec>(text)) == text);
        fuzz::require(tensors_of(layout_of(spec)).size() >= 4);
      });
}
