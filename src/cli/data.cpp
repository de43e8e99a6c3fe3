// SPDX-License-Identifier: MIT
#include "data.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <limits>

#include "failure.hpp"
#include "longhand/io/csv.hpp"
#include "longhand/io/idx.hpp"
#include "longhand/io/npy.hpp"

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
  std::string labels_path;  ///< of the labels that belong to an IDX file
  io::Tensor tensor;        ///< (rows, …)
  std::vector<std::string> names;
  std::vector<std::int64_t> labels;
};

bool is_idx(const fs::path& path) {
  const std::string name = path.filename().string();
  return name.ends_with(".idx") || name.ends_with(".idx.gz") || name.find("ubyte") != name.npos;
}

/// The file `stem` of an IDX folder, in any spelling that is common.
std::string idx_file(const fs::path& folder, const std::string& part, const std::string& kind,
                     const std::string& rank) {
  for (const char* dot : {"-", "."})
    for (const char* gz : {"", ".gz"}) {
      const fs::path path = folder / (part + "-" + kind + dot + rank + "-ubyte" + gz);
      if (fs::exists(path)) return path.string();
    }
  throw bad_input(folder.string(), ": has no ", part, "-", kind, "-", rank,
                  "-ubyte(.gz), expected a folder of IDX files as MNIST has them");
}

std::int64_t as_label(double value, const std::string& path, std::size_t row) {
  if (!(value >= 0) || value != std::floor(value) || value > 1e9)
    throw bad_input(path, ": label of row ", row, " is ", value,
                    ", expected a whole number, 0 or more");
  return static_cast<std::int64_t>(value);
}

std::vector<std::int64_t> as_labels(const io::Tensor& tensor, const std::string& path) {
  std::uint64_t rest = 1;
  for (std::size_t k = 1; k < tensor.shape.size(); ++k) rest *= tensor.shape[k];
  if (tensor.shape.empty() || rest != 1)
    throw bad_input(path, ": shape does not suit labels, expected one number per row");
  std::vector<std::int64_t> labels;
  const std::vector<double> values = tensor.as<double>();
  for (std::size_t row = 0; row < values.size(); ++row)
    labels.push_back(as_label(values[row], path, row));
  return labels;
}

io::Tensor as_tensor(const io::Table& table) {
  return io::Tensor::of<double>({table.rows(), table.columns.size()}, table.values);
}

io::Tensor read_tensor(const std::string& path) {
  const std::string ending = fs::path(path).extension().string();
  if (ending == ".npy") return io::read_npy(path);
  if (ending == ".csv") return as_tensor(io::read_csv(path));
  if (is_idx(path)) return io::read_idx(path);
  throw bad_input(path, ": unknown kind of file, expected .npy, .csv or an IDX file");
}

/// Takes the column called `name` out of a table.
std::vector<std::int64_t> take_labels(io::Table& table, const std::string& name,
                                      const std::string& path) {
  const auto found = std::ranges::find(table.columns, name);
  if (found == table.columns.end())
    throw Failure(ExitCode::usage, "--labels: '", name, "' is neither a file nor a column of ",
                  path);
  const auto column = static_cast<std::size_t>(found - table.columns.begin());
  const std::size_t width = table.columns.size();
  std::vector<std::int64_t> labels;
  std::vector<double> rest;
  for (std::size_t i = 0; i < table.values.size(); ++i) {
    if (i % width == column) {
      labels.push_back(as_label(table.values[i], path, i / width));
    } else {
      rest.push_back(table.values[i]);
    }
  }
  table.columns.erase(found);
  table.values = std::move(rest);
  if (table.columns.empty()) throw bad_input(path, ": has no column beside the labels");
  return labels;
}

