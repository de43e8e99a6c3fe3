// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>

/// Paths that the user gave, looked at before they are opened.
namespace longhand::cli {

/// Whether a file or folder is there. Throws Failure (bad_input) where that cannot be told: a link
/// in a circle, a folder without permission, a name that is too long.
bool is_there(const std::string& path);

/// As is_there(), but no where that cannot be told: for text that may be a path.
bool names_a_file(const std::string& path);

/// Whether a path is that of a folder.
bool is_folder(const std::string& path);

/// Throws Failure (bad_input) unless something is there.
void require_there(const std::string& path, const std::string& expected);

/// An array of a NumPy archive, "FILE.npz:ARRAY"; without the array it is empty.
struct NpzPath {
  std::string file;
  std::string array;
};
/// A path that names an archive, or an array in one; nothing for all others.
std::optional<NpzPath> npz_path(const std::string& path);

/// The ending of a file's name in small letters, with the dot.
std::string ending_of(const std::string& path);

}  // namespace longhand::cli
