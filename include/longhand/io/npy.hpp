// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include "longhand/io/tensor.hpp"

namespace longhand::io {

/// Reads a NumPy array file (.npy, versions 1 to 3) of booleans, integers and floats, brought into
/// C order and little-endian bytes from whatever the file has. Object arrays are refused by name.
/// Throws FileError, FormatError.
Tensor read_npy(const std::filesystem::path& path);
/// Reads bytes in memory as read_npy(path) reads a file; `name` stands for the file in messages.
Tensor read_npy(std::span<const std::byte> bytes, std::string_view name);

/// The version 1 file of a tensor, its data aligned to 64 bytes. Throws FormatError for bf16, which
/// NumPy does not know, and for data that do not fit the shape.
std::vector<std::byte> encode_npy(const Tensor& tensor, std::string_view name = "npy");
/// Writes what encode_npy() returns into a file, atomically. Throws FileError, FormatError.
void write_npy(const std::filesystem::path& path, const Tensor& tensor);

}  // namespace longhand::io
