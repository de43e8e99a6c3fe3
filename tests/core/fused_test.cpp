// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>
#include <longhand/core/fused.hpp>
#include <random>

using namespace longhand;

TEST_CASE("fused: one rounding, where product and sum apart would make two") {
  const float a = 1 + 0x1p-12f;  // a^2 = 1 + 2^-11 + 2^-24, and float drops the last term
  CHECK(fused(a, a, -(1 + 0x1p-11f)) == 0x1p-24f);
  CHECK(fused(a, a, 0) == 1 + 0x1p-11f);
  // 1 + 2^-23 + 2^-24 - 2^-60: a sum in double would lose the last term and then round up.
  CHECK(fused(0x1p-24f * (1 + 0x1p-18f), 1 - 0x1p-18f, 1 + 0x1p-23f) == 1 + 0x1p-23f);
}

TEST_CASE("fused: equals std::fma") {
  std::mt19937 random(3);
  int differences = 0;
  for (int i = 0; i < 100000; ++i) {
    const auto value = [&] {
      return std::ldexp(static_cast<float>(static_cast<std::int32_t>(random())),
                        static_cast<int>(random() % 40) - 50);
    };
    const float a = value(), b = value(), c = value();
    differences += float_bits(fused(a, b, c)) != float_bits(std::fma(a, b, c));
  }
  CHECK(differences == 0);
}

TEST_CASE("fused: bits and conversions") {
  CHECK(float_bits(1.0f) == 0x3F800000);
  CHECK(from_bits(0xC0000000) == -2.0f);
  CHECK(to_float(0x7FFFFFFF) == 0x1p31f);
  CHECK(to_float(0xFFFFFF) == 16777215.0f);
  CHECK(rounded_sqrt(2.0f) == 0x1.6a09e6p+0f);
}
