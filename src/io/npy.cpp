// SPDX-License-Identifier: MIT
#include "longhand/io/npy.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "longhand/io/error.hpp"
#include "longhand/io/file.hpp"
#include "message.hpp"
#include "source.hpp"

namespace longhand::io {
namespace {

constexpr std::string_view magic = "\x93NUMPY";
constexpr std::uint64_t max_header = 4096;
constexpr std::size_t alignment = 64;

struct Descr {
  std::string_view text;
  Dtype dtype;
};
constexpr std::array<Descr, 12> descrs = {{{"|b1", Dtype::boolean},
                                           {"|u1", Dtype::u8},
                                           {"|i1", Dtype::i8},
                                           {"<i2", Dtype::i16},
                                           {"<u2", Dtype::u16},
                                           {"<f2", Dtype::f16},
                                           {"<i4", Dtype::i32},
                                           {"<u4", Dtype::u32},
                                           {"<f4", Dtype::f32},
                                           {"<f8", Dtype::f64},
                                           {"<i8", Dtype::i64},
                                           {"<u8", Dtype::u64}}};

/// The header is a Python dict literal; this reads the one kind of dict that can stand there.
class Header {
 public:
  Header(std::string_view text, const std::string& file) : rest_(text), file_(file) {}

  Tensor parse() {
    expect('{');
    while (!accept('}')) {
      const std::string_view key = string();
      expect(':');
      if (key == "descr") {
        once(dtype_, key);
        dtype_ = descr();
      } else if (key == "fortran_order") {
        once(c_order_, key);
        c_order_ = c_order();
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
    if (!c_order_) fail("lacks the key 'fortran_order', expected it");
    if (!shape_) fail("lacks the key 'shape', expected it");
    return {*dtype_, std::move(*shape_), {}};
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
    const auto found = std::ranges::find(descrs, text, &Descr::text);
    if (found == descrs.end()) {
      throw FormatError(file_, "descr",
                        cat("is ", shown(text),
                            ", expected little-endian numbers like \"<f4\", "
                            "\"<f8\", \"|u1\", \"<i4\" or \"<i8\""));
    }
    return found->dtype;
  }

  bool c_order() {
    skip_space();
    if (rest_.starts_with("True")) {
      throw FormatError(file_, "fortran_order",
                        "is True, expected False (save numpy.ascontiguousarray(array) instead)");
    }
    if (!rest_.starts_with("False")) {
      fail(cat("has ", shown(rest_), " where True or False is expected"));
    }
    rest_.remove_prefix(std::strlen("False"));
    return true;
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
  std::optional<bool> c_order_;
  std::optional<std::vector<std::uint64_t>> shape_;
};

std::uint64_t little_endian(std::span<const std::byte> bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) {
    value = value << 8 | std::to_integer<std::uint64_t>(bytes[i]);
  }
  return value;
}

Tensor parse(Source& source) {
  const std::vector<std::byte> start = source.take(magic.size(), "magic");
  if (std::memcmp(start.data(), magic.data(), magic.size()) != 0) {
    throw FormatError(source.name(), "magic", "is not \"\\x93NUMPY\", expected an .npy file");
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
  Tensor tensor = Header(text, source.name()).parse();

  const auto bytes = checked_extent(tensor.shape, tensor.dtype);
  if (!bytes) {
    throw FormatError(source.name(), "shape",
                      cat("is ", list(tensor.shape), ", expected fewer than 2^64 bytes of data"));
  }
  tensor.data = source.take(*bytes, "data");
  source.expect_end("data");
  return tensor;
}

}  // namespace

Tensor read_npy(const std::filesystem::path& path) {
  FileSource source(path);
  return parse(source);
}

Tensor read_npy(std::span<const std::byte> bytes, std::string_view name) {
  MemorySource source(bytes, name);
  return parse(source);
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
  std::string head =
      cat("{'descr': '", descr->text, "', 'fortran_order': False, 'shape': (", dims, "), }");
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
