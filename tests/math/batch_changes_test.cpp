// SPDX-License-Identifier: MIT
// The changes of single numbers: worked numbers, edges, means over many draws.
#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <limits>
#include <longhand/core/byte.hpp>
#include <longhand/core/uniform.hpp>
#include <longhand/math/batch_changes.hpp>
#include <vector>

using namespace longhand;

namespace {
template <class S, class F, class... In>
S of(const F& f, const In&... in) {
  S y = -77;
  f(S(in)..., y);
  return y;
}
}  // namespace

TEST_CASE_TEMPLATE("a dequantised byte lies in its own cell of 256 [CHG-1]", S, float, double) {
  const S least = S(0x1p-24), most = S(1) - S(0x1p-24);
  for (int b = 0; b < 256; ++b)
    for (const S u : {least, S(0.25), S(0.5), most}) {
      const S x = of<S>(Dequantize{}, as_number<S>(static_cast<std::uint8_t>(b)), u);
      CHECK(x >= S(b) / 256);
      CHECK(x <= S(b + 1) / 256);
      CHECK(static_cast<double>(x) == doctest::Approx((b + static_cast<double>(u)) / 256));
    }
}

TEST_CASE_TEMPLATE("noise is added, and kept between the ends [CHG-4]", S, float, double) {
  const double infinity = std::numeric_limits<double>::infinity();
  const AddNoise free{0.5, -infinity, infinity}, pixel{0.5, 0, 1};
  CHECK(of<S>(free, 0.25, -3) == S(-1.25));
  CHECK(of<S>(free, 0.25, 3) == S(1.75));
  CHECK(of<S>(pixel, 0.25, -3) == 0);
  CHECK(of<S>(pixel, 0.25, 3) == 1);
  CHECK(of<S>(pixel, 0.25, 0.5) == S(0.5));
}

TEST_CASE("a pixel is 1 above one half [CHG-5]") {
  CHECK(of<double>(Threshold{}, 0.5) == 0);
  CHECK(of<double>(Threshold{}, 0.500001) == 1);
  CHECK(of<double>(Threshold{}, 0.) == 0);
  CHECK(of<double>(Threshold{}, 1.) == 1);
}

TEST_CASE("a binary pixel is 1 exactly where the uniform lies below the grey one [CHG-6]") {
  for (const auto& [grey, u, want] : {std::array{0.25, 0.2, 1.},
                                      {0.25, 0.25, 0.},
                                      {0.25, 0.3, 0.},
                                      {0., 0.001, 0.},
                                      {1., 0.999, 1.}})
    CHECK(of<double>(DrawPixel{}, grey, u) == want);
}

TEST_CASE("a number is put out where the uniform lies below p [CHG-7]") {
  CHECK(of<double>(MaskOut{0.25}, -3, 0.2) == 0);
  CHECK(of<double>(MaskOut{0.25}, -3, 0.25) == -3);
  CHECK(of<double>(MaskOut{0.25}, -3, 0.9) == -3);
}

TEST_CASE("salt and pepper are white and black of the user, in the model's units [CHG-8]") {
  // The model's units run from -1 to 1: shift 1/2, scale 1/2.
  CHECK(of<double>(SaltAndPepper{0.4}, 0.3, 0.5, 0.5, 0.1) == -1);
  CHECK(of<double>(SaltAndPepper{0.4}, 0.3, 0.5, 0.5, 0.3) == 1);
  CHECK(of<double>(SaltAndPepper{0.4}, 0.3, 0.5, 0.5, 0.4) == 0.3);
  CHECK(of<double>(SaltAndPepper{0.4}, 0.3, 0, 1, 0.1) == 0);
  CHECK(of<double>(SaltAndPepper{0.4}, 0.3, 0, 1, 0.3) == 1);
}

TEST_CASE("means over 100,000 draws are those of the page [CHG-1] [CHG-6] [CHG-7] [CHG-8]") {
  std::vector<double> u(100'000);
  uniform_column(NoiseKey{.seed = 3}, 0, static_cast<std::int64_t>(u.size()), u.data());
  double cell = 0, pixel = 0, masked = 0, salted = 0;
  for (const double v : u) {
    cell += of<double>(Dequantize{}, 17. / 255, v);
    pixel += of<double>(DrawPixel{}, 0.3, v);
    masked += of<double>(MaskOut{0.25}, 2, v);
    salted += of<double>(SaltAndPepper{0.2}, 0.25, 0, 1, v);
  }
  const double n = static_cast<double>(u.size());
  // Four standard errors of each.
  CHECK(std::abs(cell / n - 17.5 / 256) < 4 * std::sqrt(1. / 12 / n) / 256);
  CHECK(std::abs(pixel / n - 0.3) < 4 * std::sqrt(0.21 / n));
  CHECK(std::abs(masked / n - 1.5) < 4 * std::sqrt(0.75 / n));
  CHECK(std::abs(salted / n - (0.8 * 0.25 + 0.1)) < 4 * std::sqrt(0.1 / n));
}
