// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

namespace longhand::io {

/// Element types, in the order by which safetensors sorts a file's tensors (last one first).
enum class Dtype { boolean, u8, i8, i16, u16, f16, bf16, i32, u32, f32, f64, i64, u64 };

/// Bytes of one element.
std::size_t dtype_size(Dtype dtype) noexcept;

/// The name used by safetensors and in messages: "BOOL", "U8", …, "F32".
std::string_view dtype_name(Dtype dtype) noexcept;

/// Bytes of a C-order array, or nothing when that exceeds 64 bits. Readers multiply numbers that
/// come from a file here and nowhere else.
std::optional<std::uint64_t> checked_extent(std::span<const std::uint64_t> dims,
                                            Dtype dtype) noexcept;

/// The Dtype of a C++ element type.
template <class T>
inline constexpr Dtype dtype_of = [] {
  static_assert(sizeof(T) == 0, "no Dtype stands for this type");
  return Dtype::u8;
}();
template <>
inline constexpr Dtype dtype_of<std::uint8_t> = Dtype::u8;
template <>
inline constexpr Dtype dtype_of<std::int8_t> = Dtype::i8;
template <>
inline constexpr Dtype dtype_of<std::int16_t> = Dtype::i16;
template <>
inline constexpr Dtype dtype_of<std::uint16_t> = Dtype::u16;
template <>
inline constexpr Dtype dtype_of<std::int32_t> = Dtype::i32;
template <>
inline constexpr Dtype dtype_of<std::uint32_t> = Dtype::u32;
template <>
inline constexpr Dtype dtype_of<std::int64_t> = Dtype::i64;
template <>
inline constexpr Dtype dtype_of<std::uint64_t> = Dtype::u64;
template <>
inline constexpr Dtype dtype_of<float> = Dtype::f32;
template <>
inline constexpr Dtype dtype_of<double> = Dtype::f64;

/// A C-order array as a file holds it: little-endian elements, last dimension fastest. Rank 0 is a
/// scalar; a dimension may be 0. Readers return only tensors whose data fit their shape.
struct Tensor {
  Dtype dtype = Dtype::f32;
  std::vector<std::uint64_t> shape;
  std::vector<std::byte> data;

  /// Number of elements, from the data.
  std::size_t count() const noexcept { return data.size() / dtype_size(dtype); }

  /// The elements in file order, converted. T is float, double or std::int64_t; float and double
  /// round to nearest, std::int64_t takes integers (and booleans) only.
  /// Throws std::invalid_argument where std::int64_t cannot hold the elements exactly.
  template <class T>
  std::vector<T> as() const;

  /// A tensor with these values. Throws std::invalid_argument unless shape and values agree.
  template <class T>
  static Tensor of(std::vector<std::uint64_t> shape, std::span<const T> values) {
    Tensor tensor{dtype_of<T>, std::move(shape), {}};
    if (checked_extent(tensor.shape, tensor.dtype) != values.size_bytes()) {
      throw std::invalid_argument("io::Tensor::of: the shape does not match the number of values");
    }
    tensor.data.resize(values.size_bytes());
    if (!values.empty()) std::memcpy(tensor.data.data(), values.data(), values.size_bytes());
    return tensor;
  }

  bool operator==(const Tensor&) const = default;
};

extern template std::vector<float> Tensor::as<float>() const;
extern template std::vector<double> Tensor::as<double>() const;
extern template std::vector<std::int64_t> Tensor::as<std::int64_t>() const;

}  // namespace longhand::io
