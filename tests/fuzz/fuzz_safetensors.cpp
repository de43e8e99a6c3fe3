// SPDX-License-Identifier: MIT
#include "fuzz.hpp"
#include "longhand/io/safetensors.hpp"

using namespace longhand::io;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::one_input(
      data, size, [](auto bytes) { return read_safetensors(bytes, "fuzz"); },
      [](const Safetensors& content) {
        for (const auto& [name, tensor] : content.tensors) {
          fuzz::require(checked_extent(tensor.shape, tensor.dtype) == tensor.data.size());
        }
        const Safetensors back = read_safetensors(encode_safetensors(content), "fuzz");
        fuzz::require(back == content);
        fuzz::require(data_checksum(back.tensors) == data_checksum(content.tensors));
      });
}
