// SPDX-License-Identifier: MIT
#include "longhand/io/csv.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <optional>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "csv_first_line.hpp"
#include "csv_text.hpp"
#include "longhand/io/error.hpp"
#include "longhand/io/file.hpp"
#include "message.hpp"

namespace longhand::io {
namespace {

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// At most five names, for a sentence.
std::string some(const std::vector<std::string>& names) {
  constexpr std::size_t most = 5;
  std::string out;
  for (std::size_t i = 0; i < std::min(names.size(), most); ++i)
    out += (i == 0 ? "" : ", ") + shown(names[i]);
  return names.size() > most ? cat(out, " and ", names.size() - most, " more") : out;
}

class Parser {
 public:
  Parser(std::string_view text, std::string_view file) : rest_(text), file_(file) {}

  CsvContent parse(const CsvOptions& options) {
    if (rest_.starts_with(byte_order_mark)) rest_.remove_prefix(byte_order_mark.size());
    // Whatever ends a file, a line break or several, adds no row.
    rest_ = rest_.substr(0, rest_.find_last_not_of("\r\n") + 1);
    if (rest_.empty()) throw FormatError(file_, "line 1", "is empty, expected numbers");

    CsvContent content;
    std::vector<CsvCell> cells;
    split(next_line(), cells);
    content.width = cells.size();
    const CsvSurvey survey = survey_below(cells);
    content.header = decide_header(survey, cells, options, content.notes);
    std::vector<std::string> names = names_of(cells, content.header);
    choose(options, survey, std::move(names), content);
    // All rows at once: a vector that grows would hold them twice. No row is shorter than its
    // separators, so that a file of many empty lines asks for no more than it could have.
    const auto lines = static_cast<std::size_t>(std::ranges::count(rest_, '\n')) + 2;
    content.table.values.reserve(std::min(lines, rest_.size() / content.width + 2) *
                                 content.table.columns.size());
    if (!content.header) append_row(content, cells);
    while (!rest_.empty()) {
      split(next_line(), cells);
      append_row(content, cells);
    }
    return content;
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

  void split(std::string_view line, std::vector<CsvCell>& cells) const {
    cells.clear();
    while (true) {
      CsvCell& cell = cells.emplace_back();
      const std::size_t start = std::min(line.find_first_not_of(" \t"), line.size());
      if (line.substr(start).starts_with('"')) {
        cell.quotes = true;
        line.remove_prefix(start + 1);
        line = unquote(line, cell.text, cells.size());
        line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
        if (!line.empty() && line.front() != ',') {
          throw FormatError(
              file_, place(cells.size()),
              cat("has ", shown(line), " after a closing quote, expected a comma, the separator"));
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

  /// Looks some way ahead. What is wrong there is for the reading itself to find.
  CsvSurvey survey_below(const std::vector<CsvCell>& first_line) const {
    constexpr std::size_t most_lines = 200, most_cells = 100000;
    CsvSurvey survey(first_line);
    Parser ahead = *this;
    std::vector<CsvCell> cells;
    std::size_t lines = 0;
    try {
      while (!ahead.rest_.empty() && lines < most_lines &&
             (lines < 2 || lines * first_line.size() < most_cells)) {
        ahead.split(ahead.next_line(), cells);
        if (cells.size() != first_line.size()) break;
        survey.add(cells);
        ++lines;
      }
    } catch (const FormatError&) {
    }
    return survey;
  }

  static bool decide_header(const CsvSurvey& survey, const std::vector<CsvCell>& cells,
                            const CsvOptions& options, std::vector<std::string>& notes) {
    if (options.header != CsvHeader::detect) return options.header == CsvHeader::present;
    // The names that a model has are names again.
    std::unordered_set<std::string_view> texts;
    if (!options.wanted.empty())
      for (const CsvCell& cell : cells) texts.insert(cell.text);
    const auto has = [&](const std::string& name) { return texts.contains(name); };
    if (!options.wanted.empty() && std::ranges::all_of(options.wanted, has)) return true;
    CsvSurvey::Header header = survey.header();
    if (!header.note.empty()) notes.push_back(std::move(header.note));
    return header.present;
  }

  std::vector<std::string> names_of(const std::vector<CsvCell>& cells, bool header) const {
    std::vector<std::string> names;
    std::set<std::string> seen;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const std::string& text = cells[i].text;
      names.push_back(header ? text : std::to_string(i + 1));
      if (!header) continue;
      if (text.find('\t') != text.npos)
        throw FormatError(
            file_, place(i + 1),
            cat("is ", shown(text), " with a tab in it, expected columns separated ", "by commas"));
      if (std::ranges::any_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; })) {
        throw FormatError(file_, place(i + 1),
                          cat("is ", shown(text), ", expected a name without control characters"));
      }
      if (!seen.insert(names.back()).second) {
        throw FormatError(
            file_, place(i + 1),
            cat("repeats the name ", shown(text), ", expected every column to have its own"));
      }
    }
    return names;
  }

  /// The place of a column, by name or by number from 1.
  static std::optional<std::size_t> find(const std::vector<std::string>& names,
                                         const std::string& name) {
    const auto found = std::ranges::find(names, name);
    if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
    std::size_t number = 0;
    const char* const end = name.data() + name.size();
    const auto [stop, error] = std::from_chars(name.data(), end, number);
    if (error != std::errc() || stop != end || number < 1 || number > names.size())
      return std::nullopt;
    return number - 1;
  }
  std::size_t require_column(const std::vector<std::string>& names, const std::string& name) const {
    if (const auto found = find(names, name)) return *found;
    throw FormatError(file_, cat("column ", shown(name)),
                      cat("is not there, expected one of ", some(names)));
  }

  /// Decides what becomes of every column, and names those of the table.
  void choose(const CsvOptions& options, const CsvSurvey& survey, std::vector<std::string> names,
              CsvContent& content) {
    const std::size_t width = names.size();
    std::vector<bool> left_out(width, false);
    if (!options.labels.empty()) {
      labels_ = find(names, options.labels);
      if (!labels_)
        throw FormatError(file_, cat("labels ", shown(options.labels)),
                          cat("are no column, expected one of ", some(names)));
      left_out[*labels_] = true;
    }
    for (const std::string& name : options.drop) left_out[require_column(names, name)] = true;
    leave_out_index(options, survey, names, content, left_out);

    std::vector<std::size_t> kept;
    if (options.columns.empty()) {
      for (std::size_t i = 0; i < width; ++i)
        if (!left_out[i]) kept.push_back(i);
    }
    for (const std::string& name : options.columns) {
      const std::size_t i = require_column(names, name);
      if (std::ranges::find(kept, i) != kept.end())
        throw FormatError(file_, cat("column ", shown(name)), "is asked for twice, expected once");
      if (!left_out[i]) kept.push_back(i);
    }
    if (!options.wanted.empty()) match(options.wanted, names, content, kept);
    if (kept.empty() && !labels_)
      throw FormatError(file_, "line 1", "has no column of data, expected at least one");

    places_.assign(width, none);
    std::vector<std::string>& columns = content.table.columns;
    for (const std::size_t i : kept) {
      places_[i] = columns.size();
      columns.push_back(options.wanted.empty() ? std::move(names[i])
                                               : options.wanted[columns.size()]);
    }
  }

  void leave_out_index(const CsvOptions& options, const CsvSurvey& survey,
                       const std::vector<std::string>& names, CsvContent& content,
                       std::vector<bool>& left_out) const {
    if (options.index == "none") return;
    if (options.index != "auto") {
      left_out[require_column(names, options.index)] = true;
      return;
    }
    using First = CsvSurvey::FirstColumn;
    const First first = survey.first_column(names, content.header);
    const auto names_first = [&](const std::vector<std::string>& list) {
      return std::ranges::any_of(
          list, [&](const std::string& name) { return find(names, name) == std::size_t{0}; });
    };
    if (first == First::data || left_out[0] || names_first(options.columns) ||
        (content.header && std::ranges::find(options.wanted, names[0]) != options.wanted.end()))
      return;
    if (first == First::numbers_rows) {
      left_out[0] = true;
      content.notes.push_back(
          "header: yes; column 1 looks like a row number: left out, --index none keeps it");
    } else if (options.wanted.empty() && options.columns.empty()) {
      content.notes.push_back(cat("column 1, ", shown(names[0]),
                                  ", counts the rows: read as data, --index ", names[0],
                                  " leaves it out"));
    }
  }

  /// Puts the columns into the order of a model's names.
  void match(const std::vector<std::string>& wanted, const std::vector<std::string>& names,
             CsvContent& content, std::vector<std::size_t>& kept) const {
    if (!content.header) {
      if (kept.size() != wanted.size()) {
        throw FormatError(file_, "line 1",
                          cat("has ", kept.size(), " columns and no names, expected ",
                              wanted.size(), ": ", some(wanted)));
      }
      content.notes.push_back(
          cat("has no header: its columns are taken in their order as ", some(wanted)));
      return;
    }
    std::unordered_map<std::string_view, std::size_t> place_of;
    for (const std::size_t i : kept) place_of.emplace(names[i], i);
    std::vector<std::size_t> matched;
    std::vector<bool> is_matched(names.size(), false);
    for (const std::string& name : wanted) {
      const auto found = place_of.find(name);
      if (found == place_of.end())
        throw FormatError(file_, cat("column ", shown(name)),
                          cat("is missing, expected the columns of the model: ", some(wanted)));
      matched.push_back(found->second);
      is_matched[found->second] = true;
    }
    std::vector<std::string> extra;
    for (const std::size_t i : kept)
      if (!is_matched[i]) extra.push_back(names[i]);
    if (!extra.empty())
      content.notes.push_back(cat(extra.size() == 1 ? "column " : "columns ", some(extra),
                                  extra.size() == 1 ? " is" : " are",
                                  " ignored: the model does not have ",
                                  extra.size() == 1 ? "it" : "them"));
    kept = std::move(matched);
  }

  /// What to say of cells that were to be several.
  static std::string_view separator_hint(std::span<const CsvCell> cells) {
    for (const CsvCell& cell : cells) {
      if (cell.text.find(';') != cell.text.npos)
        return "; the columns must be separated by commas, not by semicolons";
      if (cell.text.find('\t') != cell.text.npos)
        return "; the columns must be separated by commas, not by tabs";
    }
    return "";
  }

  void append_row(CsvContent& content, const std::vector<CsvCell>& cells) const {
    if (cells.size() != places_.size()) {
      throw FormatError(
          file_, place(std::min(cells.size(), places_.size()) + 1),
          cat(cells.size() < places_.size() ? "is missing" : "is too many", ": the row has ",
              cells.size(), " fields, expected ", places_.size(), separator_hint(cells)));
    }
    std::vector<double>& values = content.table.values;
    const std::size_t start = values.size();
    values.resize(start + content.table.columns.size());
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (labels_ == i) content.labels.push_back(cells[i].text);
      if (places_[i] == none) continue;
      const CsvNumber number = parse_csv_number(cells[i].text, values[start + places_[i]]);
      if (number == CsvNumber::good) continue;
      throw FormatError(
          file_, place(i + 1),
          cat("is ", shown(cells[i].text),
              number == CsvNumber::bad ? ", expected a number"
                                       : ", expected a number within double's range",
              line_ == 1 ? ", or a line of names" : "", separator_hint({&cells[i], 1})));
    }
  }

  static constexpr auto none = static_cast<std::size_t>(-1);

  std::string_view rest_;
  std::string_view file_;
  std::size_t line_ = 0;
  std::vector<std::size_t> places_;  ///< of the file's columns in the table, or none
  std::optional<std::size_t> labels_;
};

std::string encode_name(const std::string& column, std::string_view file) {
  if (column.find_first_of("\r\n") != column.npos) {
    throw FormatError(file, "column name",
                      cat("is ", shown(column), ", expected no line break in it"));
  }
  // Quotes also tell the reader that a name like "7" is a name.
  double ignored = 0;
  if (column.find_first_of(",\"") == column.npos && trim(column) == column &&
      !column.starts_with(byte_order_mark) && parse_csv_number(column, ignored) == CsvNumber::bad) {
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

CsvContent read_table(const std::filesystem::path& path, const CsvOptions& options) {
  return read_table(read_file(path), path.string(), options);
}

CsvContent read_table(std::span<const std::byte> bytes, std::string_view name,
                      const CsvOptions& options) {
  const CsvText text(bytes, name, options.dialect);
  CsvContent content = Parser(text.text(), name).parse(options);
  if (text.latin1()) content.notes.push_back("the text is no UTF-8: its names are read as Latin-1");
  return content;
}

Table read_csv(const std::filesystem::path& path, CsvHeader header) {
  return read_csv(read_file(path), path.string(), header);
}

Table read_csv(std::span<const std::byte> bytes, std::string_view name, CsvHeader header) {
  CsvOptions options;
  options.header = header;
  options.index = "none";
  return read_table(bytes, name, options).table;
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
