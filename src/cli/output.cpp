// SPDX-License-Identifier: MIT
#include "output.hpp"

#include <unistd.h>

#include <charconv>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <system_error>

#include "longhand/io/csv.hpp"
#include "longhand/io/file.hpp"
#include "longhand/io/npy.hpp"
#include "paths.hpp"

namespace longhand::cli {
namespace {

namespace fs = std::filesystem;

std::vector<float> as_float(const Rows& rows) { return {rows.values.begin(), rows.values.end()}; }

std::vector<std::byte> csv(const std::vector<std::string>& names, const Rows& rows,
                           const std::string& name) {
  return rows.single ? io::encode_csv(names, std::span<const float>(as_float(rows)), name)
                     : io::encode_csv(names, std::span<const double>(rows.values), name);
}

/// The double whose shortest text is that of the float: 0.1f is written 0.1.
double shortest(double value) {
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, static_cast<float>(value)).ptr;
  double result = value;
  std::from_chars(digits, end, result);
  return result;
}

std::string json(const std::vector<std::string>& names, const Rows& rows) {
  nlohmann::ordered_json object;
  object["columns"] = names;
  object["rows"] = nlohmann::ordered_json::array();
  for (Index r = 0; r < rows.count; ++r) {
    nlohmann::ordered_json row = nlohmann::ordered_json::array();
    for (Index c = 0; c < rows.dim; ++c)
      row.push_back(rows.single ? shortest(rows(r, c)) : rows(r, c));
    object["rows"].push_back(std::move(row));
  }
  return json_text(object) + "\n";
}

/// A csv with a column of text before the others.
std::vector<std::byte> with_stamps(const std::vector<std::byte>& csv, const std::string& name,
                                   const std::vector<std::string>& stamps) {
  std::vector<std::byte> out;
  const auto add = [&](const std::string& stamp) {
    const std::string field = csv_field(stamp) + ",";
    const auto* const bytes = reinterpret_cast<const std::byte*>(field.data());
    out.insert(out.end(), bytes, bytes + field.size());
  };
  std::size_t line = 0;
  bool begins = true;
  for (const std::byte byte : csv) {
    if (begins) add(line == 0 ? name : stamps[line - 1]);
    begins = byte == std::byte{'\n'};
    if (begins) ++line;
    out.push_back(byte);
  }
  return out;
}

std::vector<std::string> printable(const std::vector<std::string>& names) {
  std::vector<std::string> out;
  for (const std::string& name : names) out.push_back(io::printable(name));
  return out;
}

}  // namespace

std::string json_text(const nlohmann::ordered_json& value, int indent) {
  using Json = nlohmann::ordered_json;
  const auto dump = [&](bool ascii) {
    return value.dump(indent, ' ', ascii, Json::error_handler_t::replace);
  };
  const std::string text = dump(false);
  std::string flat = text;
  std::erase(flat, '\n');
  // What JSON may hold as it is, a terminal may not.
  return io::printable(flat) == flat ? text : dump(true);
}

Format output_format(const std::string& out, const std::string& allowed,
                     const std::string& option) {
  if (out.empty()) return Format::screen;
  const std::string ending = ending_of(out);
  Format format = Format::screen;
  if (ending == ".png") format = Format::png;
  if (ending == ".svg") format = Format::svg;
  if (ending == ".npy") format = Format::npy;
  if (ending == ".csv") format = Format::csv;
  if (ending == ".json") format = Format::json;
  if (format == Format::screen || allowed.find(ending.substr(1)) == allowed.npos)
    throw Failure(ExitCode::usage, option, ": ", out, " ends in '", ending, "', expected one of ",
                  allowed);
  std::error_code unknown;  // is said when the file is written
  if (fs::is_directory(out, unknown))
    throw Failure(ExitCode::runtime, out, ": is a folder, expected the name of a file");
  const fs::path folder = fs::path(out).has_parent_path() ? fs::path(out).parent_path() : ".";
  if (!fs::is_directory(folder, unknown))
    throw Failure(ExitCode::runtime, out, ": cannot be written, there is no folder ",
                  folder.string());
  if (access(folder.c_str(), W_OK) != 0)
    throw Failure(ExitCode::runtime, out, ": cannot be written, ", std::strerror(errno));
  return format;
}

void write_rows(const std::string& out, Format format, const CommonOptions& common,
                const std::vector<std::string>& names, const Rows& rows) {
  if (format == Format::screen) {
    if (common.json) return print(json(names, rows));
    const std::vector<std::byte> bytes = csv(printable(names), rows, "stdout");
    return print(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  }
  writing([&] {
    if (format == Format::npy) {
      const std::vector<std::uint64_t> shape{static_cast<std::uint64_t>(rows.count),
                                             static_cast<std::uint64_t>(rows.dim)};
      io::write_npy(out, io::Tensor::of<float>(shape, as_float(rows)));
    } else {
      io::write_file(out, csv(names, rows, out));
    }
  });
  report_written(common, out, rows);
}

void write_data_rows(const std::string& out, Format format, const CommonOptions& common,
                     const DataSet& data, const Rows& rows) {
  if (!data.series || rows.count != data.series->windows.count())
    return write_rows(out, format, common, data.names, rows);
  const SeriesFacts& series = *data.series;
  Rows steps(series.windows.steps, series.channels);
  steps.single = rows.single;
  steps.values =
      series.windows.mean(rows.values, series.channels, std::numeric_limits<double>::quiet_NaN());
  const std::vector<std::string> names =
      series.names.empty() ? numbered("x", series.channels) : series.names;
  const bool stamped =
      !series.times.empty() && !common.json && (format == Format::csv || format == Format::screen);
  if (!stamped) return write_rows(out, format, common, names, steps);
  const bool screen = format == Format::screen;
  const std::vector<std::byte> bytes =
      with_stamps(csv(screen ? printable(names) : names, steps, screen ? "stdout" : out), "time",
                  screen ? printable(series.times) : series.times);
  if (screen) return print(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  writing([&] { io::write_file(out, bytes); });
  report_written(common, out, steps);
}

std::string number_text(double value, bool single) {
  char digits[32];
  const auto end = single ? std::to_chars(digits, digits + sizeof digits, static_cast<float>(value))
                          : std::to_chars(digits, digits + sizeof digits, value);
  return {digits, end.ptr};
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == text.npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

void write_text(const std::string& path, const std::string& content) {
  writing([&] { io::write_file(path, std::as_bytes(std::span(content))); });
}

void print(const std::string& content) {
  std::cout << content << std::flush;
  if (!std::cout) throw Failure(ExitCode::runtime, "stdout: cannot be written");
}

void say(const CommonOptions& common, const std::string& sentence) {
  if (!common.quiet) std::cerr << io::printable(sentence) << std::endl;
}

void report_written(const CommonOptions& common, const std::string& out, const Rows& rows) {
  say(common, text("wrote ", out, " (", rows.count, rows.count == 1 ? " row)" : " rows)"));
  if (!common.json) return;
  nlohmann::ordered_json object;
  object["out"] = out;
  object["rows"] = rows.count;
  object["columns"] = rows.dim;
  print(json_text(object) + "\n");
}

}  // namespace longhand::cli
