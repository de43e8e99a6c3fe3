// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "longhand/io/csv.hpp"

namespace longhand::io {

/// The text of a csv file as UTF-8 with commas between fields and points in numbers, from what
/// other programs write: gzip, UTF-16, Latin-1, semicolons, tabs, decimal commas. Lines and fields
/// keep their places. A file that is so already is not copied; the bytes are borrowed.
class CsvText {
 public:
  /// Throws FormatError.
  CsvText(std::span<const std::byte> bytes, std::string_view file, const CsvDialect& dialect);
  CsvText(const CsvText&) = delete;
  CsvText& operator=(const CsvText&) = delete;

  std::string_view text() const noexcept { return text_; }
  /// Whether its bytes were no UTF-8 and each was taken as a letter of Latin-1.
  bool latin1() const noexcept { return latin1_; }

 private:
  std::string own_;
  std::string_view text_;
  bool latin1_ = false;
};

}  // namespace longhand::io
