// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>

/// What often stands under the name of another file, told from its first bytes.
namespace longhand::io {

/// A sentence on what the file is and what to do, by at least its first 4 bytes; empty for bytes
/// that are nobody's.
inline std::string_view foreign(std::span<const std::byte> start) {
  const std::string_view bytes(reinterpret_cast<const char*>(start.data()), start.size());
  if (bytes.size() < 4) return {};
  constexpr std::array<std::pair<std::string_view, std::string_view>, 6> known = {{
      {"PK\x03\x04",
       "is that of a zip archive, as torch.save (a PyTorch pickle) and numpy.savez write: save "
       "weights with safetensors, and name archives of arrays .npz"},
      {"\x89HDF", "is that of an HDF5 file: save weights with safetensors, arrays with numpy.save"},
      {"vers",  // of "version https://git-lfs.github.com/spec/v1"
       "is that of a Git LFS pointer, which stands for the file: run `git lfs pull`"},
      {"<!", "is that of a web page, not of a file: look at the address it came from"},
      {"<h", "is that of a web page, not of a file: look at the address it came from"},
      {"\x1f\x8b", "is that of a gzip file: unpack it first"},
  }};
  for (const auto& [magic, says] : known)
    if (bytes.starts_with(magic)) return says;
  if (bytes[0] == '\x80' && bytes[1] >= 2 && bytes[1] <= 5)
    return "is that of a Python pickle, as torch.save writes, which may run any code when it is "
           "read: save with safetensors";
  return {};
}

/// What is wrong with a file's first bytes: foreign(), or `otherwise`.
inline std::string foreign_or(std::span<const std::byte> start, std::string_view otherwise) {
  const std::string_view says = foreign(start);
  return std::string(says.empty() ? otherwise : says);
}

}  // namespace longhand::io
