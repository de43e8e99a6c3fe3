// SPDX-License-Identifier: MIT
#include "longhand/io/npy.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "foreign.hpp"
#include "longhand/io/error.hpp"
#include "longhand/io/file.hpp"
#include "message.hpp"
#include "parse_npy.hpp"
#include "swap_bytes.hpp"

namespace longhand::io {
namespace {

constexpr std::string_view magic = "\x93NUMPY";
constexpr std::uint64_t max_header = 4096;
constexpr std::size_t alignment = 64;

/// Without the byte order, which stands before it.
struct Descr {
  std::string_view text;
  Dtype dtype;
};
constexpr std::array<Descr, 12> descrs = {{{"b1", Dtype::boolean},
                                           {"u1", Dtype::u8},
                                           {"i1", Dtype::i8},
                                           {"i2", Dtype::i16},
                                           {"u2", Dtype::u16},
                                           {"f2", Dtype::f16},
                                           {"i4", Dtype::i32},
                                           {"u4", Dtype::u32},
                                           {"f4", Dtype::f32},
                                           {"f8", Dtype::f64},
                                           {"i8", Dtype::i64},
                                           {"u8", Dtype::u64}}};

/// What the header says of the data that follow.
struct Declared {
  Tensor tensor;  ///< without data
  bool big_endian = false;
  bool fortran_order = false;
};

/// The header is a Python dict literal; this reads the one kind of dict that can stand there.
class Header {
 public:
  Header(std::string_view text, const std::string& file) : rest_(text), file_(file) {}