Raw read_raw(const DataOptions& options, const std::string& default_split) {
  if (options.path.empty())
    throw Failure(ExitCode::usage, "--data is missing, expected a folder of IDX files or a file");
  Raw raw;
  raw.path = options.path;
  if (!fs::exists(raw.path)) throw bad_input(raw.path, ": no such file or folder");
  if (fs::is_directory(raw.path)) {
    raw.split = options.split.empty() ? default_split : options.split;
    const std::string part = raw.split == "train" ? "train" : "t10k";
    raw.labels_path = options.path;
    raw.path = idx_file(options.path, part, "images", "idx3");
    raw.tensor = io::read_idx(raw.path);
    return raw;
  }
  if (!options.split.empty())
    throw Failure(ExitCode::usage, "--split is for IDX folders, but ", raw.path, " is a file");
  if (fs::path(raw.path).extension() == ".csv") {
    io::Table table = io::read_csv(raw.path);
    if (!options.labels.empty() && !fs::exists(options.labels))
      raw.labels = take_labels(table, options.labels, raw.path);
    raw.names = table.columns;
    raw.tensor = as_tensor(table);
  } else {
    raw.tensor = read_tensor(raw.path);
  }
  return raw;
}

void find_labels(Raw& raw, const DataOptions& options) {
  if (!raw.labels.empty()) return;
  std::string path = options.labels;
  if (path.empty() && !raw.labels_path.empty())
    path = idx_file(raw.labels_path, raw.split == "train" ? "train" : "t10k", "labels", "idx1");
  if (path.empty())
    throw Failure(ExitCode::usage, "a conditional model needs --labels with ", raw.path);
  if (!fs::exists(path)) throw bad_input(path, ": no such file (--labels)");
  raw.labels = as_labels(read_tensor(path), path);
  if (raw.labels.size() != raw.tensor.shape.front())
    throw bad_input(path, ": has ", raw.labels.size(), " labels, expected ",
                    raw.tensor.shape.front(), ", one per row of ", raw.path);
}

/// Keeps rows A to B - 1 of "A:B".
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
  io::Tensor& tensor = raw.tensor;
  const std::uint64_t rows = tensor.shape.front();
  if (end > rows)
    throw Failure(ExitCode::usage, "--rows is '", range, "', expected at most 0:", rows, ", the ",
                  rows, " rows of ", raw.path);
  const auto keep = [&](auto& values) {
    const std::uint64_t per_row = values.size() / rows;
    values.erase(values.begin() + static_cast<std::ptrdiff_t>(end * per_row), values.end());
    values.erase(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(first * per_row));
  };
  keep(tensor.data);
  if (!raw.labels.empty()) keep(raw.labels);
  tensor.shape.front() = end - first;
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

/// Throws for the first NaN, or with --missing nan marks them all.
template <class S>
void look_for_missing(Numbers<S>& numbers, const DataOptions& options, const DataSet& data) {
  const Data<S> all = numbers.data(data.all());
  if (all.input.visit([](const auto& x) { return extent_of<S>(x).finite; })) return;
  for (std::size_t i = 0; i < numbers.input.size(); ++i) {
    if (!std::isnan(numbers.input[i])) continue;
    if (options.missing == "error") {
      const auto row = i / static_cast<std::size_t>(data.dim);
      const auto column = i % static_cast<std::size_t>(data.dim);
      throw bad_input(data.path, ": row ", row, ", column ", column, " is NaN, expected a number",
                      " (or --missing nan)");
    }
    if (numbers.mask.empty()) numbers.mask.assign(numbers.input.size(), S(1));
    numbers.mask[i] = S(0);
  }
}

