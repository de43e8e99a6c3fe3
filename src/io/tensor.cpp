// SPDX-License-Identifier: MIT
#include "longhand/io/tensor.hpp"

#include <array>
#include <bit>
#include <concepts>
#include <string>

namespace longhand::io {
namespace {

static_assert(std::endian::native == std::endian::little,
              "tensors hold little-endian bytes and are read as the machine's own");

struct DtypeInfo {
  std::string_view name;
  std::size_t size;
};

constexpr std::array<DtypeInfo, 13> infos = {{{"BOOL", 1},
                                              {"U8", 1},
                                              {"I8", 1},
                                              {"I16", 2},
                                              {"U16", 2},
                                              {"F16", 2},
                                              {"BF16", 2},
                                              {"I32", 4},
                                              {"U32", 4},
                                              {"F32", 4},
                                              {"F64", 8},
                                              {"I64", 8},
                                              {"U64", 8}}};

const DtypeInfo& info(Dtype dtype) noexcept { return infos[static_cast<std::size_t>(dtype)]; }

/// IEEE 754 half precision: the exponent is moved by 112 places, subnormals are scaled instead.
struct Half {
  std::uint16_t bits;
  operator float() const noexcept {
    const std::uint32_t sign = (bits & 0x8000u) << 16;
    const std::uint32_t exponent = (bits >> 10) & 0x1fu;
    const std::uint32_t mantissa = bits & 0x3ffu;
    if (exponent == 0) {
      const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;
      return sign != 0 ? -magnitude : magnitude;
    }
    const std::uint32_t wide = exponent == 0x1f ? 0xffu : exponent + 112;
    return std::bit_cast<float>(sign | (wide << 23) | (mantissa << 13));
  }
};

/// bfloat16: the upper half of a float.
struct Bfloat {
  std::uint16_t bits;
  operator float() const noexcept {
    return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
  }
};

/// Files may hold any byte where a boolean belongs.
struct Boolean {
  std::uint8_t bits;
  operator std::uint8_t() const noexcept { return bits != 0 ? 1 : 0; }
};

template <class From>
inline constexpr bool is_integer = std::integral<From> || std::same_as<From, Boolean>;

template <class To, class From>
To convert(const From& value) {
  if constexpr (std::integral<To> && std::same_as<From, std::uint64_t>) {
    if (!std::in_range<To>(value)) {
      throw std::invalid_argument("io::Tensor::as: " + std::to_string(value) +
                                  " exceeds a signed 64-bit integer");
    }
  }
  return static_cast<To>(value);
}

template <class From, class To>
std::vector<To> convert_all(const std::vector<std::byte>& data) {
  if constexpr (std::integral<To> && !is_integer<From>) {
    throw std::invalid_argument("io::Tensor::as: integers wanted of a floating-point tensor");
  } else {
    std::vector<To> out(data.size() / sizeof(From));
    for (std::size_t i = 0; i < out.size(); ++i) {
      From value;
      std::memcpy(&value, data.data() + i * sizeof(From), sizeof(From));
      out[i] = convert<To>(value);
    }
    return out;
  }
}

}  // namespace

std::size_t dtype_size(Dtype dtype) noexcept { return info(dtype).size; }

std::string_view dtype_name(Dtype dtype) noexcept { return info(dtype).name; }

std::optional<std::uint64_t> checked_extent(std::span<const std::uint64_t> dims,
                                            Dtype dtype) noexcept {
  // In this order a 0 hides only the dimensions after it, as in the reference of safetensors.
  std::uint64_t count = 1;
  for (const std::uint64_t dim : dims) {
    if (__builtin_mul_overflow(count, dim, &count)) return std::nullopt;
  }
  std::uint64_t bytes = 0;
  const std::uint64_t size = dtype_size(dtype);
  if (__builtin_mul_overflow(count, size, &bytes)) return std::nullopt;
  return bytes;
}

template <class T>
std::vector<T> Tensor::as() const {
  switch (dtype) {
    case Dtype::boolean:
      return convert_all<Boolean, T>(data);
    case Dtype::u8:
      return convert_all<std::uint8_t, T>(data);
    case Dtype::i8:
      return convert_all<std::int8_t, T>(data);
    case Dtype::i16:
      return convert_all<std::int16_t, T>(data);
    case Dtype::u16:
      return convert_all<std::uint16_t, T>(data);
    case Dtype::f16:
      return convert_all<Half, T>(data);
    case Dtype::bf16:
      return convert_all<Bfloat, T>(data);
    case Dtype::i32:
      return convert_all<std::int32_t, T>(data);
    case Dtype::u32:
      return convert_all<std::uint32_t, T>(data);
    case Dtype::f32:
      return convert_all<float, T>(data);
    case Dtype::f64:
      return convert_all<double, T>(data);
    case Dtype::i64:
      return convert_all<std::int64_t, T>(data);
    case Dtype::u64:
      return convert_all<std::uint64_t, T>(data);
  }
  throw std::invalid_argument("io::Tensor::as: no such Dtype");
}

template std::vector<float> Tensor::as<float>() const;
template std::vector<double> Tensor::as<double>() const;
template std::vector<std::int64_t> Tensor::as<std::int64_t>() const;

}  // namespace longhand::io
