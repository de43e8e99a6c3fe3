// SPDX-License-Identifier: MIT
#include "csv_first_line.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <system_error>
#include <utility>

#include "message.hpp"

namespace longhand::io {
namespace {

constexpr std::array<std::string_view, 11> missing_words = {
    "", "NA", "N/A", "n/a", "#N/A", "<NA>", "null", "NULL", "Null", "None", "?"};

/// "12" or "-3": a number as a program writes a whole one.
bool is_plain_integer(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  return !text.empty() && text.size() < 16 && text.find_first_not_of("0123456789") == text.npos;
}

/// "1.2.3", "1O.5", "2024-01-01": a cell that starts as a number does and has no word in it.
bool is_mistyped(std::string_view text) {
  const std::size_t start = text.find_first_not_of("+-.");
  if (start == text.npos || text[start] < '0' || text[start] > '9') return false;
  std::size_t letters = 0;
  for (const char c : text)
    letters += (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || static_cast<signed char>(c) < 0;
  return letters <= 1;
}

/// Whether the numbers go up in steps of 1, or in any equal steps if there are at least eight.
bool in_equal_steps(const std::vector<double>& numbers) {
  if (numbers.size() < 2) return false;
  const double step = numbers[1] - numbers[0];
  if (step != 1 && !(step > 0 && numbers.size() >= 8)) return false;
  for (std::size_t i = 1; i < numbers.size(); ++i)
    if (numbers[i] - numbers[i - 1] != step) return false;
  return true;
}

/// "0, 1, 2, …"
std::string beginning(const std::vector<double>& numbers) {
  std::string text;
  for (std::size_t i = 0; i < std::min<std::size_t>(numbers.size(), 3); ++i)
    text += (i == 0 ? "" : ", ") + cat(numbers[i]);
  return numbers.size() > 3 ? text + ", …" : text;
}

}  // namespace

CsvNumber parse_csv_number(std::string_view text, double& value) {
  if (text.size() < 5 && std::ranges::find(missing_words, text) != missing_words.end()) {
    value = std::numeric_limits<double>::quiet_NaN();
    return CsvNumber::good;
  }
  // from_chars takes a minus but no plus.
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error == std::errc::result_out_of_range && stop == end) return CsvNumber::out_of_range;
  return error == std::errc() && stop == end ? CsvNumber::good : CsvNumber::bad;
}

CsvLook look_of(const CsvCell& cell) {
  double value = 0;
  const CsvNumber number = parse_csv_number(cell.text, value);
  if (number == CsvNumber::bad) return CsvLook::word;
  if (number == CsvNumber::good && std::isnan(value)) return CsvLook::missing;
  return is_plain_integer(cell.text) ? CsvLook::integer : CsvLook::decimal;
}

CsvSurvey::CsvSurvey(std::vector<CsvCell> first_line)
    : first_(std::move(first_line)), value_(first_.size()), columns_(first_.size()) {
  for (std::size_t i = 0; i < first_.size(); ++i) parse_csv_number(first_[i].text, value_[i]);
}

void CsvSurvey::add(const std::vector<CsvCell>& cells) {
  std::vector<double> whole;
  std::size_t filled = 0;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    Column& column = columns_[i];
    const CsvLook look = look_of(cells[i]);
    double value = 0;
    parse_csv_number(cells[i].text, value);
    if (i == 0) {
      rows_count_ =
          rows_count_ && look == CsvLook::integer && (lines_ == 0 || value == column.last + 1);
      all_different_ = all_different_ && seen_.insert(cells[i].text).second;
    }
    if (look == CsvLook::missing) continue;
    ++filled;
    if (look == CsvLook::integer) whole.push_back(value);
    column.quoted += cells[i].quotes ? 1 : 0;
    if (look == CsvLook::word) {
      ++column.words;
      continue;
    }
    if (column.numbers() == 0) column.top = value;
    column.rises = column.rises && (column.numbers() == 0 || value > column.last);
    column.falls = column.falls && (column.numbers() == 0 || value < column.last);
    column.low = std::min(column.low, value);
    column.high = std::max(column.high, value);
    column.last = value;
    ++(look == CsvLook::integer ? column.integers : column.decimals);
  }
  another_counts_ = another_counts_ || (whole.size() == filled && in_equal_steps(whole));
  ++lines_;
}

