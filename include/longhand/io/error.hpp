// SPDX-License-Identifier: MIT
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace longhand::io {

/// Text as it may be shown on a terminal: control characters, which could steer it, and bytes that
/// are no UTF-8 become question marks. Files may hold any of them in a name or a key.
std::string printable(std::string_view text);

/// What every reader and writer throws. The message is one printable sentence, "file: field
/// problem", and says what was found and what was expected.
class Error : public std::runtime_error {
 public:
  Error(std::string_view file, std::string_view field, std::string_view problem);

  /// The path as the caller gave it, or the name given to bytes in memory; of an array in an
  /// archive ARCHIVE:ARRAY.
  const std::string& file() const noexcept { return file_; }
  /// The part of the file that is wrong: "magic", "shape", "line 3, column 2", …
  const std::string& field() const noexcept { return field_; }

 private:
  std::string file_;
  std::string field_;
};

/// The content is wrong: what a file holds, or what a writer was asked to put into one.
class FormatError : public Error {
 public:
  using Error::Error;
};

/// The file itself is at fault: missing, unreadable, unwritable, or larger than memory.
class FileError : public Error {
 public:
  using Error::Error;
};

/// There is less memory than the file needs.
class MemoryError : public FileError {
 public:
  using FileError::FileError;
};

}  // namespace longhand::io
