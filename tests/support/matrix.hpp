// SPDX-License-Identifier: MIT
// Matrices with guard bands, and all that a layer's test needs to call it.
#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <longhand/core/pass.hpp>
#include <longhand/gradcheck/doctest.hpp>
#include <random>
#include <span>
#include <string>
#include <vector>

namespace longhand::test {

/// A matrix inside a larger array: its columns lie `gap` numbers apart, and everything around and
/// between them is a NaN that must survive. Born full of the same NaN.
template <class S>
class Matrix {
 public:
  Matrix() = default;
  Matrix(Index rows, Index cols, Index gap = 0)
      : rows_(rows),
        cols_(cols),
        ld_(std::max<Index>(rows + gap, 1)),
        memory_(static_cast<std::size_t>(ld_ * cols + 2 * kBand), guard()) {}

  Index rows() const { return rows_; }
  Index cols() const { return cols_; }
  operator MatrixView<S, HostMemory>() { return view(); }
  MatrixView<S, HostMemory> view() { return {memory_.data() + kBand, rows_, cols_, ld_}; }
  MatrixView<const S, HostMemory> view() const {
    return {memory_.data() + kBand, rows_, cols_, ld_};
  }
  S& operator()(Index i, Index j = 0) { return view()(i, j); }
  const S& operator()(Index i, Index j = 0) const { return view()(i, j); }

  /// Uniform numbers of [low, high), the same for every S up to rounding.
  Matrix& randomise(unsigned seed, double low = -1, double high = 1) {
    std::mt19937_64 random(seed);
    for (Index j = 0; j < cols_; ++j)
      for (Index i = 0; i < rows_; ++i)
        (*this)(i, j) = static_cast<S>(
            static_cast<float>(low + (high - low) * static_cast<double>(random() >> 11) * 0x1p-53));
    return *this;
  }
  Matrix& fill(double value) {
    for (Index j = 0; j < cols_; ++j)
      for (Index i = 0; i < rows_; ++i) (*this)(i, j) = static_cast<S>(value);
    return *this;
  }
  /// NaN again, everywhere.
  Matrix& poison() {
    std::fill(memory_.begin(), memory_.end(), guard());
    return *this;
  }

  /// Whether nothing outside the matrix was written, bit by bit.
  bool guarded() const {
    const S expected = guard();
    for (std::size_t k = 0; k < memory_.size(); ++k) {
      const Index at = static_cast<Index>(k) - kBand;
      const bool inside = at >= 0 && at / ld_ < cols_ && at % ld_ < rows_;
      if (!inside && std::memcmp(&memory_[k], &expected, kBytes) != 0) return false;
    }
    return true;
  }
  /// All columns, one after the other.
  std::vector<double> flat() const {
    std::vector<double> all;
    for (Index j = 0; j < cols_; ++j)
      for (Index i = 0; i < rows_; ++i) all.push_back(static_cast<double>((*this)(i, j)));
    return all;
  }

 private:
  static constexpr Index kBand = 64;
  static constexpr std::size_t kBytes = std::is_same_v<S, long double> ? 10 : sizeof(S);
  static S guard() { return std::numeric_limits<S>::quiet_NaN(); }

  Index rows_ = 0, cols_ = 0, ld_ = 1;
  std::vector<S> memory_;
};

/// What surrounds a layer in a test: parameters (random), gradients, workspace, noise key.
/// Construct the layer on `layout`, then call ready().
template <class B>
struct Bench {
  B backend;
  ParamLayout layout;
  Params<B> theta;
  Grads<B> grads;
  Workspace<B> workspace;
  NoiseKey key{.seed = 11, .step = 2, .stream = Stream::latent, .draw = 0};
  Mode mode = Mode::train;

  explicit Bench(B on = B()) : backend(on) {}

  void ready(unsigned seed = 3) {
    theta = Params<B>(layout);
    grads = Grads<B>(layout);
    for (std::size_t b = 0; b < layout.blocks().size(); ++b) {
      const View<B> block = theta[static_cast<BlockId>(b)];
      Matrix<typename B::Scalar> values(block.rows, block.cols);
      values.randomise(seed + static_cast<unsigned>(b), -0.8, 0.8);
      backend.copy(values.view(), block);
    }
  }
  Pass<B> pass() {
    workspace.reset();
    return {.backend = backend,
            .theta = theta,
            .grads = &grads,
            .workspace = workspace,
            .key = key,
            .sample_ids = {},
            .mode = mode};
  }
};

/// All numbers of a view, one column after the other.
template <class T, class Memory>
std::vector<double> flat(const MatrixView<T, Memory>& m) {
  std::vector<double> all;
  for (Index j = 0; j < m.cols; ++j)
    for (Index i = 0; i < m.rows; ++i) all.push_back(static_cast<double>(m(i, j)));
  return all;
}

/// Checks that `call` throws std::invalid_argument whose text contains `name`.
template <class Call>
void check_refused(const char* name, const Call& call) {
  std::string said = "(nothing thrown)";
  try {
    call();
  } catch (const std::invalid_argument& error) {
    said = error.what();
  }
  CHECK_MESSAGE(said.find(name) != std::string::npos, said);
}

}  // namespace longhand::test
