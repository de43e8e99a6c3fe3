// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <vector>

/// Data that come through a pipe: `-` for stdin, or a path such as the shell's <(command).
namespace longhand::cli {

/// Whether a path means stdin or names a pipe.
bool is_stream(const std::string& path);

/// All bytes until the writer is done; of a pipe that nobody writes to, none. Memory is taken as it
/// fills. Throws Failure (bad_input).
std::vector<std::byte> read_stream(const std::string& path);

/// What bytes are, by their beginning: ".npy", ".npz", ".idx", and ".csv" for all others.
std::string kind_of(const std::vector<std::byte>& bytes);

}  // namespace longhand::cli
