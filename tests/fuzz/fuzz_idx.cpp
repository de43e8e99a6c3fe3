// SPDX-License-Identifier: MIT
#include "fuzz.hpp"
#include "longhand/io/idx.hpp"

using namespace longhand::io;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::one_input(
      data, size, [](auto bytes) { return read_idx(bytes, "fuzz"); },
      [](const Tensor& tensor) {
        fuzz::require(checked_extent(tensor.shape, tensor.dtype) == tensor.data.size());
        fuzz::require(read_idx(encode_idx(tensor), "fuzz") == tensor);
      });
}
