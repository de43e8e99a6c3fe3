// SPDX-License-Identifier: MIT
#include "longhand/backend/product.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "longhand/backend/eigen_product.hpp"
#ifdef LONGHAND_ONEDNN
#include "longhand/backend/onednn_gemm.hpp"
#endif
#include "support/allocation_count.hpp"

using longhand::Index;
using longhand::Transpose;
using longhand::detail::multiply;
using longhand::detail::PackingBuffers;
using longhand::detail::Threads;

namespace {

struct Shape {
  Index m, n, k;
};
struct Form {
  const char* name;
  Transpose ta, tb;
};
constexpr Form forms[] = {{"TN", Transpose::yes, Transpose::no},
                          {"NN", Transpose::no, Transpose::no},
                          {"NT", Transpose::no, Transpose::yes},
                          {"TT", Transpose::yes, Transpose::yes}};
const auto no_epilogue = [](Index, Index, Index, Index) {};

/// A column-major operand inside a larger array: op(it) is rows x cols, its columns lie `gap`
/// elements apart, and everything around and between them is NaN.
template <class S>
struct Operand {
  static constexpr Index gap = 3, band = 64;
  Index rows, cols, ld;
  std::vector<S> memory;

  Operand(Transpose t, Index op_rows, Index op_cols)
      : rows(t == Transpose::no ? op_rows : op_cols),
        cols(t == Transpose::no ? op_cols : op_rows),
        ld(rows + gap),
        memory(static_cast<std::size_t>(ld * cols + 2 * band),
               std::numeric_limits<S>::quiet_NaN()) {}

  S* data() { return memory.data() + band; }
  S& operator()(Index i, Index j) { return data()[i + j * ld]; }
  S op(Transpose t, Index i, Index j) { return t == Transpose::no ? (*this)(i, j) : (*this)(j, i); }

