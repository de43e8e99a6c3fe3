// SPDX-License-Identifier: MIT
#include "longhand/io/idx.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "foreign.hpp"
#include "longhand/io/error.hpp"
#include "longhand/io/file.hpp"
#include "message.hpp"
#include "source.hpp"
#include "swap_bytes.hpp"

namespace longhand::io {
namespace {

struct Type {
  std::uint8_t code;
  Dtype dtype;
};
constexpr std::array<Type, 6> types = {{{0x08, Dtype::u8},
                                        {0x09, Dtype::i8},
                                        {0x0b, Dtype::i16},
                                        {0x0c, Dtype::i32},
                                        {0x0d, Dtype::f32},
                                        {0x0e, Dtype::f64}}};
constexpr std::size_t max_rank = 4;

std::uint32_t big_endian(std::span<const std::byte, 4> bytes) {
  std::uint32_t value = 0;
  for (const std::byte byte : bytes) value = value << 8 | std::to_integer<std::uint32_t>(byte);
  return value;
}

void append_big_endian(std::vector<std::byte>& out, std::uint32_t value) {
  for (const int shift : {24, 16, 8, 0}) out.push_back(static_cast<std::byte>(value >> shift));
}

/// `start` are the two bytes by which plain and compressed files were told apart.
Tensor parse(Source& source, std::span<const std::byte> start) {
  std::vector<std::byte> head(start.begin(), start.end());
  const std::vector<std::byte> rest = source.take(2, "magic");
  head.insert(head.end(), rest.begin(), rest.end());
  const std::uint32_t magic = big_endian(std::span(head).first<4>());

  const auto type = std::ranges::find(types, magic >> 8, &Type::code);
  const std::uint32_t rank = magic & 0xff;
  if (type == types.end() || rank < 1 || rank > max_rank) {
    throw FormatError(
        source.name(), "magic",
        foreign_or(head, cat("is ", hex(magic, 8),
                             ", expected 0x000008NN (unsigned bytes; or 09, 0b, 0c, 0d, 0e for "
                             "other types) with NN = 01 to 04 dimensions")));
  }

  Tensor tensor{type->dtype, {}, {}};
  for (std::uint32_t i = 0; i < rank; ++i) {
    const std::vector<std::byte> dim = source.take(4, "shape");
    tensor.shape.push_back(big_endian(std::span(dim).first<4>()));
  }
  const auto bytes = checked_extent(tensor.shape, tensor.dtype);
  if (!bytes) {
    throw FormatError(source.name(), "shape",
                      cat("is ", list(tensor.shape), ", expected fewer than 2^64 bytes of data"));
  }
  tensor.data = source.take(*bytes, "data");
  source.expect_end("data");
  swap_bytes(tensor.data, dtype_size(tensor.dtype));
  return tensor;
}

Tensor detect(Source& source) {
  const std::vector<std::byte> start = source.take(2, "magic");
  if (start[0] == std::byte{0x1f} && start[1] == std::byte{0x8b}) {
    GunzipSource plain(source, start);
    return parse(plain, plain.take(2, "magic"));
  }
  return parse(source, start);
}

}  // namespace

Tensor read_idx(const std::filesystem::path& path) {
  FileSource source(path);
  return detect(source);
}

Tensor read_idx(std::span<const std::byte> bytes, std::string_view name) {
  MemorySource source(bytes, name);
  return detect(source);
}

std::vector<std::byte> encode_idx(const Tensor& tensor, std::string_view name) {
  const auto type = std::ranges::find(types, tensor.dtype, &Type::dtype);
  if (type == types.end()) {
    throw FormatError(name, "dtype",
                      cat("is ", dtype_name(tensor.dtype),
                          ", expected U8, I8, I16, I32, F32 or F64, the types of IDX"));
  }
  const bool fits = std::ranges::all_of(tensor.shape, [](std::uint64_t dim) {
    return dim <= std::numeric_limits<std::uint32_t>::max();
  });
  if (tensor.shape.empty() || tensor.shape.size() > max_rank || !fits) {
    throw FormatError(name, "shape",
                      cat("is ", list(tensor.shape), ", expected 1 to 4 dimensions below 2^32"));
  }
  if (checked_extent(tensor.shape, tensor.dtype) != tensor.data.size()) {
    throw FormatError(
        name, "data",
        cat("has ", tensor.data.size(), " bytes, expected those of shape ", list(tensor.shape)));
  }
  std::vector<std::byte> out;
  append_big_endian(out, static_cast<std::uint32_t>(type->code << 8 | tensor.shape.size()));
  for (const std::uint64_t dim : tensor.shape) {
    append_big_endian(out, static_cast<std::uint32_t>(dim));
  }
  const std::size_t head = out.size();
  out.insert(out.end(), tensor.data.begin(), tensor.data.end());
  swap_bytes(std::span(out).subspan(head), dtype_size(tensor.dtype));
  return out;
}

void write_idx(const std::filesystem::path& path, const Tensor& tensor) {
  write_file(path, encode_idx(tensor, path.string()));
}

}  // namespace longhand::io
