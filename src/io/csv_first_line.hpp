// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <limits>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

/// The rule by which the reader of csv files decides whether the first line holds names, and
/// whether the first column numbers the rows. docs/cli.md states it for users.
namespace longhand::io {

struct CsvCell {
  std::string text;
  bool quotes = false;
};

enum class CsvNumber { good, bad, out_of_range };

/// Reads a cell. Empty cells, NA, nan, null, None and ? are NaN.
CsvNumber parse_csv_number(std::string_view text, double& value);

/// What a cell looks like.
enum class CsvLook { missing, integer, decimal, word };
CsvLook look_of(const CsvCell& cell);

/// What the lines below the first one show of the columns.
class CsvSurvey {
 public:
  explicit CsvSurvey(std::vector<CsvCell> first_line);

  /// One more line, which has as many cells as the first.
  void add(const std::vector<CsvCell>& cells);

  struct Header {
    bool present = false;
    std::string note;  ///< for the user, where another reader might decide otherwise; else empty
  };
  Header header() const;

  enum class FirstColumn { data, numbers_rows, counts_rows };
  /// What the first column is: `numbers_rows` for one without a name whose cells are words or whole
  /// numbers that are all different; `counts_rows` for any other that holds 0, 1, 2, … or 1, 2, 3,
  /// …
  FirstColumn first_column(const std::vector<std::string>& names, bool header) const;

 private:
  struct Column {
    std::size_t integers = 0;
    std::size_t decimals = 0;
    std::size_t words = 0;
    std::size_t quoted = 0;
    double low = std::numeric_limits<double>::infinity();
    double high = -low;
    double top = 0;   ///< the first number
    double last = 0;  ///< the newest number
    bool rises = true;
    bool falls = true;

    std::size_t numbers() const { return integers + decimals; }
  };

  CsvLook look_of_first(std::size_t column) const;
  bool differs(std::size_t column) const;
  bool continues(std::size_t column) const;
  bool numbers_rows() const;

  std::vector<CsvCell> first_;
  std::vector<double> value_;  ///< of the first line
  std::vector<Column> columns_;
  std::size_t lines_ = 0;
  bool another_counts_ = false;  ///< some line below goes up in steps of 1
  bool rows_count_ = true;       ///< the first column goes up in steps of 1 below the first line
  bool all_different_ = true;    ///< its cells are, below the first line
  std::unordered_set<std::string> seen_;
};

}  // namespace longhand::io
