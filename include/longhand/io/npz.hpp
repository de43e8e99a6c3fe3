// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "longhand/io/tensor.hpp"

namespace longhand::io {

/// The arrays of a NumPy archive (.npz, what numpy.savez and numpy.savez_compressed write), in the
/// order of the archive. Throws FileError, FormatError.
std::vector<std::string> npz_names(const std::filesystem::path& path);
/// The same for bytes in memory; `name` stands for the file in messages.
std::vector<std::string> npz_names(std::span<const std::byte> bytes, std::string_view name);

/// Reads one array of an archive as read_npy reads a file; its checksum is verified. An empty
/// `array` means the only one. What is read is one member, decompressed as it comes: memory is
/// taken as it fills, whatever the archive declares. Throws FileError, and FormatError, which
/// lists the arrays where there is none of that name.
Tensor read_npz(const std::filesystem::path& path, std::string_view array = {});
/// Reads bytes in memory as read_npz(path, array) reads a file.
Tensor read_npz(std::span<const std::byte> bytes, std::string_view name,
                std::string_view array = {});

}  // namespace longhand::io
