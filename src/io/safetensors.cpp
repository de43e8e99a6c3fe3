// SPDX-License-Identifier: MIT
#include "longhand/io/safetensors.hpp"

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "foreign.hpp"
#include "longhand/io/error.hpp"
#include "longhand/io/file.hpp"
#include "message.hpp"
#include "source.hpp"

namespace longhand::io {
namespace {

constexpr std::uint64_t max_header = 100'000'000;
constexpr std::string_view metadata_key = "__metadata__";

std::optional<Dtype> find_dtype(std::string_view name) {
  for (int i = 0; i <= static_cast<int>(Dtype::u64); ++i) {
    if (dtype_name(static_cast<Dtype>(i)) == name) return static_cast<Dtype>(i);
  }
  return std::nullopt;
}

struct Entry {
  std::string name;
  std::optional<Dtype> dtype;
  std::optional<std::vector<std::uint64_t>> shape;
  std::optional<std::vector<std::uint64_t>> offsets;
};

/// Receives the header from the JSON parser piece by piece and accepts nothing but the one form it
/// may have. A parsed document would have lost repeated keys, and be many times larger.
class Header {
 public:
  explicit Header(const std::string& file) : file_(file) {}

  std::map<std::string, std::string> metadata;
  std::vector<Entry> entries;

  bool start_object(std::size_t) {
    if (at_ != At::start && at_ != At::header) unexpected("an object");
    at_ = at_ == At::start ? At::header : key_ == metadata_key ? At::metadata : At::entry;
    if (at_ == At::entry) entries.push_back({key_, {}, {}, {}});
    return true;
  }

  bool end_object() {
    if (at_ == At::entry) check_complete();
    at_ = at_ == At::header ? At::end : At::header;
    return true;
  }

  bool key(std::string& name) {
    key_ = name;
    bool repeated = false;
    if (at_ == At::header) {
      repeated = !names_.insert(name).second;
    } else if (at_ == At::metadata) {
      repeated = metadata.contains(name);
    } else if (name == "dtype") {
      repeated = entries.back().dtype.has_value();
    } else if (name == "shape" || name == "data_offsets") {
      repeated = numbers().has_value();
    } else {
      throw FormatError(
          file_, shown(entries.back().name),
          cat("has the key ", shown(name), ", expected only dtype, shape and data_offsets"));
    }
    if (repeated) fail("occurs twice, expected once");
    return true;
  }

  bool string(std::string& value) {
    if (at_ == At::metadata) {
      metadata.emplace(key_, value);
      return true;
    }
    if (at_ != At::entry || key_ != "dtype") unexpected("a string");
    entries.back().dtype = find_dtype(value);
    if (!entries.back().dtype) {
      fail(cat("is ", shown(value),
               ", expected BOOL, U8, I8, I16, U16, F16, BF16, I32, U32, F32, F64, I64 or U64"));
    }
    return true;
  }

  bool start_array(std::size_t) {
    if (at_ != At::entry || key_ == "dtype") unexpected("a list");
    at_ = At::numbers;
    numbers().emplace();
    return true;
  }

  bool end_array() {
    at_ = At::entry;
    return true;
  }

  bool number_unsigned(std::uint64_t value) {
    if (at_ != At::numbers) unexpected("a number");
    numbers()->push_back(value);
    return true;
  }

  bool number_integer(std::int64_t) { unexpected("a negative number"); }
  bool number_float(double, const std::string&) { unexpected("a fraction or too large a number"); }
  bool null() { unexpected("null"); }
  bool boolean(bool) { unexpected("a boolean"); }
  bool binary(nlohmann::json::binary_t&) { unexpected("binary data"); }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception&) {
    throw FormatError(file_, "header",
                      cat("is no valid JSON at byte ", position, ", expected one JSON object"));
  }

 private:
  enum class At { start, header, metadata, entry, numbers, end };

  /// The value that is being read, by the path of keys to it.
  std::string where() const {
    switch (at_) {
      case At::start:
      case At::end:
        return "header";
      case At::header:
        return shown(key_);
      case At::metadata:
        return cat(metadata_key, " ", shown(key_));
      case At::entry:
      case At::numbers:
        break;
    }
    return cat(shown(entries.back().name), " ", key_);
  }

  [[noreturn]] void fail(std::string_view problem) const {
    throw FormatError(file_, where(), problem);
  }

  [[noreturn]] void unexpected(std::string_view what) const {
    const bool text = at_ == At::metadata || (at_ == At::entry && key_ == "dtype");
    fail(cat(at_ == At::numbers ? "holds " : "is ", what, ", expected ",
             text                 ? "a string"
             : at_ == At::numbers ? "integers from 0 to 2^64 - 1"
             : at_ == At::entry   ? "a list"
                                  : "an object"));
  }

  std::optional<std::vector<std::uint64_t>>& numbers() {
    return key_ == "shape" ? entries.back().shape : entries.back().offsets;
  }

  void check_complete() const {
    const Entry& entry = entries.back();
    const char* problem = !entry.dtype                 ? "lacks dtype, expected it"
                          : !entry.shape               ? "lacks shape, expected it"
                          : !entry.offsets             ? "lacks data_offsets, expected it"
                          : entry.offsets->size() != 2 ? "has other than 2 data_offsets, expected 2"
                                                       : nullptr;
    if (problem != nullptr) throw FormatError(file_, shown(entry.name), problem);
  }