  Declared parse() {
    expect('{');
    while (!accept('}')) {
      const std::string_view key = string();
      expect(':');
      if (key == "descr") {
        once(dtype_, key);
        dtype_ = descr();
      } else if (key == "fortran_order") {
        once(fortran_order_, key);
        fortran_order_ = boolean();
      } else if (key == "shape") {
        once(shape_, key);
        shape_ = shape();
      } else {
        fail(cat("has the key ", shown(key), ", expected 'descr', 'fortran_order', 'shape'"));
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_space();
    if (!rest_.empty()) fail(cat("goes on with ", shown(rest_), ", expected spaces"));
    if (!dtype_) fail("lacks the key 'descr', expected it");
    if (!fortran_order_) fail("lacks the key 'fortran_order', expected it");
    if (!shape_) fail("lacks the key 'shape', expected it");
    return {{*dtype_, std::move(*shape_), {}}, big_endian_, *fortran_order_};
  }

 private:
  [[noreturn]] void fail(std::string_view problem) const {
    throw FormatError(file_, "header", problem);
  }

  template <class Value>
  void once(const std::optional<Value>& value, std::string_view key) const {
    if (value) fail(cat("has the key ", shown(key), " twice, expected it once"));
  }

  void skip_space() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\n\r"), rest_.size()));
  }

  bool accept(char wanted) {
    skip_space();
    if (rest_.empty() || rest_.front() != wanted) return false;
    rest_.remove_prefix(1);
    return true;
  }

  void expect(char wanted) {
    if (!accept(wanted)) fail(cat("has ", shown(rest_), " where '", wanted, "' is expected"));
  }

  std::string_view string() {
    const char quote = accept('\'') ? '\'' : '"';
    if (quote == '"') expect('"');
    const std::size_t length = rest_.find(quote);
    if (length == rest_.npos) fail(cat("has an open string ", shown(rest_), ", expected its end"));
    const std::string_view text = rest_.substr(0, length);
    rest_.remove_prefix(length + 1);
    return text;
  }

  Dtype descr() {
    skip_space();
    if (rest_.starts_with('[')) {
      throw FormatError(file_, "descr", "is a structured type, expected plain numbers");
    }
    const std::string_view text = string();
    // NumPy writes | where one byte has no order, and < or > before all others.
    const char order = text.empty() ? ' ' : text.front();
    const auto found = std::ranges::find(descrs, text.substr(text.empty() ? 0 : 1), &Descr::text);
    const bool good = found != descrs.end() &&
                      (dtype_size(found->dtype) == 1 ? order == '|' : order == '<' || order == '>');
    if (!good) {
      throw FormatError(file_, "descr",
                        cat("is ", shown(text),
                            ", expected numbers like \"<f4\", \">f8\", \"|u1\", \"<i4\" or "
                            "\"<i8\""));
    }
    big_endian_ = order == '>';
    return found->dtype;
  }

  bool boolean() {
    skip_space();
    for (const std::string_view word : {"True", "False"}) {
      if (!rest_.starts_with(word)) continue;
      rest_.remove_prefix(word.size());
      return word == "True";
    }
    fail(cat("has ", shown(rest_), " where True or False is expected"));
  }

  std::vector<std::uint64_t> shape() {
    std::vector<std::uint64_t> dims;
    expect('(');
    while (!accept(')')) {
      skip_space();
      std::uint64_t dim = 0;
      const char* const end = rest_.data() + rest_.size();
      const auto [stop, error] = std::from_chars(rest_.data(), end, dim);
      if (error != std::errc()) {
        throw FormatError(file_, "shape",
                          cat("has ", shown(rest_), ", expected a dimension below 2^64"));
      }
      rest_ = {stop, end};
      dims.push_back(dim);
      if (!accept(',')) {
        // In Python, (3) is a number: a tuple of one needs its comma.
        if (dims.size() == 1) expect(',');
        expect(')');
        break;
      }
    }
    return dims;
  }

  std::string_view rest_;
  const std::string& file_;
  std::optional<Dtype> dtype_;
  bool big_endian_ = false;
  std::optional<bool> fortran_order_;
  std::optional<std::vector<std::uint64_t>> shape_;
};

std::uint64_t little_endian(std::span<const std::byte> bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) {
    value = value << 8 | std::to_integer<std::uint64_t>(bytes[i]);
  }
  return value;
}

/// Elements in Fortran order, first dimension fastest, brought into C order.
std::vector<std::byte> in_c_order(const std::vector<std::byte>& data,
                                  const std::vector<std::uint64_t>& shape, std::size_t size) {
  std::vector<std::byte> out(data.size());
  const std::uint64_t rows = shape.front(), columns = data.size() / size / rows;
  std::vector<std::uint64_t> stride(shape.size(), 1);
  for (std::size_t k = 1; k < shape.size(); ++k) stride[k] = stride[k - 1] * shape[k - 1];
  // Some rows at a time, so that what is read together and written together stays in the cache.
  constexpr std::uint64_t block = 64;
  for (std::uint64_t first = 0; first < rows; first += block) {
    const std::uint64_t end = std::min(rows, first + block);
    std::vector<std::uint64_t> at(shape.size(), 0);  // the place of a column, at[0] is not used
    std::uint64_t from = 0;
    for (std::uint64_t column = 0; column < columns; ++column) {
      for (std::uint64_t row = first; row < end; ++row)
        std::memcpy(out.data() + (row * columns + column) * size, data.data() + (from + row) * size,
                    size);
      for (std::size_t k = shape.size() - 1; k > 0; --k) {
        from += stride[k];
        if (++at[k] < shape[k]) break;
        from -= shape[k] * stride[k];
        at[k] = 0;
      }
    }
  }
  return out;
}

}  // namespace

Tensor parse_npy(Source& source) {
  const std::vector<std::byte> start = source.take(magic.size(), "magic");
  if (std::memcmp(start.data(), magic.data(), magic.size()) != 0) {
    throw FormatError(source.name(), "magic",
                      foreign_or(start, "is not \"\\x93NUMPY\", expected an .npy file"));
  }
  const std::vector<std::byte> version = source.take(2, "version");
  const int major = std::to_integer<int>(version[0]);
  const int minor = std::to_integer<int>(version[1]);
  if (major < 1 || major > 3 || minor != 0) {
    throw FormatError(source.name(), "version",
                      cat("is ", major, ".", minor, ", expected 1.0, 2.0 or 3.0"));
  }
  const std::uint64_t length = little_endian(source.take(major == 1 ? 2 : 4, "header length"));
  if (length > max_header) {
    throw FormatError(source.name(), "header length",
                      cat("is ", length, ", expected at most ", max_header));
  }
  const std::vector<std::byte> header = source.take(length, "header");
  const std::string_view text(reinterpret_cast<const char*>(header.data()), header.size());
  Declared declared = Header(text, source.name()).parse();
  Tensor& tensor = declared.tensor;

  const auto bytes = checked_extent(tensor.shape, tensor.dtype);
  if (!bytes) {
    throw FormatError(source.name(), "shape",
                      cat("is ", list(tensor.shape), ", expected fewer than 2^64 bytes of data"));
  }
  tensor.data = source.take(*bytes, "data");
  source.expect_end("data");
  const std::size_t size = dtype_size(tensor.dtype);
  if (declared.big_endian) swap_bytes(tensor.data, size);
  if (declared.fortran_order && tensor.shape.size() > 1 && !tensor.data.empty())
    tensor.data = in_c_order(tensor.data, tensor.shape, size);
  return std::move(tensor);
}

Tensor read_npy(const std::filesystem::path& path) {
  FileSource source(path);
  return parse_npy(source);
}

Tensor read_npy(std::span<const std::byte> bytes, std::string_view name) {
  MemorySource source(bytes, name);
  return parse_npy(source);
}

std::vector<std::byte> encode_npy(const Tensor& tensor, std::string_view name) {
  const auto descr = std::ranges::find(descrs, tensor.dtype, &Descr::dtype);
  if (descr == descrs.end()) {
    throw FormatError(name, "dtype",
                      cat("is ", dtype_name(tensor.dtype), ", expected a type NumPy knows"));
  }
  if (checked_extent(tensor.shape, tensor.dtype) != tensor.data.size()) {
    throw FormatError(
        name, "data",
        cat("has ", tensor.data.size(), " bytes, expected those of shape ", list(tensor.shape)));
  }
  std::string dims;
  for (const std::uint64_t dim : tensor.shape) {
    dims += (dims.empty() ? "" : ", ") + std::to_string(dim);
  }
  if (tensor.shape.size() == 1) dims += ',';
  std::string head = cat("{'descr': '", dtype_size(tensor.dtype) == 1 ? '|' : '<', descr->text,
                         "', 'fortran_order': False, 'shape': (", dims, "), }");
  const std::size_t before = magic.size() + 4;  // two bytes of version, two of header length
  const std::size_t past = (before + head.size() + 1) % alignment;
  head.append(past == 0 ? 0 : alignment - past, ' ').append("\n");
  if (head.size() > max_header) {
    throw FormatError(name, "shape",
                      cat("has ", tensor.shape.size(), " dimensions, expected a header within ",
                          max_header, " bytes"));
  }

  std::string start(magic);
  start.append(
      {'\x01', '\x00', static_cast<char>(head.size() & 0xff), static_cast<char>(head.size() >> 8)});
  start += head;
  std::vector<std::byte> out(start.size() + tensor.data.size());
  std::memcpy(out.data(), start.data(), start.size());
  std::ranges::copy(tensor.data, out.begin() + static_cast<std::ptrdiff_t>(start.size()));
  return out;
}

void write_npy(const std::filesystem::path& path, const Tensor& tensor) {
  write_file(path, encode_npy(tensor, path.string()));
}

}  // namespace longhand::io
