// SPDX-License-Identifier: MIT
#include "longhand/io/tensor.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <limits>
#include <string>

using longhand::io::checked_extent;
using longhand::io::Dtype;
using longhand::io::dtype_name;
using longhand::io::dtype_size;
using longhand::io::Tensor;
using u64 = std::uint64_t;

TEST_CASE("tensor: extents, up to the last that fits and beyond") {
  const auto extent = [](std::vector<u64> dims, Dtype dtype) {
    return checked_extent(dims, dtype);
  };
  constexpr u64 half = u64{1} << 32;
  CHECK(extent({}, Dtype::f64) == 8);
  CHECK(extent({2, 3}, Dtype::f32) == 24);
  CHECK(extent({5, 0}, Dtype::f32) == 0);
  CHECK(extent({half, half - 1}, Dtype::u8) == half * (half - 1));
  CHECK(extent({half, half}, Dtype::u8) == std::nullopt);
  CHECK(extent({~u64{0}}, Dtype::u8) == ~u64{0});
  CHECK(extent({~u64{0}}, Dtype::u16) == std::nullopt);
  CHECK(extent({u64{1} << 61}, Dtype::f64) == std::nullopt);
  CHECK(extent({half, half, 0}, Dtype::u8) == std::nullopt);
  CHECK(extent({0, half, half}, Dtype::u8) == 0);
}

TEST_CASE("tensor: names and sizes of the types") {
  std::string all;
  std::size_t bytes = 0;
  for (int i = 0; i <= static_cast<int>(Dtype::u64); ++i) {
    all += std::string(dtype_name(static_cast<Dtype>(i))) + ' ';
    bytes += dtype_size(static_cast<Dtype>(i));
  }
  CHECK(all == "BOOL U8 I8 I16 U16 F16 BF16 I32 U32 F32 F64 I64 U64 ");
  CHECK(bytes == 3 * 1 + 4 * 2 + 3 * 4 + 3 * 8);
}

TEST_CASE("tensor: values of every C++ type come back") {
  const auto check = [](auto zero) {
    using T = decltype(zero);
    const std::array<T, 3> values = {std::numeric_limits<T>::lowest(), T{1},
                                     std::numeric_limits<T>::max()};
    const Tensor tensor = Tensor::of<T>({3, 1}, values);
    CHECK(tensor.count() == 3);
    const std::vector<double> doubles = tensor.as<double>();
    const std::vector<float> floats = tensor.as<float>();
    for (std::size_t i = 0; i < 3; ++i) {
      CHECK(doubles[i] == static_cast<double>(values[i]));
      if constexpr (!std::is_same_v<T, double>) CHECK(floats[i] == static_cast<float>(values[i]));
    }
    if constexpr (std::is_integral_v<T> && !std::is_same_v<T, u64>) {
      CHECK(tensor.as<std::int64_t>()[2] == static_cast<std::int64_t>(values[2]));
    } else {
      CHECK_THROWS_AS(tensor.as<std::int64_t>(), std::invalid_argument);
    }
  };
  check(std::uint8_t{});
  check(std::int8_t{});
  check(std::int16_t{});
  check(std::uint16_t{});
  check(std::int32_t{});
  check(std::uint32_t{});
  check(std::int64_t{});
  check(u64{});
  check(float{});
  check(double{});
}

TEST_CASE("tensor: half precision, bfloat16 and booleans, bit by bit") {
  const auto values = [](Dtype dtype, std::vector<std::uint16_t> bits) {
    Tensor tensor = Tensor::of<std::uint16_t>({bits.size()}, bits);
    tensor.dtype = dtype;
    return tensor.as<float>();
  };
  const std::vector<float> half =
      values(Dtype::f16, {0x3c00, 0xc000, 0x7bff, 0x0400, 0x0001, 0x8001, 0x7c00, 0x8000, 0x7e00});
  const float infinity = std::numeric_limits<float>::infinity();
  const std::vector<float> expected = {1,        -2,        65504,    0x1p-14f,
                                       0x1p-24f, -0x1p-24f, infinity, -0.0f};
  for (std::size_t i = 0; i < expected.size(); ++i) CHECK(half[i] == expected[i]);
  CHECK(std::signbit(half[7]));
  CHECK(std::isnan(half[8]));

  const std::vector<float> brain = values(Dtype::bf16, {0x3f80, 0xc040, 0x7f80, 0x7fc0});
  CHECK(brain[0] == 1);
  CHECK(brain[1] == -3);
  CHECK(brain[2] == infinity);
  CHECK(std::isnan(brain[3]));

  const Tensor flags{Dtype::boolean, {3}, {std::byte{0}, std::byte{1}, std::byte{7}}};
  CHECK(flags.as<std::int64_t>() == std::vector<std::int64_t>{0, 1, 1});
}

TEST_CASE("tensor: a shape that does not fit its values is refused") {
  const std::array<float, 4> values{};
  CHECK_THROWS_AS(Tensor::of<float>({3}, values), std::invalid_argument);
  CHECK_THROWS_AS(Tensor::of<float>({u64{1} << 62, 4}, values), std::invalid_argument);
  CHECK(Tensor::of<float>({2, 0}, {}).data.empty());
}