  const std::string& file_;
  At at_ = At::start;
  std::string key_;
  std::set<std::string> names_;
};

Safetensors parse(Source& source) {
  const std::vector<std::byte> prefix = source.take(8, "header length");
  std::uint64_t length = 0;
  std::memcpy(&length, prefix.data(), sizeof(length));
  const bool too_long = length > max_header || (source.remaining() && *source.remaining() < length);
  const std::string_view other = too_long ? foreign(prefix) : std::string_view();
  if (!other.empty()) throw FormatError(source.name(), "magic", other);
  if (length > max_header) {
    throw FormatError(source.name(), "header length",
                      cat("is ", length, ", expected at most ", max_header));
  }
  const std::vector<std::byte> bytes = source.take(length, "header");
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (!text.starts_with('{') && !foreign(prefix).empty())
    throw FormatError(source.name(), "magic", foreign(prefix));
  // The JSON parser would skip spaces before the text and take a NUL for its end.
  if (!text.starts_with('{')) {
    throw FormatError(source.name(), "header",
                      cat("begins with ", shown(text.substr(0, 1)), ", expected \"{\""));
  }
  if (text.find('\0') != text.npos) {
    throw FormatError(source.name(), "header", "holds a NUL byte, expected JSON text");
  }
  Header header(source.name());
  nlohmann::json::sax_parse(text.begin(), text.end(), &header);

  std::ranges::sort(header.entries, {}, [](const Entry& entry) { return *entry.offsets; });
  Safetensors content;
  content.metadata = std::move(header.metadata);
  std::uint64_t position = 0;
  for (Entry& entry : header.entries) {
    const std::uint64_t begin = (*entry.offsets)[0];
    const std::uint64_t end = (*entry.offsets)[1];
    if (begin != position) {
      throw FormatError(source.name(), shown(entry.name) + " data_offsets",
                        cat("are ", list(*entry.offsets), ", expected to begin at ", position,
                            begin < position ? " (overlap)" : " (hole)"));
    }
    const auto extent = checked_extent(*entry.shape, *entry.dtype);
    if (end < begin || extent != end - begin) {
      throw FormatError(source.name(), shown(entry.name) + " data_offsets",
                        cat("are ", list(*entry.offsets), ", expected the bytes of shape ",
                            list(*entry.shape), " and type ", dtype_name(*entry.dtype)));
    }
    position = end;
    Tensor& tensor = content.tensors[entry.name];
    tensor.dtype = *entry.dtype;
    tensor.shape = std::move(*entry.shape);
    tensor.data = source.take(*extent, shown(entry.name) + " data");
  }
  source.expect_end("data section");
  return content;
}

/// The tensors in file order: the map's order by name, stably sorted by type.
std::vector<const Tensors::value_type*> file_order(const Tensors& tensors) {
  std::vector<const Tensors::value_type*> order;
  for (const auto& item : tensors) order.push_back(&item);
  std::ranges::stable_sort(order, std::ranges::greater(),
                           [](const auto* item) { return item->second.dtype; });
  return order;
}

}  // namespace

Safetensors read_safetensors(const std::filesystem::path& path) {
  FileSource source(path);
  return parse(source);
}

Safetensors read_safetensors(std::span<const std::byte> bytes, std::string_view name) {
  MemorySource source(bytes, name);
  return parse(source);
}

std::vector<std::byte> encode_safetensors(const Safetensors& content, std::string_view name) {
  const auto order = file_order(content.tensors);
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!content.metadata.empty()) header[std::string(metadata_key)] = content.metadata;
  std::uint64_t position = 0;
  for (const auto* item : order) {
    const auto& [tensor_name, tensor] = *item;
    if (tensor_name == metadata_key) {
      throw FormatError(name, shown(tensor_name), "is reserved, expected another tensor name");
    }
    if (checked_extent(tensor.shape, tensor.dtype) != tensor.data.size()) {
      throw FormatError(name, shown(tensor_name) + " data",
                        cat("has ", tensor.data.size(), " bytes, expected those of shape ",
                            list(tensor.shape), " and type ", dtype_name(tensor.dtype)));
    }
    const std::uint64_t end = position + tensor.data.size();
    header[tensor_name] = {{"dtype", dtype_name(tensor.dtype)},
                           {"shape", tensor.shape},
                           {"data_offsets", {position, end}}};
    position = end;
  }

  std::string text;
  try {
    text = header.dump();
  } catch (const nlohmann::json::exception&) {
    throw FormatError(name, "header", "holds a name or metadata text that is not UTF-8");
  }
  text.append((8 - text.size() % 8) % 8, ' ');
  const std::uint64_t length = text.size();
  if (length > max_header) {
    throw FormatError(name, "header", cat("has ", length, " bytes, expected at most ", max_header));
  }

  std::vector<std::byte> out(sizeof(length) + length + position);
  std::memcpy(out.data(), &length, sizeof(length));
  std::memcpy(out.data() + sizeof(length), text.data(), length);
  auto into = out.begin() + static_cast<std::ptrdiff_t>(sizeof(length) + length);
  for (const auto* item : order) into = std::ranges::copy(item->second.data, into).out;
  return out;
}

void write_safetensors(const std::filesystem::path& path, const Safetensors& content) {
  write_file(path, encode_safetensors(content, path.string()));
}

std::uint32_t data_checksum(const Tensors& tensors) {
  uLong sum = ::crc32_z(0, nullptr, 0);
  for (const auto* item : file_order(tensors)) {
    const std::vector<std::byte>& data = item->second.data;
    // With a null pointer crc32_z would begin again.
    if (!data.empty())
      sum = ::crc32_z(sum, reinterpret_cast<const Bytef*>(data.data()), data.size());
  }
  return static_cast<std::uint32_t>(sum);
}

}  // namespace longhand::io
