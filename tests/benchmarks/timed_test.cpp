// SPDX-License-Identifier: MIT
// The stopwatch of scripts/benchmark is a backend like the one it measures.
#include "../benchmarks/cpu/timed.hpp"

#include <array>
#include <cstdint>
#include <set>
#include <string>

#include "doctest/doctest.h"
#include "longhand/backend/cpu.hpp"
#include "longhand/backend/reference.hpp"

using namespace longhand;
using benchmark::Timed;

static_assert(Backend<Timed<Cpu<float>>>);
static_assert(Backend<Timed<Cpu<double>>>);
static_assert(Backend<Timed<Reference<double>>>);

namespace {

constexpr Index kRows = 3, kCols = 2;

/// What every primitive that takes a sweep to follow makes, and permute.
template <class B>
std::array<double, 40> made_by(const B& on) {
  using Memory = HostMemory;
  std::array<double, 40> n{};
  for (std::size_t k = 0; k < 6; ++k) n[k] = 0.5 + static_cast<double>(k);
  const auto matrix = [&](Index at) { return View<B>{n.data() + at, kRows, kCols, kRows}; };
  const auto square_of = [](View<B> x, View<B> y) {
    return then<B>(Square{}, in<B>(x), out<B>(y));
  };
  typename B::Scratch scratch;
  on.multiply(scratch, Transpose::no, View<B>{n.data(), 2, 2, 2}, Transpose::no,
              View<B>{n.data(), 2, 2, 2}, View<B>{n.data() + 6, 2, 2, 2}, Store::assign,
              square_of({n.data() + 6, 2, 2, 2}, {n.data() + 6, 2, 2, 2}));
  on.reduce_columns(Value{}, in<B>(matrix(0)), std::array<View<B>, 0>{}, kRows,
                    View<B>{n.data() + 10, 1, kCols, 1}, square_of(matrix(0), matrix(12)));
  const View<B> sum{n.data() + 18, 1, 1, 1};
  on.reduce(Value{}, in<B>(matrix(0)), 6, sum, square_of(sum, sum));
  on.fill_normal(NoiseKey{.seed = 1}, SampleIds<B>{}, matrix(19),
                 square_of(matrix(19), matrix(19)));
  on.fill_uniform(NoiseKey{.seed = 1}, SampleIds<B>{}, matrix(25),
                  square_of(matrix(25), matrix(25)));
  std::array<std::uint32_t, 5> ids{0, 1, 2, 3, 4}, permuted{};
  on.permute(Permutation(NoiseKey{.seed = 1}, 5),
             MatrixView<const std::uint32_t, Memory>{ids.data(), 1, 5, 1},
             MatrixView<std::uint32_t, Memory>{permuted.data(), 1, 5, 1});
  for (std::size_t k = 0; k < 5; ++k) n[31 + k] = permuted[k];
  return n;
}

}  // namespace

TEST_CASE("a backend with a stopwatch makes what it makes without, and notes each primitive") {
  benchmark::StageTimes times;
  const Cpu<double> base(1);
  CHECK(made_by(Timed(base, times)) == made_by(base));
  std::set<std::string> primitives;
  for (const auto& entry : times.entries()) {
    CHECK(entry.calls == 1);
    CHECK(entry.seconds > 0);
    primitives.insert(entry.primitive);
  }
  CHECK(primitives == std::set<std::string>{"multiply", "reduce_columns", "reduce", "fill_normal",
                                            "fill_uniform", "permute"});
}
