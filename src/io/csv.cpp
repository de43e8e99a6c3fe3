// SPDX-License-Identifier: MIT
#include "longhand/io/csv.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <set>
#include <system_error>

#include "longhand/io/error.hpp"
#include "longhand/io/file.hpp"
#include "message.hpp"

namespace longhand::io {
namespace {

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

struct Cell {
  std::string text;
  bool quotes = false;
};

enum class Number { good, bad, out_of_range };

Number parse_number(std::string_view text, double& value) {
  if (text.empty() || text == "NA") {
    value = std::numeric_limits<double>::quiet_NaN();
    return Number::good;
  }
  // from_chars takes a minus but no plus.
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error == std::errc::result_out_of_range && stop == end) return Number::out_of_range;
  return error == std::errc() && stop == end ? Number::good : Number::bad;
}

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

class Parser {
 public:
  Parser(std::string_view text, std::string_view file) : rest_(text), file_(file) {}

  Table parse(CsvHeader header) {
    if (rest_.starts_with(byte_order_mark)) rest_.remove_prefix(byte_order_mark.size());
    // Whatever ends a file, a line break or several, adds no row.
    rest_ = rest_.substr(0, rest_.find_last_not_of("\r\n") + 1);
    if (rest_.empty()) throw FormatError(file_, "line 1", "is empty, expected numbers");

    Table table;
    std::vector<Cell> cells;
    while (!rest_.empty()) {
      split(next_line(), cells);
      if (line_ == 1) {
        const bool names = header == CsvHeader::present ||
                           (header == CsvHeader::detect && !std::ranges::all_of(cells, is_number));
        name_columns(table, cells, names);
        if (names) continue;
      }
      append_row(table, cells);
    }
    return table;
  }

 private:
  std::string place(std::size_t column) const { return cat("line ", line_, ", column ", column); }

  std::string_view next_line() {
    ++line_;
    const std::size_t length = std::min(rest_.find('\n'), rest_.size());
    std::string_view line = rest_.substr(0, length);
    rest_.remove_prefix(std::min(length + 1, rest_.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.find('\r') != line.npos) {
      throw FormatError(file_, cat("line ", line_),
                        "holds a carriage return alone, expected lines to end in \\n or \\r\\n");
    }
    if (line.empty()) {
      throw FormatError(file_, cat("line ", line_),
                        "is empty, expected a row (a missing value alone is written nan)");
    }
    return line;
  }

  void split(std::string_view line, std::vector<Cell>& cells) const {
    cells.clear();
    while (true) {
      Cell& cell = cells.emplace_back();
      const std::size_t start = std::min(line.find_first_not_of(" \t"), line.size());
      if (line.substr(start).starts_with('"')) {
        cell.quotes = true;
        line.remove_prefix(start + 1);
        line = unquote(line, cell.text, cells.size());
        line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
        if (!line.empty() && line.front() != ',') {
          throw FormatError(file_, place(cells.size()),
                            cat("has ", shown(line), " after a closing quote, expected a comma"));
        }
      } else {
        const std::size_t length = std::min(line.find(','), line.size());
        cell.text = trim(line.substr(0, length));
        line.remove_prefix(length);
      }
      if (line.empty()) return;
      line.remove_prefix(1);
    }
  }

  /// Takes text up to its closing quote ("" stands for one quote), returns what follows.
  std::string_view unquote(std::string_view line, std::string& text, std::size_t column) const {
    while (true) {
      const std::size_t length = line.find('"');
      if (length == line.npos) {
        throw FormatError(file_, place(column), "has an open quote, expected its end on this line");
      }
      text += line.substr(0, length);
      line.remove_prefix(length + 1);
      if (!line.starts_with('"')) return line;
      text += '"';
      line.remove_prefix(1);
    }
  }

  static bool is_number(const Cell& cell) {
    double ignored = 0;
    return !cell.quotes && parse_number(cell.text, ignored) != Number::bad;
  }

  void name_columns(Table& table, const std::vector<Cell>& cells, bool names) const {
    std::set<std::string_view> seen;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      table.columns.push_back(names ? cells[i].text : std::to_string(i + 1));
      if (names && !seen.insert(cells[i].text).second) {
        throw FormatError(file_, place(i + 1),
                          cat("repeats the name ", shown(cells[i].text),
                              ", expected every column to have its own"));
      }
    }
  }

