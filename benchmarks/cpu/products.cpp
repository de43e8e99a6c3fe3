// SPDX-License-Identifier: MIT
#include <chrono>

#include "jobs.hpp"
#include "longhand/backend/cpu.hpp"
#include "longhand/core/eigen.hpp"
#include "longhand/core/memory.hpp"
#include "protocol.hpp"

// One product, by longhand and by Eigen as its users write it, on the same numbers and threads:
// what is the price of bits that do not depend on the threads?
namespace longhand::benchmark {

namespace {

using On = Cpu<float>;
using Matrix = Eigen::MatrixXf;

template <class Work>
double seconds(Index calls, const Work& work) {
  const auto start = std::chrono::steady_clock::now();
  for (Index i = 0; i < calls; ++i) work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

template <class A, class B>
double by_eigen(Index calls, const A& a, const B& b, Matrix& c) {
  return seconds(calls, [&] { c.noalias() = a * b; });
}

}  // namespace

void time_products(int threads) {
  Eigen::setNbThreads(threads);
  while (const Request request = next_request()) {
    const Index m = request->at("m"), n = request->at("n"), k = request->at("k");
    const Index calls = request->at("calls");
    const bool ta = request->at("ta"), tb = request->at("tb");
    const Matrix a = ta ? Matrix::Random(k, m) : Matrix::Random(m, k);
    const Matrix b = tb ? Matrix::Random(n, k) : Matrix::Random(k, n);
    Matrix ours(m, n), theirs(m, n);
    const auto view = [](const Matrix& x) -> ConstView<On> {
      return {x.data(), x.rows(), x.cols(), x.rows()};
    };
    On::Scratch scratch;
    Json done;
    // Threads stand by, as they do in a training.
    longhand::together(On(threads), [&](const On& backend) {
      const auto multiply = [&] {
        backend.multiply(scratch, ta ? Transpose::yes : Transpose::no, view(a),
                         tb ? Transpose::yes : Transpose::no, view(b), {ours.data(), m, n, m},
                         Store::assign, Nothing{});
      };
      multiply();
      done["longhand"] = seconds(calls, multiply);
    });
    for (const Index times : {Index{1}, calls})
      done["Eigen"] = ta   ? tb ? by_eigen(times, a.transpose(), b.transpose(), theirs)
                                : by_eigen(times, a.transpose(), b, theirs)
                        : tb ? by_eigen(times, a, b.transpose(), theirs)
                           : by_eigen(times, a, b, theirs);
    done["apart"] = (ours - theirs).cwiseAbs().maxCoeff() / static_cast<float>(k);
    answer(done);
  }
}

}  // namespace longhand::benchmark