/// A number in quotes is a name, unless the numbers below it stand in quotes too.
CsvLook CsvSurvey::look_of_first(std::size_t i) const {
  const CsvLook look = look_of(first_[i]);
  const Column& below = columns_[i];
  const bool a_number = look == CsvLook::integer || look == CsvLook::decimal;
  const bool all_quoted = below.numbers() > 0 && below.quoted == below.numbers();
  return a_number && first_[i].quotes && !all_quoted ? CsvLook::word : look;
}

/// Whether a number of the first line is unlike those below it: whole above numbers that are all
/// written with a point, or, in a wide table, outside of their range.
bool CsvSurvey::differs(std::size_t i) const {
  const Column& below = columns_[i];
  if (below.numbers() == 0) return false;
  if (look_of(first_[i]) == CsvLook::integer && below.integers == 0) return true;
  return first_.size() >= 4 && (value_[i] < below.low || value_[i] > below.high);
}

/// Whether the first column holds 0, 1, 2, … or 1, 2, 3, … below the first line.
bool CsvSurvey::numbers_rows() const {
  const double start = columns_.front().top;
  return lines_ > 0 && rows_count_ && (start == 0 || start == 1);
}

/// Whether the column is sorted, its first cell included.
bool CsvSurvey::continues(std::size_t i) const {
  const Column& below = columns_[i];
  return (below.rises && value_[i] < below.top) || (below.falls && value_[i] > below.top);
}

CsvSurvey::Header CsvSurvey::header() const {
  std::size_t missing = 0, numbers = 0, whole = 0, mistyped = 0, differing = 0;
  std::size_t for_names = 0, for_numbers = 0;  // cells that speak for either
  bool sorted = true;
  std::vector<double> steps;
  for (std::size_t i = 0; i < first_.size(); ++i) {
    const CsvLook look = look_of_first(i);
    const bool numeric = columns_[i].numbers() > 0 && columns_[i].words == 0;
    if (look == CsvLook::missing) {
      ++missing;
    } else if (look == CsvLook::word) {
      const bool typo = is_mistyped(first_[i].text) && !first_[i].quotes;
      mistyped += typo ? 1 : 0;
      for_names += numeric && !typo ? 1 : 0;
    } else {
      ++numbers;
      whole += look == CsvLook::integer ? 1 : 0;
      steps.push_back(value_[i]);
      differing += differs(i) ? 1 : 0;
      for_numbers += numeric && !differs(i) ? 1 : 0;
      sorted = sorted && continues(i);
    }
  }
  const std::size_t words = first_.size() - missing - numbers;
  const bool counts = whole == numbers && in_equal_steps(steps) && !another_counts_;

  if (words == 0) {
    const bool first_is_empty = look_of_first(0) == CsvLook::missing;
    if (!counts || missing > (first_is_empty ? 1U : 0U) || lines_ == 0) return {false, ""};
    const bool index_below = first_is_empty && numbers_rows();
    if (index_below || (2 * differing > numbers && !sorted && lines_ > 1))
      return {true,
              cat("header: yes; line 1 counts ", beginning(steps), " and is unlike the lines ",
                  "below it: taken as names, --header no reads it as numbers")};
    if (numbers < 3 || sorted) return {false, ""};
    return {false, cat("header: no; line 1 counts ", beginning(steps), " but may be data: read as ",
                       "numbers, --header yes takes it as names")};
  }
  if (numbers == 0) {
    const bool only_typos = mistyped == words && (first_.size() == 1 || missing > 0);
    return {!only_typos || lines_ == 0, ""};
  }
  if (lines_ > 0 && for_names <= (counts ? 0 : for_numbers)) return {false, ""};
  return {true, cat("header: yes; line 1 has ", words, words == 1 ? " word" : " words", " and ",
                    numbers, numbers == 1 ? " number" : " numbers",
                    ": all are taken as names, --header no reads them as numbers")};
}

CsvSurvey::FirstColumn CsvSurvey::first_column(const std::vector<std::string>& names,
                                               bool header) const {
  if (names.size() < 2 || lines_ == 0) return FirstColumn::data;
  const Column& column = columns_.front();
  const bool nameless = names.front().empty() || names.front() == "Unnamed: 0";
  const bool different_integers = column.integers == lines_ && all_different_;
  if (header && nameless && (column.words > 0 || different_integers))
    return FirstColumn::numbers_rows;
  const double start = header ? column.top : value_.front();
  const bool counts = rows_count_ && lines_ >= 5 && (start == 0 || start == 1) &&
                      (header || column.top == start + 1);
  return counts ? FirstColumn::counts_rows : FirstColumn::data;
}

}  // namespace longhand::io