  void append_row(Table& table, const std::vector<Cell>& cells) const {
    if (cells.size() != table.columns.size()) {
      throw FormatError(
          file_, place(std::min(cells.size(), table.columns.size()) + 1),
          cat(cells.size() < table.columns.size() ? "is missing" : "is too many", ": the row has ",
              cells.size(), " fields, expected ", table.columns.size()));
    }
    for (std::size_t i = 0; i < cells.size(); ++i) {
      double value = 0;
      const Number number = parse_number(cells[i].text, value);
      if (number != Number::good) {
        throw FormatError(file_, place(i + 1),
                          cat("is ", shown(cells[i].text),
                              number == Number::bad ? ", expected a number"
                                                    : ", expected a number within double's range"));
      }
      table.values.push_back(value);
    }
  }

  std::string_view rest_;
  std::string_view file_;
  std::size_t line_ = 0;
};

std::string encode_name(const std::string& column, std::string_view file) {
  if (column.find_first_of("\r\n") != column.npos) {
    throw FormatError(file, "column name",
                      cat("is ", shown(column), ", expected no line break in it"));
  }
  // Quotes also tell the reader that a name like "7" is a name.
  double ignored = 0;
  if (column.find_first_of(",\"") == column.npos && trim(column) == column &&
      !column.starts_with(byte_order_mark) && parse_number(column, ignored) == Number::bad) {
    return column;
  }
  std::string out = "\"";
  for (const char c : column) out.append(c == '"' ? 2 : 1, c);
  return out + '"';
}

template <class Scalar>
std::vector<std::byte> encode(std::span<const std::string> columns, std::span<const Scalar> values,
                              std::string_view file) {
  if (columns.empty() || values.size() % columns.size() != 0) {
    throw FormatError(file, "values",
                      cat("are ", values.size(), ", expected whole rows of ", columns.size(),
                          " columns, at least one"));
  }
  std::set<std::string_view> seen;
  std::string out;
  for (const std::string& column : columns) {
    if (!seen.insert(column).second) {
      throw FormatError(file, "column name", cat("is ", shown(column), " twice, expected once"));
    }
    out += (seen.size() > 1 ? "," : "") + encode_name(column, file);
  }
  out += '\n';
  for (std::size_t i = 0; i < values.size(); ++i) {
    // One spelling of NaN, whatever its sign and payload.
    std::array<char, 32> digits;
    const auto end =
        std::isnan(values[i])
            ? std::ranges::copy(std::string_view("nan"), digits.data()).out
            : std::to_chars(digits.data(), digits.data() + digits.size(), values[i]).ptr;
    out.append(digits.data(), end);
    out += (i + 1) % columns.size() == 0 ? '\n' : ',';
  }
  std::vector<std::byte> bytes(out.size());
  std::memcpy(bytes.data(), out.data(), out.size());
  return bytes;
}

}  // namespace

Table read_csv(const std::filesystem::path& path, CsvHeader header) {
  return read_csv(read_file(path), path.string(), header);
}

Table read_csv(std::span<const std::byte> bytes, std::string_view name, CsvHeader header) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return Parser(text, name).parse(header);
}

std::vector<std::byte> encode_csv(std::span<const std::string> columns,
                                  std::span<const double> values, std::string_view name) {
  return encode(columns, values, name);
}

std::vector<std::byte> encode_csv(std::span<const std::string> columns,
                                  std::span<const float> values, std::string_view name) {
  return encode(columns, values, name);
}

void write_csv(const std::filesystem::path& path, std::span<const std::string> columns,
               std::span<const double> values) {
  write_file(path, encode_csv(columns, values, path.string()));
}

void write_csv(const std::filesystem::path& path, std::span<const std::string> columns,
               std::span<const float> values) {
  write_file(path, encode_csv(columns, values, path.string()));
}

}  // namespace longhand::io
