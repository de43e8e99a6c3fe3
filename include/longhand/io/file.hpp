// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <span>
#include <vector>

namespace longhand::io {

/// All bytes of a regular file. Throws FileError when it is missing, unreadable, no regular file
/// (folders, pipes and devices are refused before anything is read) or larger than `limit` bytes.
std::vector<std::byte> read_file(const std::filesystem::path& path,
                                 std::uint64_t limit = std::numeric_limits<std::uint64_t>::max());

/// Writes a whole file or leaves the old one as it was, also when the power fails: the bytes go to
/// a temporary file in the same folder, reach the disk, and take the name's place in one step.
/// A file that is replaced passes on its permission bits; a symbolic link is replaced, not
/// followed. Throws FileError, with the old file untouched and no temporary file left; only when
/// the folder itself cannot be brought to disk at the very end is the new file already in place,
/// and the message says so.
void write_file(const std::filesystem::path& path, std::span<const std::byte> bytes);

}  // namespace longhand::io
