// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <bit>
#include <cstdint>
#include <longhand/backend/cpu.hpp>
#include <longhand/gradcheck/rounding_bound.hpp>

using namespace longhand;

namespace {

/// `multiply` of a backend on packed matrices.
template <class T>
ProductUnderTest<T> product_of(const Cpu<T>& backend) {
  return [backend](std::size_t m, std::size_t n, std::size_t k, const T* a, const T* b, T* c) {
    const auto i = [](std::size_t x) { return static_cast<Index>(x); };
    typename Cpu<T>::Scratch scratch;
    backend.multiply(scratch, Transpose::no, {a, i(m), i(k), i(m)}, Transpose::no,
                     {b, i(k), i(n), i(k)}, {c, i(m), i(n), i(m)}, Store::assign, Nothing{});
  };
}

/// One loop after the other, the factors rounded by `round` first.
template <class T, class Round>
ProductUnderTest<T> plain_product(Round round) {
  return [round](std::size_t m, std::size_t n, std::size_t k, const T* a, const T* b, T* c) {
    for (std::size_t j = 0; j < n; ++j)
      for (std::size_t i = 0; i < m; ++i) {
        T sum = 0;
        for (std::size_t l = 0; l < k; ++l) sum += round(a[i + l * m]) * round(b[l + j * k]);
        c[i + j * m] = sum;
      }
  };
}

/// To the nearest of the numbers with `kept` bits behind the point.
float rounded(float x, int kept) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const std::uint32_t half = 1U << (22 - kept);
  return std::bit_cast<float>((bits + half) & ~(2 * half - 1));
}

/// 1,000 shapes, many of them awkward.
std::vector<ProductShape> thousand_shapes(std::size_t largest_depth) {
  detail::Random random(3);
  std::vector<ProductShape> shapes;
  for (int s = 0; s < 1000; ++s)
    shapes.push_back({1 + random.below(9), 1 + random.below(9), 1 + random.below(largest_depth)});
  return shapes;
}

}  // namespace

TEST_CASE_TEMPLATE("rounding bound: the CPU's product is accepted in 1,000 shapes", T, float,
                   double) {
  std::vector<ProductShape> shapes = thousand_shapes(300);
  shapes.push_back({64, 65, 784});
  shapes.push_back({0, 3, 2});
  const ProductReport report = check_product<T>(product_of(Cpu<T>(2)), shapes);
  CHECK_MESSAGE(report.passed(), report.text());
  CHECK(report.worst > 0);
}

TEST_CASE("rounding bound: TF32, bfloat16 and half precision are rejected, in every shape") {
  for (const int kept : {10, 7}) {
    const auto reduced = plain_product<float>([kept](float x) { return rounded(x, kept); });
    CHECK(!full_precision(reduced));
    for (const std::size_t k : {1, 3, 64, 784, 2048}) CHECK(!full_precision(reduced, 2, 3, k));
    const ProductReport report = check_product<float>(reduced, {{64, 8, 784}});
    CHECK(!report.passed());
    CHECK(report.text().find("fewer bits") != std::string::npos);
  }
  const auto in_float = plain_product<double>([](double x) { return static_cast<float>(x); });
  CHECK(!full_precision<double>(in_float));
  const auto plain = plain_product<float>([](float x) { return x; });
  for (const ProductShape& s : thousand_shapes(2048)) CHECK(full_precision(plain, s.m, s.n, s.k));
}

TEST_CASE("rounding bound: one wrong element, a NaN and a check of nothing are rejected") {
  const auto right = plain_product<float>([](float x) { return x; });
  const auto spoiled = [&](float factor) -> ProductUnderTest<float> {
    return [&right, factor](auto m, auto n, auto k, const float* a, const float* b, float* c) {
      right(m, n, k, a, b, c);
      if (k != 64) c[m * n - 1] *= factor;
    };
  };
  CHECK(check_product<float>(spoiled(1), {{3, 4, 5}}).passed());
  CHECK(!check_product<float>(spoiled(1.001F), {{3, 4, 5}}).passed());
  CHECK(!check_product<float>(spoiled(NAN), {{3, 4, 5}}).passed());
  CHECK(!check_product<float>(right, {}).passed());
}

TEST_CASE("rounding bound: gamma") {
  CHECK(gamma_bound<float>(0) == 0);
  CHECK(gamma_bound<double>(1) > rounding_unit<double>());
  CHECK(gamma_bound<float>(std::size_t{1} << 24) == HUGE_VAL);
  WorstRatio nothing;
  CHECK(!nothing.within());
}
