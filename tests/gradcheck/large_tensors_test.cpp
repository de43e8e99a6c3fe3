// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>
#include <longhand/gradcheck/check_gradient.hpp>

using namespace longhand;

namespace {

/// L = sum_i c_i w_i / (2 + w_i): any number of entries, one evaluation is one cheap sweep.
struct Sweep {
  std::vector<double> w;
  explicit Sweep(std::size_t n) : w(n) {
    for (std::size_t i = 0; i < n; ++i) w[i] = std::sin(0.7 * static_cast<double>(i));
  }
  static double c(std::size_t i) { return 1 + 0.01 * static_cast<double>(i % 97); }

  template <class Spoil>
  GradientReport check(const Spoil& spoil, std::size_t rows = 0) {
    return check_gradient(
        "sweep", {{"w", w, rows}},
        [this] {
          double sum = 0;
          for (std::size_t i = 0; i < w.size(); ++i) sum += c(i) * w[i] / (2 + w[i]);
          return sum;
        },
        [this, &spoil](TensorGradients& g) {
          for (std::size_t i = 0; i < w.size(); ++i)
            g["w"][i] = c(i) * 2 / ((2 + w[i]) * (2 + w[i]));
          spoil(g["w"]);
        });
  }
};

}  // namespace

TEST_CASE("large tensors: directions cover all entries, a sample is looked at one by one") {
  Sweep sweep(20000);
  const GradientReport r = sweep.check([](auto) {}, 100);
  CHECK_MESSAGE(r.passed(), r.text());
  CHECK(r.tensors[0].directions == 3);
  CHECK(r.tensors[0].checked > 20);
  CHECK(r.tensors[0].checked < 60);
  CHECK(r.evaluations < 20000);
  CHECK(sweep
            .check([](auto g) {
              for (double& x : g) x *= 1 + 1e-6;
            })
            .verdict == Verdict::fail);
}

TEST_CASE("large tensors: one wrong entry among very many is found") {
  Sweep sweep(100000);
  for (const std::size_t wrong : {std::size_t{12345}, std::size_t{99998}}) {
    const GradientReport r = sweep.check([wrong](auto g) { g[wrong] *= 1.01; });
    REQUIRE_MESSAGE(r.verdict == Verdict::fail, r.text());
    std::size_t found = 0;
    for (const CheckedEntry& e : r.entries)
      found += !e.direction && e.index == wrong && e.verdict == Verdict::fail;
    CHECK(found == 1);
    CHECK(r.tensors[0].diagnosis == "only [" + std::to_string(wrong) + "] is wrong");
  }
}
