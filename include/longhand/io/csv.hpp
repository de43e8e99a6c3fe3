// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace longhand::io {

/// A table of numbers: `values` is row-major, rows() x columns.size().
struct Table {
  std::vector<std::string> columns;
  std::vector<double> values;

  std::size_t rows() const noexcept { return columns.empty() ? 0 : values.size() / columns.size(); }
};

/// Whether the first line holds names. `detect` takes it for names when a cell of it is quoted or
/// is no number; names that all look like numbers need `present`.
enum class CsvHeader { detect, present, absent };

/// Reads comma-separated numbers. An empty field, "nan" and "NA" are NaN, "inf" is infinite; the
/// decimal point is a point in every locale. Fields may stand in double quotes; spaces around a
/// field and empty lines at the end are ignored. Without a header the columns are called "1", "2",
/// … Throws FileError, and FormatError naming line and column (both from 1) of a cell that is no
/// number, a row of another length, or a column name that occurs twice.
Table read_csv(const std::filesystem::path& path, CsvHeader header = CsvHeader::detect);
/// Reads text in memory as read_csv(path) reads a file; `name` stands for the file in messages.
Table read_csv(std::span<const std::byte> bytes, std::string_view name,
               CsvHeader header = CsvHeader::detect);

/// The text of a table, with a header; `values` is row-major. Each number is written as the
/// shortest text that reads back as the same value. Throws FormatError when the values do not fill
/// whole rows or a name is repeated or holds a line break.
std::vector<std::byte> encode_csv(std::span<const std::string> columns,
                                  std::span<const double> values, std::string_view name = "csv");
std::vector<std::byte> encode_csv(std::span<const std::string> columns,
                                  std::span<const float> values, std::string_view name = "csv");
/// Writes what encode_csv() returns into a file, atomically. Throws FileError, FormatError.
void write_csv(const std::filesystem::path& path, std::span<const std::string> columns,
               std::span<const double> values);
void write_csv(const std::filesystem::path& path, std::span<const std::string> columns,
               std::span<const float> values);

}  // namespace longhand::io