template <class S>
void take_numbers(Raw raw, const DataOptions& options, DataSet& data) {
  Numbers<S> numbers;
  numbers.dim = data.dim;
  if (raw.tensor.dtype == io::Dtype::u8) {
    numbers.bytes = std::move(raw.tensor.data);
    data.binary = std::ranges::all_of(
        numbers.bytes, [](std::byte b) { return b == std::byte{0} || b == std::byte{255}; });
  } else {
    numbers.input = raw.tensor.as<S>();
    look_for_missing(numbers, options, data);
    data.binary =
        std::ranges::all_of(numbers.input, [](S x) { return x == S(0) || x == S(1) || x != x; });
  }

  if (data.classes > 0) {
    numbers.classes = data.classes;
    numbers.condition.assign(static_cast<std::size_t>(data.rows * data.classes), S(0));
    for (std::size_t row = 0; row < data.labels.size(); ++row)
      numbers.condition[row * static_cast<std::size_t>(data.classes) +
                        static_cast<std::size_t>(data.labels[row])] = S(1);
  }
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
  if (!condition.empty()) result.condition = part(condition.data(), classes);
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

DataSet read_data(const DataOptions& options, const std::string& split, Index classes,
                  const std::string& scalar) {
  Raw raw = read_raw(options, split);
  DataSet data;
  data.path = raw.path;
  data.split = raw.split;
  if (raw.tensor.shape.size() < 2 && !raw.tensor.shape.empty()) raw.tensor.shape.push_back(1);
  if (raw.tensor.shape.empty() || raw.tensor.shape.front() == 0)
    throw bad_input(raw.path, ": has no rows, expected at least one");
  if (classes != kNoLabels) find_labels(raw, options);
  if (!options.rows.empty()) choose_rows(raw, options.rows);
  data.rows = static_cast<Index>(raw.tensor.shape.front());
  if (data.rows > Index{std::numeric_limits<std::uint32_t>::max()})
    throw bad_input(raw.path, ": has ", data.rows, " rows, expected at most 2^32 - 1");
  data.dim = static_cast<Index>(raw.tensor.count()) / data.rows;
  if (data.dim == 0) throw bad_input(raw.path, ": has rows of no numbers, expected at least one");
  data.image = options.image.empty() ? image_of(raw.tensor) : parse_image(options.image, data.dim);
  data.names = raw.names.empty() ? numbered("x", data.dim) : raw.names;

  if (classes != kNoLabels) {
    data.labels = std::move(raw.labels);
    constexpr std::int64_t most = 10000;
    const std::int64_t limit = classes > 0 ? static_cast<std::int64_t>(classes) : most;
    for (std::size_t row = 0; row < data.labels.size(); ++row)
      if (data.labels[row] >= limit)
        throw bad_input(data.path, ": label of row ", row, " is ", data.labels[row],
                        ", expected 0 to ", limit - 1);
    data.classes =
        classes > 0 ? classes : static_cast<Index>(*std::ranges::max_element(data.labels)) + 1;
  }
  scalar == "float64" ? take_numbers<double>(std::move(raw), options, data)
                      : take_numbers<float>(std::move(raw), options, data);
  return data;
}

void fill_missing(DataSet& data, const InputTransform& transform) {
  std::visit(
      [&](auto& numbers) {
        using S = typename std::decay_t<decltype(numbers.input)>::value_type;
        if (numbers.mask.empty()) return;
        for (std::size_t i = 0; i < numbers.input.size(); ++i) {
          if (numbers.mask[i] > 0) continue;
          const std::vector<double>& shift = transform.shift;
          const std::size_t column = i % static_cast<std::size_t>(numbers.dim);
          numbers.input[i] = shift.empty() ? S(0) : S(shift[shift.size() == 1 ? 0 : column]);
        }
      },
      data.numbers);
}

InputTransform fit_transform(const DataSet& data, const std::string& kind) {
  using Kind = InputTransform::Kind;
  const auto chosen = from_name<Kind>("--input-transform", kind);
  return std::visit(
      [&](const auto& n) { return InputTransform::fit(chosen, n.data(data.all()).input); },
      data.numbers);
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

std::vector<std::string> numbered(const std::string& name, Index count) {
  std::vector<std::string> names;
  for (Index i = 0; i < count; ++i) names.push_back(name + std::to_string(i));
  return names;
}

}  // namespace longhand::cli
