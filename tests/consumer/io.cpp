// SPDX-License-Identifier: MIT
// A program that uses longhand-io alone: a tensor through the bytes of an npy file and back.
#include <cstdio>
#include <longhand/io.hpp>
#include <vector>

int main() {
  namespace io = longhand::io;
  const std::vector<float> values = {1, 2, 3, 4, 5, 6};
  const io::Tensor tensor = io::Tensor::of<float>({2, 3}, values);
  const bool same = io::read_npy(io::encode_npy(tensor), "memory") == tensor;
  std::puts(same ? "the same" : "different");
  return same ? 0 : 1;
}
