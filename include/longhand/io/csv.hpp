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

/// Whether the first line holds names. `detect` looks at the lines below it:
/// - A line of words is names; empty cells, NA, null, None and ? are missing numbers, no words.
/// - A line of words and numbers is names if more of its words than of its numbers speak for it. A
///   word does if the cells below are numbers; a number speaks against it if the ones below are
///   alike. What starts as a number and is none (1.2.3, 1O.5, a date) does neither.
/// - A line of numbers is names if it counts (0, 1, 2, … or any start; any equal steps from eight
///   columns on), no line below does, the columns do not continue it in sorted order, and most of
///   it differs from what is below: whole numbers above numbers that are all written with a point,
///   or, from four columns on, numbers outside of the column's range.
/// - A number in quotes is a word, unless the column below stands in quotes too.
enum class CsvHeader { detect, present, absent };

/// How a file writes what csv has as commas and points. 0: recognised by a rule that guesses
/// nothing. A semicolon in the first line separates, and so does a tab where no comma stands beside
/// it but within numbers; a decimal comma needs another separator and no number with a point.
struct CsvDialect {
  char separator = 0;  ///< ',', ';' or '\t'
  char decimal = 0;    ///< '.' or ','
};

/// What to read of a csv file. Columns go by their names, in a file without a header by their
/// numbers from 1, which stand for any column that has no such name.
struct CsvOptions {
  CsvHeader header = CsvHeader::detect;
  /// The column that numbers the rows and is no data: a name, "none", or "auto", which takes a
  /// first column without a name (or "Unnamed: 0") whose cells are words or whole numbers all
  /// different.
  std::string index = "auto";
  std::vector<std::string> columns = {};  ///< these alone, in this order; empty: all
  std::vector<std::string> drop = {};     ///< but not these
  std::string labels = {};                ///< a column to be kept as text beside the table
  /// The names that a model has for its columns: the table gets these, in this order, and what else
  /// the file holds is left out. A file without a header must have as many columns.
  std::vector<std::string> wanted = {};
  CsvDialect dialect = {};
};

/// What was read, and what the reader decided.
struct CsvContent {
  Table table;
  std::vector<std::string> labels;  ///< one per row, or empty
  std::size_t width = 0;            ///< columns of the file
  bool header = false;              ///< the names come from the file
  std::vector<std::string> notes;   ///< sentences for the user: what was taken for what
};

/// Reads comma-separated numbers, or as the dialect says; gzip, UTF-16 and Latin-1 are recognised.
/// An empty field, nan, NA, N/A, null, None and ? are NaN, "inf" is
/// infinite; the decimal point is a point in every locale. Fields may stand in double quotes;
/// spaces around a field and empty lines at the end are ignored. Without a header the columns are
/// called "1", "2", … Throws FileError, and FormatError naming line and column (both from 1) of a
/// cell that is no number, a row of another length, a column name that occurs twice, or a column
/// that is asked for and not there.
CsvContent read_table(const std::filesystem::path& path, const CsvOptions& options);
/// Reads text in memory as read_table(path) reads a file; `name` stands for the file in messages.
CsvContent read_table(std::span<const std::byte> bytes, std::string_view name,
                      const CsvOptions& options);

/// All columns of a file, the first one too if it numbers the rows.
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
