// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include "longhand/io/tensor.hpp"

namespace longhand::io {

/// Reads an IDX file (the format of MNIST), plain or gzip-compressed: the content decides, not the
/// name. Types u8, i8, i16, i32, f32, f64; 1 to 4 dimensions; the data must end where the shape
/// says. Throws FileError, FormatError.
Tensor read_idx(const std::filesystem::path& path);
/// Reads bytes in memory as read_idx(path) reads a file; `name` stands for the file in messages.
Tensor read_idx(std::span<const std::byte> bytes, std::string_view name);

/// The plain IDX file of a tensor. Throws FormatError when IDX has no such type or rank.
std::vector<std::byte> encode_idx(const Tensor& tensor, std::string_view name = "idx");
/// Writes what encode_idx() returns into a file, atomically. Throws FileError, FormatError.
void write_idx(const std::filesystem::path& path, const Tensor& tensor);

}  // namespace longhand::io
