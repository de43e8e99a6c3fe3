// SPDX-License-Identifier: MIT
#include "fuzz.hpp"
#include "longhand/io/npy.hpp"
#include "longhand/io/npz.hpp"

using namespace longhand::io;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::one_input(
      data, size, [](auto bytes) { return read_npz(bytes, "fuzz"); },
      [](const Tensor& tensor) {
        fuzz::require(checked_extent(tensor.shape, tensor.dtype) == tensor.data.size());
        fuzz::require(read_npy(encode_npy(tensor), "fuzz") == tensor);
      });
}