  void randomise(std::mt19937& random) {
    for (Index j = 0; j < cols; ++j)
      for (Index i = 0; i < rows; ++i)
        (*this)(i, j) = static_cast<S>(static_cast<std::int32_t>(random()) * 0x1p-31);
  }
  bool untouched_outside() {
    std::size_t inside = 0, numbers = 0;
    for (Index j = 0; j < cols; ++j)
      for (Index i = 0; i < rows; ++i) inside += !std::isnan((*this)(i, j));
    for (const S value : memory) numbers += !std::isnan(value);
    return inside == numbers;
  }
};

template <class S>
struct Problem {
  Form form;
  Shape shape;
  Operand<S> a, b, c;
  Problem(const Form& f, const Shape& s, unsigned seed)
      : form(f), shape(s), a(f.ta, s.m, s.k), b(f.tb, s.k, s.n), c(Transpose::no, s.m, s.n) {
    std::mt19937 random(seed);
    a.randomise(random);
    b.randomise(random);
  }
  std::string name() const {
    return std::string(form.name) + " m " + std::to_string(shape.m) + " n " +
           std::to_string(shape.n) + " k " + std::to_string(shape.k);
  }
  template <class OnTile>
  void run(const Threads& threads, PackingBuffers<S>& buffers, bool accumulate,
           const OnTile& on_tile) {
#ifdef LONGHAND_ONEDNN
    if (std::is_same_v<S, float> && shape.n > 1 && shape.k > 0)
      if constexpr (std::is_same_v<S, float>)
        return longhand::detail::onednn::multiply(threads, form.ta, form.tb, shape.m, shape.n,
                                                  shape.k, a.data(), a.ld, b.data(), b.ld, c.data(),
                                                  c.ld, accumulate, on_tile);
#endif
    multiply(threads, buffers, form.ta, form.tb, shape.m, shape.n, shape.k, a.data(), a.ld,
             b.data(), b.ld, c.data(), c.ld, accumulate, on_tile);
  }
  template <class OnTile>
  void run(int threads, PackingBuffers<S>& buffers, bool accumulate, const OnTile& on_tile) {
    run(Threads{threads, nullptr}, buffers, accumulate, on_tile);
  }
};

/// Largest |computed - exact| / (gamma_{k+1} (|A||B| + |C before|)) over the elements of C: at most
/// 1, whatever the order of the sum (Higham 2002, 3.1), the reference's own rounding included. An
/// element that is NaN counts as infinity.
template <class S>
double worst_ratio(Problem<S>& p, Operand<S>* before) {
  const long double u = std::numeric_limits<S>::epsilon() / 2.0L;
  const long double v = std::numeric_limits<long double>::epsilon() / 2.0L;
  const auto steps = static_cast<long double>(p.shape.k + 1);
  const long double gamma = steps * u / (1 - steps * u) + steps * v / (1 - steps * v);
  double worst = 0;
  for (Index j = 0; j < p.shape.n; ++j)
    for (Index i = 0; i < p.shape.m; ++i) {
      long double sum = before ? (*before)(i, j) : S(0), size = std::fabs(sum);
      for (Index q = 0; q < p.shape.k; ++q) {
        const long double term =
            static_cast<long double>(p.a.op(p.form.ta, i, q)) * p.b.op(p.form.tb, q, j);
        sum += term;
        size += std::fabs(term);
      }
      const long double error = std::fabs(static_cast<long double>(p.c(i, j)) - sum);
      if (!(error <= gamma * size))
        worst = std::max(worst, std::isnan(error) || size == 0
                                    ? std::numeric_limits<double>::infinity()
                                    : static_cast<double>(error / (gamma * size)));
      else if (size > 0)
        worst = std::max(worst, static_cast<double>(error / (gamma * size)));
    }
  return worst;
}

// The bits are compared on many shapes; where a sanitizer makes each ten times slower it looks at
// memory, for which a few are enough.
#if defined(__SANITIZE_ADDRESS__)
#define LONGHAND_TEST_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LONGHAND_TEST_SANITIZED 1
#endif
#endif
#ifdef LONGHAND_TEST_SANITIZED
constexpr std::size_t kShapesForBits = 12;
constexpr Index kMostWork = 7'000;
#else
constexpr std::size_t kShapesForBits = 200;
constexpr Index kMostWork = 70'000;
#endif

/// body(threads) with a team of that many, where OpenMP grants them.
template <class Body>
void with_team(int threads, const Body& body) {
  longhand::detail::Team team;
#ifdef _OPENMP
#pragma omp parallel num_threads(threads)
  if (const int thread = omp_get_thread_num(); thread > 0) {
    team.serve(thread);
  } else
#endif
  {
    body(Threads{threads, &team});
    team.dismiss();
  }
}

std::vector<Shape> awkward_shapes() {
  std::vector<Shape> shapes{{400, 65, 784}, {40, 1100, 257}, {3, 2100, 400}};
  if (kMostWork > 7'000)
    shapes.insert(shapes.end(), {{784, 65, 400}, {784, 400, 65}, {257, 127, 784}});
  const Index sizes[] = {0, 1, 2, 3, 7, 31, 32, 33, 64, 65, 127, 257, 400, 784};
  for (const Index m : sizes)
    for (const Index n : sizes)
      for (const Index k : sizes)
        if (m * n * k <= kMostWork) shapes.push_back({m, n, k});
  return shapes;
}

}  // namespace

TEST_CASE_TEMPLATE("product: within the rounding bound, nothing else written", S, float, double) {
  PackingBuffers<S> buffers(3);
  for (const Form& form : forms) {
    double worst = 0;
    bool outside_untouched = true;
    unsigned seed = 0;
    for (const Shape& shape : awkward_shapes()) {
      Problem<S> problem(form, shape, ++seed);
      problem.run(3, buffers, false, no_epilogue);
      const double assigned = worst_ratio<S>(problem, nullptr);
      Operand<S> before = problem.c;
      problem.run(3, buffers, true, no_epilogue);
      const double accumulated = worst_ratio<S>(problem, &before);
      outside_untouched &= problem.c.untouched_outside();
      if (!(assigned <= 1) || !(accumulated <= 1))
        FAIL_CHECK(problem.name() << ": " << assigned << " and " << accumulated << " bounds off");
      worst = std::max({worst, assigned, accumulated});
    }
    CHECK(outside_untouched);
    CHECK(worst > 0);  // the comparison saw rounding at all
  }
}

TEST_CASE_TEMPLATE("product: the same bits for any number of threads", S, float, double) {
  PackingBuffers<S> buffers(16);
  std::mt19937 random(7);
  std::vector<Shape> shapes{{400, 128, 784}, {784, 128, 400},  {784, 400, 128}, {40, 128, 400},
                            {400, 1, 784},   {400, 1024, 784}, {40, 3001, 400}, {9000, 1, 900}};
  while (shapes.size() < kShapesForBits)
    shapes.push_back({1 + static_cast<Index>(random() % 400),
                      1 + static_cast<Index>(random() % 300),
                      1 + static_cast<Index>(random() % 700)});
  // Each shape in one of the four forms: started anew for every product, and by a team.
  std::size_t form = 0;
  for (const Shape& shape : shapes) {
    Problem<S> problem(forms[form++ % std::size(forms)], shape, 11);
    problem.run(1, buffers, false, no_epilogue);
    const std::vector<S> serial = problem.c.memory;
    const auto same = [&] {
      return std::memcmp(serial.data(), problem.c.memory.data(), serial.size() * sizeof(S)) == 0;
    };
    for (const int threads : {2, 3, 4, 8, 16}) {
      problem.run(threads, buffers, false, no_epilogue);
      if (!same()) FAIL_CHECK(problem.name() << ": " << threads << " threads change the bits");
      bool same_in_team = true;
      with_team(threads, [&](const Threads& team) {
        problem.run(team, buffers, false, no_epilogue);
        same_in_team = same();
      });
      if (!same_in_team)
        FAIL_CHECK(problem.name() << ": a team of " << threads << " changes the bits");
    }
  }
}

TEST_CASE_TEMPLATE("product: each element's epilogue runs once, after its last sum", S, float,
                   double) {
  PackingBuffers<S> buffers(8);
  for (const int threads : {1, 2, 8})
    for (const Shape& shape : {Shape{400, 128, 784}, Shape{65, 1100, 300}, Shape{7, 3, 2},
                               Shape{33, 65, 0}, Shape{0, 5, 9}}) {
      Problem<S> plain(forms[0], shape, 5), with(forms[0], shape, 5);
      std::vector<int> visits(static_cast<std::size_t>(shape.m * shape.n));
      plain.run(threads, buffers, false, no_epilogue);
      with.run(threads, buffers, false, [&](Index row, Index rows, Index col, Index cols) {
        for (Index j = col; j < col + cols; ++j)
          for (Index i = row; i < row + rows; ++i) {
            ++visits[static_cast<std::size_t>(i + j * shape.m)];
            with.c(i, j) = -with.c(i, j);
          }
      });
      bool same = true;
      for (Index j = 0; j < shape.n; ++j)
        for (Index i = 0; i < shape.m; ++i) same &= with.c(i, j) == -plain.c(i, j);
      CHECK(same);
      CHECK(visits == std::vector<int>(visits.size(), 1));
    }
}

#ifndef LONGHAND_ONEDNN  // which allocates in every call, and whose bits depend on all sizes
TEST_CASE_TEMPLATE("product: no allocation once the buffers have grown", S, float, double) {
#if defined(_OPENMP) && defined(__clang__)
  const int most_threads = 1;  // LLVM's OpenMP itself allocates for every parallel region
#else
  const int most_threads = 2;
#endif
  PackingBuffers<S> buffers;
  for (int threads = 1; threads <= most_threads; ++threads)
    for (const Form& form : forms)
      for (const Shape& shape : {Shape{400, 128, 784}, Shape{784, 400, 128}, Shape{7, 1, 900}}) {
        Problem<S> problem(form, shape, 3);
        problem.run(threads, buffers, false, no_epilogue);
        const longhand::test::AllocationCount count;
        problem.run(threads, buffers, true, no_epilogue);
        CHECK(count.get() == 0);
      }
}

TEST_CASE_TEMPLATE("product: rows and columns computed alone have the same bits", S, float,
                   double) {
  PackingBuffers<S> buffers(2);
  std::mt19937 random(5);
  for (int trial = 0; trial < 60; ++trial) {
    const Shape shape{2 + static_cast<Index>(random() % 200),
                      4 + static_cast<Index>(random() % 150),
                      1 + static_cast<Index>(random() % 1500)};
    Problem<S> whole(forms[trial % 4], shape, static_cast<unsigned>(trial));
    whole.run(2, buffers, false, no_epilogue);
    // Two columns or more of the output, and some of its rows, from the same operands.
    const Index first = static_cast<Index>(random()) % (shape.n - 2),
                cols = 2 + static_cast<Index>(random()) % (shape.n - first - 1),
                top = static_cast<Index>(random()) % shape.m,
                rows = 1 + static_cast<Index>(random()) % (shape.m - top);
    Operand<S> part(Transpose::no, rows, cols);
    const S* const a = whole.form.ta == Transpose::no ? &whole.a(top, 0) : &whole.a(0, top);
    const S* const b = whole.form.tb == Transpose::no ? &whole.b(0, first) : &whole.b(first, 0);
    multiply(Threads{1, nullptr}, buffers, whole.form.ta, whole.form.tb, rows, cols, shape.k, a,
             whole.a.ld, b, whole.b.ld, part.data(), part.ld, false, no_epilogue);
    bool same = true;
    for (Index j = 0; j < cols; ++j)
      for (Index i = 0; i < rows; ++i) same &= part(i, j) == whole.c(top + i, first + j);
    if (!same) FAIL_CHECK(whole.name() << ": a part of it has other bits");
  }
}

#endif

TEST_CASE_TEMPLATE("product: Eigen's own, which judges, within the same bound", S, float, double) {
  for (const Form& form : forms)
    for (const Shape& shape : {Shape{33, 17, 65}, Shape{5, 1, 9}, Shape{4, 3, 0}}) {
      Problem<S> problem(form, shape, 3);
      std::vector<int> visits(static_cast<std::size_t>(shape.m * shape.n));
      const auto on_tile = [&](Index row, Index rows, Index col, Index cols) {
        for (Index j = col; j < col + cols; ++j)
          for (Index i = row; i < row + rows; ++i)
            ++visits[static_cast<std::size_t>(i + j * shape.m)];
      };
      const auto run = [&](bool accumulate) {
        longhand::detail::multiply_by_eigen(
            form.ta, form.tb, shape.m, shape.n, shape.k, problem.a.data(), problem.a.ld,
            problem.b.data(), problem.b.ld, problem.c.data(), problem.c.ld, accumulate, on_tile);
      };
      run(false);
      CHECK(worst_ratio<S>(problem, nullptr) <= 1);
      Operand<S> before = problem.c;
      run(true);
      CHECK(worst_ratio<S>(problem, &before) <= 1);
      CHECK(problem.c.untouched_outside());
      CHECK(visits == std::vector<int>(visits.size(), 2));
    }
}

TEST_CASE("product: inside a parallel region of the caller's") {
  constexpr int callers = 4;
  const Shape shape{400, 128, 300};
  std::vector<Problem<float>> problems(callers, Problem<float>(forms[0], shape, 9));
  std::vector<PackingBuffers<float>> buffers;
  for (int i = 0; i < callers; ++i) buffers.emplace_back(2);
#ifdef _OPENMP
#pragma omp parallel for num_threads(callers)
#endif
  for (int i = 0; i < callers; ++i)
    problems[static_cast<std::size_t>(i)].run(2, buffers[static_cast<std::size_t>(i)], false,
                                              no_epilogue);
  for (Problem<float>& problem : problems)
    CHECK(std::memcmp(problem.c.memory.data(), problems[0].c.memory.data(),
                      problem.c.memory.size() * sizeof(float)) == 0);
  CHECK(worst_ratio<float>(problems[0], nullptr) <= 1);
}

TEST_CASE("packing buffers: aligned, disjoint, grow and never shrink") {
  PackingBuffers<float> buffers;
  CHECK(buffers.threads() == 0);
  buffers.reserve(5);
  buffers.reserve(2);
  CHECK(buffers.threads() == 5);
  for (int thread = 0; thread < 5; ++thread) {
    CHECK(reinterpret_cast<std::uintptr_t>(buffers.lhs(thread)) % 64 == 0);
    CHECK(reinterpret_cast<std::uintptr_t>(buffers.rhs(thread)) % 64 == 0);
    CHECK(buffers.lhs(thread) < buffers.rhs(thread));
    if (thread > 0) CHECK(buffers.rhs(thread - 1) < buffers.lhs(thread));
  }
  const PackingBuffers<float> moved = std::move(buffers);
  CHECK(moved.threads() == 5);
  CHECK(buffers.threads() == 0);
}
