// SPDX-License-Identifier: MIT
#include "data.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <unordered_map>
#include <unordered_set>

#include "failure.hpp"
#include "longhand/io/csv.hpp"
#include "longhand/io/error.hpp"
#include "longhand/io/idx.hpp"
#include "longhand/io/npy.hpp"
#include "longhand/io/npz.hpp"
#include "longhand/train/split.hpp"
#include "paths.hpp"
#include "stream.hpp"
#include "time_stamps.hpp"

namespace longhand::cli {
namespace {

namespace fs = std::filesystem;

template <class... Part>
Failure bad_input(const Part&... parts) {
  return Failure(ExitCode::bad_input, parts...);
}

/// A file of numbers, not yet in the precision of a model.
struct Raw {
  std::string path;
  std::string split = "all";
  std::string labels_path;          ///< of the labels that belong to an IDX file
  std::string labels_array;         ///< FILE.npz:ARRAY of those that belong to an array
  io::Tensor tensor;                ///< (rows, …)
  std::vector<std::string> names;   ///< of a csv
  bool header = false;              ///< the names come from the file
  std::vector<std::uint32_t> rows;  ///< of the file, in the tensor; empty: all
  std::vector<std::string> labels;
  std::vector<std::string> times;  ///< of a series
  std::vector<std::string> condition_names;
  std::vector<double> condition;  ///< row after row, a number for each name
  std::string condition_path;     ///< of the file that it comes from
  std::vector<std::string> notes;
};

/// A table, perhaps compressed.
bool is_csv(const std::string& path) {
  const std::string ending = ending_of(path);
  const std::string inner = ending_of(path.substr(0, path.size() - ending.size()));
  return ending == ".csv" || ending == ".tsv" ||
         (ending == ".gz" && (inner == ".csv" || inner == ".tsv"));
}

/// "comma", "semicolon", "tab", "point" or "auto" as a sign.
char sign_of(const std::string& name) {
  return name == "comma"       ? ','
         : name == "semicolon" ? ';'
         : name == "tab"       ? '\t'
         : name == "point"     ? '.'
                               : '\0';
}
io::CsvDialect dialect_of(const DataOptions& options) {
  return {sign_of(options.separator), sign_of(options.decimal)};
}

bool is_idx(const fs::path& path) {
  const std::string name = path.filename().string();
  return name.ends_with(".idx") || name.ends_with(".idx.gz") || name.find("ubyte") != name.npos;
}

/// A file of an IDX folder, in any spelling that is common: MNIST's own, with one word before it as
/// in EMNIST ("emnist-balanced-train-…"), in the folder MNIST/raw that torchvision makes.
std::string idx_file(const fs::path& folder, const std::string& part, const std::string& kind,
                     const std::string& rank) {
  std::vector<std::string> found;
  std::error_code problem;
  for (const fs::path& place : {folder, folder / "raw", folder / "MNIST" / "raw",
                                folder / "FashionMNIST" / "raw", folder / "KMNIST" / "raw"}) {
    for (const std::string& name : {part, part == "t10k" ? std::string("test") : part})
      for (const char* dot : {"-", "."})
        for (const char* gz : {"", ".gz"}) {
          const std::string ending = name + "-" + kind + dot + rank + "-ubyte" + gz;
          if (is_there((place / ending).string())) return (place / ending).string();
          for (const fs::directory_entry& entry : fs::directory_iterator(place, problem)) {
            const std::string other = entry.path().filename().string();
            const std::string path = entry.path().string();
            if (other.ends_with("-" + ending) && std::ranges::find(found, path) == found.end())
              found.push_back(path);
          }
        }
    // Beside the compressed file often stands the same one unpacked.
    const auto packed = [&](const std::string& path) {
      return path.ends_with(".gz") &&
             std::ranges::find(found, path.substr(0, path.size() - 3)) != found.end();
    };
    std::erase_if(found, packed);
    if (found.size() == 1) return found.front();
    if (found.empty()) continue;
    std::ranges::sort(found);
    throw bad_input(folder.string(), ": has several files of ", part, " ", kind, ", ", found[0],
                    " and ", found[1], ", expected one, or the name of a file");
  }
  throw bad_input(folder.string(), ": has no ", part, "-", kind, "-", rank,
                  "-ubyte(.gz), expected a folder of IDX files as MNIST has them");
}

// ---- labels -------------------------------------------------------------------------------------

/// A whole number as the name of a class.
std::string as_label(double value, const std::string& path, std::size_t row) {
  if (value != std::floor(value) || !(std::abs(value) <= 1e15))
    throw bad_input(path, ": label of row ", row, " is ", value, ", expected a whole number");
  return std::to_string(static_cast<std::int64_t>(value));
}

/// Labels as a csv has them: whole numbers, or words.
std::vector<std::string> as_labels(std::vector<std::string> cells, const std::string& path) {
  std::vector<double> numbers;
  for (std::size_t row = 0; row < cells.size(); ++row) {
    double value = 0;
    const std::string& cell = cells[row];
    const auto [stop, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
    if (cell.empty()) throw bad_input(path, ": label of row ", row, " is missing");
    if (std::ranges::any_of(cell, [](unsigned char c) { return c < 0x20 || c == 0x7f; }))
      throw bad_input(path, ": label of row ", row, " has control characters in it");
    if (error == std::errc() && stop == cell.data() + cell.size() && !std::isnan(value))
      numbers.push_back(value);
  }
  if (numbers.size() < cells.size()) return cells;
  for (std::size_t row = 0; row < cells.size(); ++row)
    cells[row] = as_label(numbers[row], path, row);
  return cells;
}

std::vector<std::string> as_labels(const io::Tensor& tensor, const std::string& path) {
  std::uint64_t rest = 1;
  for (std::size_t k = 1; k < tensor.shape.size(); ++k) rest *= tensor.shape[k];
  if (tensor.shape.empty() || rest != 1)
    throw bad_input(path, ": shape does not suit labels, expected one per row");
  std::vector<std::string> labels;
  const std::vector<double> values = tensor.as<double>();
  for (std::size_t row = 0; row < values.size(); ++row)
    labels.push_back(as_label(values[row], path, row));
  return labels;
}

/// The one column of a csv, which may have a name and a row number beside it. Of a column of words
/// only the number of rows says whether the first is its name.
std::vector<std::string> labels_in_csv(const std::string& path, std::uint64_t rows) {
  const io::CsvContent all = io::read_table(
      path, {.header = io::CsvHeader::absent, .index = "none", .columns = {"1"}, .labels = "1"});
  if (all.width == 1) {
    std::vector<std::string> labels = all.labels;
    if (labels.size() == rows + 1) labels.erase(labels.begin());
    return as_labels(std::move(labels), path);
  }
  if (all.width != 2)
    throw bad_input(path, ": has ", all.width, " columns, expected one label per row");
  return as_labels(io::read_table(path, {.columns = {"2"}, .labels = "2"}).labels, path);
}

io::Tensor read_tensor(const std::string& path) {
  if (const auto npz = npz_path(path)) return io::read_npz(npz->file, npz->array);
  const std::string ending = ending_of(path);
  if (ending == ".npy") return io::read_npy(path);
  if (is_idx(path)) return io::read_idx(path);
  throw bad_input(path, ": unknown kind of file, expected .npy, .npz, .csv or an IDX file");
}

/// "a,b" as a list.
std::vector<std::string> names_in(const std::string& list) {
  std::vector<std::string> names;
  for (std::size_t start = 0; !list.empty() && start <= list.size();) {
    const std::size_t end = std::min(list.find(',', start), list.size());
    names.push_back(list.substr(start, end - start));
    start = end + 1;
  }
  return names;
}

/// "a@3", channel a of the fourth time step of a window.
std::string name_in_window(const std::string& channel, Index step) {
  return channel + "@" + std::to_string(step);
}
/// The names of a model's columns as a file has them: of windows, those of their channels.
std::vector<std::string> channel_names(const DataRequest& request) {
  if (request.window == 0) return request.names;
  std::vector<std::string> names(
      request.names.begin(),
      request.names.begin() + static_cast<std::ptrdiff_t>(request.names.size()) / request.window);
  for (std::string& name : names)
    if (name.ends_with("@0")) name.resize(name.size() - 2);
  return names;
}

/// The columns of the csv that are the condition: those of --condition, or those that a model has
/// by their names.
std::vector<std::string> condition_columns(const DataOptions& options, const DataRequest& request) {
  if (!request.numeric_condition || names_a_file(options.condition)) return {};
  const std::vector<std::string> given = names_in(options.condition);
  return given.empty() || std::ranges::is_permutation(given, request.condition_names)
             ? request.condition_names
             : given;
}

/// Fills `raw` with a table: the file raw.path, or `bytes` where there are some.
void read_table(const DataOptions& options, const DataRequest& request, Raw& raw,
                const std::vector<std::byte>* bytes = nullptr) {
  io::CsvOptions csv;
  csv.dialect = dialect_of(options);
  csv.header = options.header == "yes"  ? io::CsvHeader::present
               : options.header == "no" ? io::CsvHeader::absent
                                        : io::CsvHeader::detect;
  csv.index = options.index;
  csv.columns = names_in(options.columns);
  csv.drop = names_in(options.drop);
  csv.wanted = channel_names(request);
  const std::vector<std::string> condition = condition_columns(options, request);
  if (csv.columns.empty()) csv.drop.insert(csv.drop.end(), condition.begin(), condition.end());
  const bool in_table = !options.labels.empty() && !names_a_file(options.labels);
  if (in_table) csv.labels = options.labels;
  if (!options.time.empty()) csv.labels = options.time;
  const auto read = [&](const io::CsvOptions& how) {
    return bytes ? io::read_table(*bytes, raw.path, how) : io::read_table(raw.path, how);
  };
  io::CsvContent content;
  try {
    if (!condition.empty()) {
      io::CsvOptions alone{.header = csv.header, .index = csv.index, .columns = condition};
      alone.dialect = csv.dialect;
      io::Table table = read(alone).table;
      raw.condition_names = std::move(table.columns);
      raw.condition = std::move(table.values);
      raw.condition_path = raw.path;
    }
    content = read(csv);
  } catch (const io::FormatError& error) {
    if (error.field().starts_with("labels ") && !options.time.empty())
      throw Failure(ExitCode::usage, "--time: '", options.time, "' is no column of ", raw.path);
    if (error.field().starts_with("labels "))
      throw Failure(ExitCode::usage, "--labels: '", options.labels,
                    "' is neither a file nor a column of ", raw.path);
    throw;
  }
  if (content.table.columns.empty()) throw bad_input(raw.path, ": has no column beside the labels");
  if (!options.time.empty())
    raw.times = std::move(content.labels);
  else if (in_table)
    raw.labels = as_labels(std::move(content.labels), raw.path);
  for (const std::string& note : content.notes) raw.notes.push_back(raw.path + ": " + note);
  raw.header = content.header;
  raw.names = std::move(content.table.columns);
  const std::uint64_t rows = content.table.values.size() / raw.names.size();
  raw.tensor = io::Tensor::of<double>({rows, raw.names.size()}, content.table.values);
}

/// Throws if there are options that a file which is no csv cannot obey.
void refuse_table_options(const DataOptions& options, const std::string& path) {
  const DataOptions usual;
  if (options.header != usual.header || options.index != usual.index || !options.columns.empty() ||
      !options.drop.empty() || options.separator != usual.separator ||
      options.decimal != usual.decimal)
    throw Failure(ExitCode::usage,
                  "--header, --index, --columns, --drop, --separator and --decimal are for csv "
                  "files, ",
                  path, " is none");
}

/// An array of an archive. Without a name it is the only one, or as Keras has them: x_train or
/// x_test with the labels y_train or y_test.
Raw read_npz_raw(NpzPath npz, const DataOptions& options, const std::string& default_split) {
  require_there(npz.file, "file");
  refuse_table_options(options, npz.file);
  Raw raw;
  const std::vector<std::string> names = io::npz_names(npz.file);
  const auto has = [&](const std::string& name) {
    return std::ranges::find(names, name) != names.end();
  };
  const std::string part = options.split.empty() ? default_split : options.split;
  if (npz.array.empty() && names.size() > 1 && has("x_" + part)) {
    raw.split = part;
    npz.array = "x_" + part;
    if (has("y_" + part)) raw.labels_array = npz.file + ":y_" + part;
  } else if (!options.split.empty()) {
    throw Failure(ExitCode::usage,
                  "--split is for IDX folders and archives with the arrays "
                  "x_train and x_test, not for ",
                  options.path);
  }
  // A name that is no file's is that of an array beside the data.
  if (has(options.labels) && !names_a_file(options.labels))
    raw.labels_array = npz.file + ":" + options.labels;
  raw.path = npz.array.empty() ? npz.file : npz.file + ":" + npz.array;
  raw.tensor = io::read_npz(npz.file, npz.array);
  return raw;
}

/// What comes through a pipe has no ending: its beginning says what it is.
Raw read_stream_raw(const DataOptions& options, const DataRequest& request) {
  if (!options.split.empty())
    throw Failure(ExitCode::usage, "--split is for IDX folders, but ", options.path, " is a pipe");
  Raw raw;
  raw.path = options.path == "-" ? "stdin" : options.path;
  const std::vector<std::byte> bytes = read_stream(options.path);
  const std::string kind = kind_of(bytes);
  if (kind == ".npy") raw.tensor = io::read_npy(bytes, raw.path);
  if (kind == ".npz") raw.tensor = io::read_npz(bytes, raw.path);
  if (kind == ".idx") raw.tensor = io::read_idx(bytes, raw.path);
  if (kind == ".csv")
    read_table(options, request, raw, &bytes);
  else
    refuse_table_options(options, raw.path);
  return raw;
}

Raw read_raw(const DataOptions& options, const DataRequest& request) {
  if (options.path.empty())
    throw Failure(ExitCode::usage, "--data is missing, expected a folder of IDX files or a file");
  Raw raw;
  raw.path = options.path;
  if (const auto npz = npz_path(raw.path)) return read_npz_raw(*npz, options, request.split);
  if (is_stream(raw.path)) return read_stream_raw(options, request);
  require_there(raw.path, "file or folder");
  if (!is_csv(raw.path)) refuse_table_options(options, raw.path);
  if (fs::is_directory(raw.path)) {
    raw.split = options.split.empty() ? request.split : options.split;
    const std::string part = raw.split == "train" ? "train" : "t10k";
    raw.labels_path = options.path;
    try {
      raw.path = idx_file(options.path, part, "images", "idx3");
    } catch (const Failure&) {
      if (part == "train" || !options.split.empty()) throw;
      idx_file(options.path, "train", "images", "idx3");  // throws if that is not there either
      throw bad_input(options.path,
                      ": has no part for tests (t10k-images-idx3-ubyte), expected it, ",
                      "or --split train");
    }
    raw.tensor = io::read_idx(raw.path);
    return raw;
  }
  if (!options.split.empty())
    throw Failure(ExitCode::usage, "--split is for IDX folders, but ", raw.path, " is a file");
  if (is_csv(raw.path)) {
    read_table(options, request, raw);
  } else {
    raw.tensor = read_tensor(raw.path);
  }
  return raw;
}

void find_labels(Raw& raw, const DataOptions& options, const DataRequest& request) {
  if (!raw.labels.empty()) return;
  std::string path = raw.labels_array.empty() ? options.labels : raw.labels_array;
  if (path.empty() && !raw.labels_path.empty())
    path = idx_file(raw.labels_path, raw.split == "train" ? "train" : "t10k", "labels", "idx1");
  if (path.empty())
    throw Failure(ExitCode::usage, "--labels is missing, expected the class of each row of ",
                  raw.path,
                  request.or_numbers ? " (or --condition, the numbers that it depends on)" : "");
  const auto npz = npz_path(path);
  require_there(npz ? npz->file : path, "file (--labels)");
  raw.labels = is_csv(path) ? labels_in_csv(path, raw.tensor.shape.front())
                            : as_labels(read_tensor(path), path);
  if (raw.labels.size() != raw.tensor.shape.front())
    throw bad_input(path, ": has ", raw.labels.size(), " labels, expected ",
                    raw.tensor.shape.front(), ", one per row of ", raw.path);
}

/// The numbers that a condition is made of, where they did not come with the table.
void find_condition(Raw& raw, const DataOptions& options, const DataRequest& request) {
  if (!raw.condition.empty()) return;
  const std::string& path = options.condition;
  if (path.empty())
    throw Failure(ExitCode::usage, "--condition is missing, expected a file with ",
                  request.condition_names.size(), " numbers for each row of ", raw.path);
  const auto npz = npz_path(path);
  if (!npz && !names_a_file(path))
    throw Failure(ExitCode::usage, "--condition: '", path, "' is no file, and ", raw.path,
                  " is no csv with such columns");
  require_there(npz ? npz->file : path, "file (--condition)");
  raw.condition_path = path;
  std::uint64_t rows = 0;
  if (is_csv(path)) {
    io::Table table =
        io::read_table(path, {.wanted = request.condition_names, .dialect = dialect_of(options)})
            .table;
    rows = table.rows();
    raw.condition_names = std::move(table.columns);
    raw.condition = std::move(table.values);
  } else {
    const io::Tensor tensor = read_tensor(path);
    rows = tensor.shape.empty() ? 0 : tensor.shape.front();
    raw.condition = tensor.as<double>();
    if (rows > 0)
      raw.condition_names = numbered("c", static_cast<Index>(raw.condition.size() / rows));
  }
  if (rows != raw.tensor.shape.front())
    throw bad_input(path, ": has ", rows, " rows, expected ", raw.tensor.shape.front(),
                    ", one per row of ", raw.path);
}

/// Takes the numbers of the condition, which a model calls by its names.
void name_condition(Raw& raw, const DataRequest& request, DataSet& data) {
  const std::size_t width = raw.condition_names.size(), own = request.condition_names.size();
  if (own > 0 && width != own)
    throw bad_input(raw.condition_path, ": has ", width, " numbers for a condition, the model has ",
                    own);
  data.condition_names = own > 0 ? request.condition_names : raw.condition_names;
  for (std::size_t i = 0; i < raw.condition.size(); ++i)
    if (!std::isfinite(raw.condition[i]))
      throw bad_input(raw.condition_path, ": the condition ", data.condition_names[i % width],
                      " of row ", i / width, " is ", raw.condition[i],
                      ", expected a finite number");
}

/// Chooses rows A to B - 1 of "A:B".
void choose_rows(Raw& raw, const std::string& range) {
  std::uint64_t first = 0, end = 0;
  const char* const stop = range.data() + range.size();
  const auto [colon, bad_first] = std::from_chars(range.data(), stop, first);
  bool good = bad_first == std::errc() && colon != stop && *colon == ':';
  if (good) {
    const auto [last, bad_end] = std::from_chars(colon + 1, stop, end);
    good = bad_end == std::errc() && last == stop && first < end;
  }
  if (!good)
    throw Failure(ExitCode::usage, "--rows is '", range,
                  "', expected A:B with whole numbers and A below B, for rows A to B - 1");
  const std::uint64_t rows = raw.tensor.shape.front();
  if (end > rows)
    throw Failure(ExitCode::usage, "--rows is '", range, "', expected at most 0:", rows, ", the ",
                  rows, " rows of ", raw.path);
  raw.rows.resize(end - first);
  std::iota(raw.rows.begin(), raw.rows.end(), static_cast<std::uint32_t>(first));
}

/// Takes a fraction of the chosen rows out and returns them. The draw is another than that of
/// the validation rows.
std::vector<std::uint32_t> keep_out(Raw& raw, const DataRequest& request) {
  if (raw.rows.empty()) {
    raw.rows.resize(raw.tensor.shape.front());
    std::iota(raw.rows.begin(), raw.rows.end(), 0u);
  }
  const auto count = static_cast<Index>(raw.rows.size());
  const double held = std::round(request.test * static_cast<double>(count));
  if (held < 1 || held >= static_cast<double>(count))
    throw Failure(ExitCode::usage, "--test ", request.test, " of ", count,
                  count == 1 ? " row" : " rows", " keeps ", held,
                  " out, expected at least 1 and not ", "all");
  const SplitRows split = split_rows(count, request.test, request.seed, 1);
  const auto in_file = [&](const std::vector<std::uint32_t>& places) {
    std::vector<std::uint32_t> rows;
    for (const std::uint32_t place : places) rows.push_back(raw.rows[place]);
    return rows;
  };
  std::vector<std::uint32_t> test = in_file(split.held_out);
  raw.rows = in_file(split.kept);
  return test;
}

/// Cuts a series into windows, which are the rows from here on.
void cut_windows(Raw& raw, const DataOptions& options, const DataRequest& request, DataSet& data) {
  const Index length = request.window > 0 ? request.window : options.window;
  if (request.window > 0 && options.window > 0 && options.window != request.window)
    throw Failure(ExitCode::usage, "--window is ", options.window,
                  ", but the model has windows of ", request.window, " time steps");
  if (length == 0) {
    if (!options.time.empty())
      throw Failure(ExitCode::usage, "--time is for a series: --window is missing");
    return;
  }
  if (!options.labels.empty() || !options.condition.empty())
    throw Failure(ExitCode::usage, "--window cuts a series, whose windows have no --labels and no ",
                  "--condition");
  if (!options.time.empty() && raw.times.empty())
    throw Failure(ExitCode::usage, "--time is a column of a csv, ", raw.path, " is none");
  const auto steps = static_cast<Index>(raw.tensor.shape.front());
  if (steps < length)
    throw bad_input(raw.path, ": has ", steps, steps == 1 ? " row" : " rows", ", fewer than the ",
                    length, " of a window");
  for (const std::string& remark : remarks_on_times(raw.path, raw.times))
    raw.notes.push_back(remark);
  const auto channels = static_cast<Index>(raw.tensor.count()) / steps;
  SeriesFacts facts{Windows(steps, length, options.stride), channels, raw.names,
                    std::move(raw.times)};
  const auto bytes = static_cast<Index>(raw.tensor.data.size()) / steps;
  raw.tensor.data = facts.windows.cut(raw.tensor.data, bytes);
  raw.tensor.shape = {static_cast<std::uint64_t>(facts.windows.count()),
                      static_cast<std::uint64_t>(length * channels)};
  raw.names.clear();
  for (Index step = 0; step < length && !facts.names.empty(); ++step)
    for (const std::string& name : facts.names) raw.names.push_back(name_in_window(name, step));
  if (facts.windows.covered() < steps)
    raw.notes.push_back(text(raw.path, ": ", steps - facts.windows.covered(), " of ", steps,
                             " rows are in no window"));
  data.series = std::move(facts);
}

/// Keeps the rows of raw.rows alone, of the tensor, the labels and the condition.
void keep_rows(Raw& raw) {
  const auto keep = [&](auto& values) {
    const std::uint64_t per_row = values.size() / raw.tensor.shape.front();
    auto to = values.begin();
    for (const std::uint32_t row : raw.rows) {
      const auto from = values.begin() + static_cast<std::ptrdiff_t>(row * per_row);
      if (to == from)
        to += static_cast<std::ptrdiff_t>(per_row);
      else
        to = std::move(from, from + static_cast<std::ptrdiff_t>(per_row), to);
    }
    values.erase(to, values.end());
  };
  keep(raw.tensor.data);
  if (!raw.labels.empty()) keep(raw.labels);
  if (!raw.condition.empty()) keep(raw.condition);
  raw.tensor.shape.front() = raw.rows.size();
}

/// Whether one label comes before another: whole numbers by size, words by their letters.
bool label_less(const std::string& a, const std::string& b) {
  const auto whole = [](const std::string& text) {
    return text.find_first_not_of("-0123456789") == text.npos;
  };
  if (!whole(a) || !whole(b)) return a < b;
  const bool minus_a = a.starts_with('-'), minus_b = b.starts_with('-');
  if (minus_a != minus_b) return minus_a;
  if (a.size() != b.size()) return (a.size() < b.size()) != minus_a;
  return (a < b) != minus_a && a != b;
}

/// The names of a model's classes.
std::vector<std::string> all_names(const std::vector<std::string>& names, Index classes) {
  if (!names.empty()) return names;
  std::vector<std::string> numbers;
  for (Index k = 0; k < classes; ++k) numbers.push_back(std::to_string(k));
  return numbers;
}

/// Turns labels into classes: those of the model, or those that occur.
void count_classes(const Raw& raw, const DataRequest& request, DataSet& data) {
  std::vector<std::string> names;
  if (request.classes > 0) {
    data.classes = request.classes;
    data.class_names = request.class_names;
    names = all_names(data.class_names, data.classes);
  } else {
    const std::unordered_set<std::string> seen(raw.labels.begin(), raw.labels.end());
    constexpr std::size_t most = 10000;
    if (seen.size() > most)
      throw bad_input(raw.path, ": has ", seen.size(), " different labels, expected at most ",
                      most);
    names.assign(seen.begin(), seen.end());
    std::ranges::sort(names, label_less);
    data.classes = static_cast<Index>(names.size());
    if (names != all_names({}, data.classes)) data.class_names = names;
  }
  std::unordered_map<std::string, std::int64_t> class_of;
  for (std::size_t k = 0; k < names.size(); ++k)
    class_of.emplace(names[k], static_cast<std::int64_t>(k));
  data.labels.reserve(raw.labels.size());
  for (std::size_t row = 0; row < raw.labels.size(); ++row) {
    const auto found = class_of.find(raw.labels[row]);
    if (found == class_of.end())
      throw bad_input(raw.path, ": label of row ", row, " is ", raw.labels[row], ", expected ",
                      classes_text(data.class_names, data.classes));
    data.labels.push_back(found->second);
  }
}

/// What bytes are divided by: what the model says, else what they look like.
void scale_bytes(std::vector<std::byte>& bytes, const DataOptions& options,
                 const DataRequest& request, DataSet& data) {
  const std::byte most = bytes.empty() ? std::byte{0} : *std::ranges::max_element(bytes);
  double unit = request.transform ? request.transform->byte_unit : most == std::byte{1} ? 1 : 255;
  if (options.bytes != "auto") unit = options.bytes == "1" ? 1 : 255;
  if (!request.transform) data.transform.byte_unit = unit;
  if (unit != 1) return;
  if (most > std::byte{1})
    throw bad_input(data.path, ": has the byte ", std::to_integer<int>(most),
                    options.bytes == "auto" ? ", expected 0 and 1 as in the data of the model"
                                            : ", expected 0 and 1 with --bytes 1");
  if (!request.transform && options.bytes == "auto")
    data.notes.push_back(data.path +
                         ": its bytes are 0 and 1: taken as such, --bytes 255 divides them by 255");
  for (std::byte& byte : bytes) byte = byte == std::byte{0} ? byte : std::byte{255};
}

/// A tensor as numbers of type S without the offsets of its columns, which are taken off in double.
template <class S>
std::vector<S> without_offsets(const io::Tensor& tensor, const std::vector<double>& offsets) {
  if (offsets.empty()) return tensor.as<S>();
  const std::vector<double> values = tensor.as<double>();
  std::vector<S> result(values.size());
  for (std::size_t i = 0; i < values.size(); ++i)
    result[i] = static_cast<S>(values[i] - offsets[i % offsets.size()]);
  return result;
}

/// The transform of the request's kind fitted to numbers. What is standardised is fitted in double,
/// however the model computes.
template <class S>
InputTransform fit(const io::Tensor& tensor, const DataRequest& request, const DataSet& data) {
  const auto kind = from_name<InputTransform::Kind>("--input-transform", request.kind);
  const auto fit_to = [&]<class X>(const std::vector<X>& values) {
    return InputTransform::fit<X>(
        kind, MatrixView<const X, HostMemory>{values.data(), data.dim, data.rows, data.dim});
  };
  try {
    InputTransform fitted =
        kind == InputTransform::Kind::standardize && tensor.dtype != io::Dtype::f32
            ? fit_to(tensor.as<double>())
            : fit_to(tensor.as<S>());
    fitted.after(fitted.offsets<S>()).template require_fits<S>();
    return fitted;
  } catch (const std::invalid_argument& error) {
    const std::vector<double> values = tensor.as<double>();
    for (std::size_t i = 0; i < values.size(); ++i)
      if (std::isinf(values[i]))
        throw bad_input(data.path, ": row ", i / static_cast<std::size_t>(data.dim), ", column ",
                        i % static_cast<std::size_t>(data.dim), " is ", values[i],
                        ", expected a finite number");
    const std::string why = error.what(), own = "longhand: ";
    throw bad_input(data.path, ": ", why.starts_with(own) ? why.substr(own.size()) : why);
  }
}

/// (N, H, W) and (N, H, W, C) hold pictures, C = 1 or 3.
std::array<Index, 3> image_of(const io::Tensor& tensor) {
  const auto& s = tensor.shape;
  const auto at = [&](std::size_t k) { return static_cast<Index>(s[k]); };
  if (s.size() == 3) return {at(1), at(2), 1};
  if (s.size() == 4 && (s[3] == 1 || s[3] == 3)) return {at(1), at(2), at(3)};
  if (s.size() == 4 && s[1] == 1) return {at(2), at(3), 1};
  return {};
}

/// Where a csv has an element, as an editor counts.
std::string place_in(const Raw& raw, std::uint64_t row, std::size_t column) {
  if (raw.names.empty()) return "";
  const std::uint64_t in_file = raw.rows.empty() ? row : raw.rows[row];
  const std::uint64_t line = in_file + (raw.header ? 2 : 1);
  return text(" (line ", line, ", column \"", raw.names[column], "\")");
}

/// Throws for the first NaN, or with --missing nan marks them all.
template <class S>
void look_for_missing(Numbers<S>& numbers, const DataOptions& options, const Raw& raw,
                      const DataSet& data) {
  const Data<S> all = numbers.data(data.all());
  if (all.input.visit([](const auto& x) { return extent_of<S>(x).finite; })) return;
  for (std::size_t i = 0; i < numbers.input.size(); ++i) {
    if (!std::isnan(numbers.input[i])) continue;
    if (options.missing == "error") {
      const auto row = i / static_cast<std::size_t>(data.dim);
      const auto column = i % static_cast<std::size_t>(data.dim);
      throw bad_input(data.path, ": row ", row, ", column ", column, " is NaN",
                      place_in(raw, row, column), ", expected a number (or --missing nan)");
    }
    if (numbers.mask.empty()) numbers.mask.assign(numbers.input.size(), S(1));
    numbers.mask[i] = S(0);
  }
}

/// The columns' names: the model's where it has some.
void name_columns(const Raw& raw, const DataRequest& request, DataSet& data) {
  data.named = raw.header || !request.names.empty();
  data.names = raw.names;
  if (request.names.empty() || !raw.names.empty()) return;
  if (static_cast<Index>(request.names.size()) != data.dim) return;  // is refused by its count
  data.names = request.names;
  data.notes.push_back(text(data.path, ": has no names: its columns are taken in their order as \"",
                            data.names.front(), data.dim == 1 ? "\"" : "\", …"));
}

/// The condition of numbers, and the transform that standardises it.
template <class S>
void take_condition(const Raw& raw, const DataRequest& request, DataSet& data,
                    Numbers<S>& numbers) {
  const auto width = static_cast<Index>(data.condition_names.size());
  data.condition_transform = request.condition_transform;
  if (request.condition_names.empty()) {
    const MatrixView<const double, HostMemory> all{raw.condition.data(), width, data.rows, width};
    data.condition_transform = InputTransform::fit<double>(InputTransform::Kind::standardize, all);
    for (Index i = 0; i < width; ++i) {
      const double first = all(i, 0);
      bool constant = true;
      for (Index row = 1; row < data.rows && constant; ++row) constant = all(i, row) == first;
      if (constant && data.rows > 1)
        data.notes.push_back(text(raw.condition_path, ": the condition ",
                                  data.condition_names[static_cast<std::size_t>(i)], " is ", first,
                                  " in all rows: the model cannot learn what it changes"));
    }
  }
  const std::vector<double> offsets = data.condition_transform.offsets<S>();
  numbers.condition_dim = width;
  for (std::size_t i = 0; i < raw.condition.size(); ++i)
    numbers.condition.push_back(static_cast<S>(
        raw.condition[i] - (offsets.empty() ? 0 : offsets[i % static_cast<std::size_t>(width)])));
}

template <class S>
void take_numbers(Raw raw, const DataOptions& options, const DataRequest& request, DataSet& data) {
  Numbers<S> numbers;
  numbers.dim = data.dim;
  if (request.transform) data.transform = *request.transform;
  if (raw.tensor.dtype == io::Dtype::u8) {
    numbers.bytes = std::move(raw.tensor.data);
    scale_bytes(numbers.bytes, options, request, data);
    if (!request.transform) {
      const double unit = data.transform.byte_unit;
      data.transform =
          InputTransform::fit(from_name<InputTransform::Kind>("--input-transform", request.kind),
                              numbers.data(data.all()).input);
      data.transform.byte_unit = unit;
    }
    data.binary = std::ranges::all_of(
        numbers.bytes, [](std::byte b) { return b == std::byte{0} || b == std::byte{255}; });
  } else {
    if (!request.transform) data.transform = fit<S>(raw.tensor, request, data);
    numbers.input = without_offsets<S>(raw.tensor, data.transform.offsets<S>());
    look_for_missing(numbers, options, raw, data);
    data.binary =
        std::ranges::all_of(numbers.input, [](S x) { return x == S(0) || x == S(1) || x != x; });
  }
  if (request.binary && data.transform.identity()) {
    const double most =
        numbers.data(data.all()).input.visit([](const auto& x) { return extent_of<S>(x).high; });
    if (most < 0.01)
      data.notes.push_back(text(data.path, ": its largest number is ", most, ", where a Bernoulli ",
                                "likelihood expects numbers up to 1"));
  }

  if (data.classes > 0) {
    numbers.condition_dim = data.classes;
    numbers.condition.assign(static_cast<std::size_t>(data.rows * data.classes), S(0));
    for (std::size_t row = 0; row < data.labels.size(); ++row)
      numbers.condition[row * static_cast<std::size_t>(data.classes) +
                        static_cast<std::size_t>(data.labels[row])] = S(1);
  }
  if (request.numeric_condition) take_condition(raw, request, data, numbers);
  data.numbers = std::move(numbers);
}

}  // namespace

template <class S>
Data<S> Numbers<S>::data(Range rows) const {
  const auto part = [&]<class T>(const T* from, Index width) {
    return samples_in_memory(from + rows.first * width, rows.count, width);
  };
  Data<S> result;
  if (bytes.empty())
    result.input = part(input.data(), dim);
  else
    result.input = part(reinterpret_cast<const std::uint8_t*>(bytes.data()), dim);
  if (!condition.empty()) result.condition = part(condition.data(), condition_dim);
  if (!mask.empty()) result.mask = part(mask.data(), dim);
  return result;
}
template struct Numbers<float>;
template struct Numbers<double>;

double DataSet::value(Index row, Index column) const {
  return std::visit(
      [&](const auto& n) {
        return static_cast<double>(n.data({row, 1}).input(column, 0));
      },
      numbers);
}

bool DataSet::observed(Index row, Index column) const {
  const auto i = static_cast<std::size_t>(row * dim + column);
  return std::visit([&](const auto& n) { return n.mask.empty() || n.mask[i] > 0; }, numbers);
}

Index DataSet::condition_dim() const {
  return std::visit([](const auto& n) { return n.condition.empty() ? 0 : n.condition_dim; },
                    numbers);
}

double DataSet::condition(Index row, Index column) const {
  return std::visit(
      [&](const auto& n) {
        return static_cast<double>(
            n.condition[static_cast<std::size_t>(row * n.condition_dim + column)]);
      },
      numbers);
}

bool has_labels(const DataOptions& options) {
  return !options.labels.empty() || is_folder(options.path);
}

DataSet read_data(const DataOptions& options, const DataRequest& request) {
  if (!options.condition.empty() && !request.numeric_condition)
    throw Failure(ExitCode::usage, "--condition is ", options.condition,
                  ", but the model has no condition of numbers");
  Raw raw = read_raw(options, request);
  const bool labelled = request.classes != kNoLabels;
  DataSet data;
  data.path = raw.path;
  data.split = raw.split;
  if (raw.tensor.shape.size() < 2 && !raw.tensor.shape.empty()) raw.tensor.shape.push_back(1);
  if (raw.tensor.shape.empty() || raw.tensor.shape.front() == 0)
    throw bad_input(raw.path, ": has no rows, expected at least one");
  cut_windows(raw, options, request, data);
  if (labelled) find_labels(raw, options, request);
  if (request.numeric_condition) find_condition(raw, options, request);
  data.rows_in_file = static_cast<Index>(raw.tensor.shape.front());
  if (data.rows_in_file > Index{std::numeric_limits<std::uint32_t>::max()})
    throw bad_input(raw.path, ": has ", data.rows_in_file, " rows, expected at most 2^32 - 1");
  if (!options.rows.empty()) choose_rows(raw, options.rows);
  data.first_row = raw.rows.empty() ? 0 : raw.rows.front();
  data.end_row =
      raw.rows.empty() ? static_cast<std::uint32_t>(data.rows_in_file) : raw.rows.back() + 1;
  if (request.test > 0) data.test_rows = keep_out(raw, request);
  if (!request.only.empty()) {
    if (data.rows_in_file != request.rows_in_file)
      throw bad_input(raw.path, ": has ", data.rows_in_file,
                      " rows, and the file that the model was ", "trained on had ",
                      request.rows_in_file);
    raw.rows = request.only;
  }
  if (!raw.rows.empty()) keep_rows(raw);
  data.row_numbers = raw.rows;
  data.rows = static_cast<Index>(raw.tensor.shape.front());
  data.dim = static_cast<Index>(raw.tensor.count()) / data.rows;
  if (data.dim == 0) throw bad_input(raw.path, ": has rows of no numbers, expected at least one");
  data.image = options.image.empty() ? image_of(raw.tensor) : parse_image(options.image, data.dim);
  data.notes = std::move(raw.notes);
  name_columns(raw, request, data);
  if (labelled) count_classes(raw, request, data);
  if (request.numeric_condition) name_condition(raw, request, data);
  request.scalar == "float64" ? take_numbers<double>(std::move(raw), options, request, data)
                              : take_numbers<float>(std::move(raw), options, request, data);
  return data;
}

void fill_missing(DataSet& data) {
  std::visit(
      [&](auto& numbers) {
        using S = typename std::decay_t<decltype(numbers.input)>::value_type;
        if (numbers.mask.empty()) return;
        const std::vector<double> shift = data.transform.after(data.transform.offsets<S>()).shift;
        for (std::size_t i = 0; i < numbers.input.size(); ++i) {
          if (numbers.mask[i] > 0) continue;
          const std::size_t column = i % static_cast<std::size_t>(numbers.dim);
          numbers.input[i] = shift.empty() ? S(0) : S(shift[shift.size() == 1 ? 0 : column]);
        }
      },
      data.numbers);
}

void hide(DataSet& data, const std::vector<bool>& hidden) {
  std::visit(
      [&](auto& numbers) {
        using S = typename std::decay_t<decltype(numbers.input)>::value_type;
        if (!numbers.bytes.empty()) {  // bytes have no value for what is missing
          std::vector<S> values(numbers.bytes.size());
          for (std::size_t i = 0; i < values.size(); ++i)
            values[i] = as_number<S>(std::to_integer<std::uint8_t>(numbers.bytes[i]));
          numbers.input = std::move(values);
          numbers.bytes.clear();
        }
        if (numbers.mask.empty()) numbers.mask.assign(numbers.input.size(), S(1));
        for (std::size_t i = 0; i < hidden.size(); ++i)
          if (hidden[i]) numbers.mask[i] = S(0);
      },
      data.numbers);
  fill_missing(data);
}

std::array<Index, 3> parse_image(const std::string& shape, Index dim) {
  std::array<Index, 3> image{0, 0, 1};
  const char* at = shape.data();
  const char* const end = at + shape.size();
  std::size_t parts = 0;
  bool good = true;
  while (good && parts < 3) {
    const auto [stop, error] = std::from_chars(at, end, image[parts]);
    good = error == std::errc() && image[parts] > 0 && image[parts] < 65536;
    ++parts;
    at = stop;
    if (at == end) break;
    good = good && *at++ == 'x';
  }
  if (!good || at != end || parts < 2 || (image[2] != 1 && image[2] != 3))
    throw Failure(ExitCode::usage, "--image: is '", shape,
                  "', expected HxW or HxWxC with 1 or 3 channels");
  if (image[0] * image[1] * image[2] != dim)
    throw Failure(ExitCode::usage, "--image: ", shape, " makes ", image[0] * image[1] * image[2],
                  " numbers, but a row has ", dim);
  return image;
}

std::string classes_text(const std::vector<std::string>& names, Index classes) {
  if (names.empty()) return text("0 to ", classes - 1);
  constexpr std::size_t most = 10;
  std::string out = "one of ";
  for (std::size_t k = 0; k < std::min(names.size(), most); ++k)
    out += (k == 0 ? "" : ", ") + names[k];
  return names.size() > most ? out + ", …" : out;
}

std::vector<std::string> numbered(const std::string& name, Index count) {
  std::vector<std::string> names;
  for (Index i = 0; i < count; ++i) names.push_back(name + std::to_string(i));
  return names;
}

}  // namespace longhand::cli
