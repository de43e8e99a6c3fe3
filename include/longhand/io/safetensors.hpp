// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "longhand/io/tensor.hpp"

namespace longhand::io {

/// Named tensors, sorted by name.
using Tensors = std::map<std::string, Tensor>;

/// What a safetensors file holds.
struct Safetensors {
  Tensors tensors;
  std::map<std::string, std::string> metadata;

  bool operator==(const Safetensors&) const = default;
};

/// Reads a safetensors file (github.com/huggingface/safetensors). Strict: header at most 100 MB,
/// no repeated or unknown key, tensors that cover the data section without hole or overlap, and
/// nothing after it. Data need not be aligned; scalars and empty tensors are fine; names are taken
/// as they are. Types other than those of Dtype are refused. Throws FileError, FormatError.
Safetensors read_safetensors(const std::filesystem::path& path);
/// Reads bytes in memory as read_safetensors(path) reads a file; `name` stands for the file in
/// messages.
Safetensors read_safetensors(std::span<const std::byte> bytes, std::string_view name);

/// The bytes of a file with these tensors, in the order and with the padding of the reference
/// implementation: the widest type first (Dtype's order reversed), then by name; equal content
/// gives equal bytes.
/// Throws FormatError when data do not fit a shape or a name is not UTF-8 or is "__metadata__".
std::vector<std::byte> encode_safetensors(const Safetensors& content,
                                          std::string_view name = "safetensors");
/// Writes what encode_safetensors() returns into a file, atomically. Throws FileError, FormatError.
void write_safetensors(const std::filesystem::path& path, const Safetensors& content);

/// CRC-32 (zlib's) of the data section that encode_safetensors would write: of the values alone,
/// whatever order the file they came from had.
std::uint32_t data_checksum(const Tensors& tensors);

}  // namespace longhand::io
