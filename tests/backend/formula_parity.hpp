// SPDX-License-Identifier: MIT
// Every formula of cuda/formulas.def, swept by a device and by the reference in double.
#pragma once

#include <longhand/divergence/gaussian_kl.hpp>
#include <longhand/layers/mlp.hpp>
#include <longhand/likelihood/gaussian.hpp>
#include <longhand/math/bernoulli.hpp>
#include <longhand/math/row_seed.hpp>
#include <longhand/models/input_transform.hpp>
#include <longhand/optim/optimizer.hpp>

#include "backend/parity.hpp"

namespace longhand::test {

/// Numbers of (0.05, 0.95) are inputs that every formula takes and none amplifies: what a sweep
/// yields is within 64 roundings of a number of its size or of 1. (How exact the formulas are where
/// they are delicate, tests/math has shown.)
class FormulaParity {
 public:
  static constexpr Index kRowCount = 33, kColCount = 7;
  static constexpr double kRoundings = 64;

  template <class F, std::size_t I, std::size_t O, class B>
  void for_each(const B& on, const char* name) {
    const Outcome<B, I, O> got(
        on, [&](auto& at, const auto& in, const auto& out, auto) { at.for_each(F{}, in, out); });
    const Outcome<Exact, I, O> want(
        {}, [&](auto& at, const auto& in, const auto& out, auto) { at.for_each(F{}, in, out); });
    compare(name, got, want, 0);
  }
  template <class F, std::size_t I, std::size_t O, class B>
  void reduce_columns(const B& on, const char* name) {
    const auto call = [&](auto& at, const auto& in, const auto& out, auto sums) {
      sums.cols = kColCount, sums.rows = 1, sums.ld = 1;
      at.reduce_columns(F{}, in, out, kRowCount, sums);
    };
    compare(name, Outcome<B, I, O>(on, call), Outcome<Exact, I, O>({}, call), kRowCount);
  }
  template <class F, std::size_t I, class B>
  void reduce_rows(const B& on, const char* name) {
    const auto call = [&](auto& at, const auto& in, const auto&, auto sums) {
      sums.rows = kRowCount, sums.cols = 1, sums.ld = kRowCount;
      at.reduce_rows(F{}, in, kRowCount, kColCount, sums, Store::accumulate);
    };
    compare(name, Outcome<B, I, 0>(on, call), Outcome<Exact, I, 0>({}, call), kColCount);
  }
  template <class F, std::size_t I, class B>
  void reduce(const B& on, const char* name) {
    const auto call = [&](auto& at, const auto& in, const auto&, auto sums) {
      sums.rows = sums.cols = sums.ld = 1;
      at.reduce(F{}, in, kRowCount, sums);  // the first column: gapless
    };
    compare(name, Outcome<B, I, 0>(on, call), Outcome<Exact, I, 0>({}, call), kRowCount);
  }

  /// From numbers and from bytes.
  template <class F, std::size_t I, class B>
  void gather(const B& on, const char* name) {
    std::vector<std::uint8_t> bytes(kRowCount * kColCount);
    std::vector<std::uint32_t> ids(kColCount);
    for (std::size_t k = 0; k < bytes.size(); ++k) bytes[k] = static_cast<std::uint8_t>(13 + k);
    for (std::size_t j = 0; j < ids.size(); ++j) ids[j] = static_cast<std::uint32_t>(5 * j % 7);
    const auto by_id = [&](auto& at, const auto& x, const auto& in, const auto& out) {
      at.gather(F{}, x, {ids.data(), 1, kColCount, 1}, in, out[0]);
    };
    const auto from_bytes = [&](auto& at, const auto& in, const auto& out, auto) {
      by_id(
          at,
          MatrixView<const std::uint8_t, HostMemory>{bytes.data(), kRowCount, kColCount, kRowCount},
          in, out);
    };
    compare(name, Outcome<B, I, 1>(on, from_bytes), Outcome<Exact, I, 1>({}, from_bytes), 0);
    const auto from_numbers = [&]<class At>(At& at, const auto& in, const auto& out, auto) {
      Matrix<typename At::Scalar> x(kRowCount, kColCount, 3);
      const ConstView<At> columns = x.randomise(77, 0.05, 0.95).view();
      by_id(at, columns, in, out);
    };
    compare(name, Outcome<B, I, 1>(on, from_numbers), Outcome<Exact, I, 1>({}, from_numbers), 0);
  }

  int swept() const { return swept_; }

 private:
  using Exact = Reference<double>;

  template <class B, std::size_t I, std::size_t O>
  struct Outcome {
    using M = Matrix<typename B::Scalar>;
    std::vector<M> inputs, outputs;
    M sums;

    template <class Call>
    Outcome(const B& on, const Call& call) : sums(kRowCount * kColCount, 1) {
      for (std::size_t k = 0; k < I; ++k)
        inputs.emplace_back(kRowCount, kColCount, 2)
            .randomise(static_cast<unsigned>(k), 0.05, 0.95);
      for (std::size_t k = 0; k < O; ++k) outputs.emplace_back(kRowCount, kColCount, 1);
      sums.fill(0.5);
      std::array<OperandOf<B>, I> in;
      std::array<View<B>, O> out;
      for (std::size_t k = 0; k < I; ++k) in[k] = inputs[k].view();
      for (std::size_t k = 0; k < O; ++k) out[k] = outputs[k].view();
      call(on, in, out, sums.view());
    }
  };

  template <class Got, class Want>
  void compare(const char* name, const Got& got, const Want& want, Index terms) {
    CAPTURE(name);
    WorstRatio worst;
    const auto see = [&](const auto& a, const auto& b, double roundings) {
      for (Index j = 0; j < b.cols(); ++j)
        for (Index i = 0; i < b.rows(); ++i)
          worst.see(a(i, j), b(i, j),
                    roundings * std::numeric_limits<float>::epsilon() * (1 + std::fabs(b(i, j))));
    };
    for (std::size_t k = 0; k < want.outputs.size(); ++k) {
      see(got.outputs[k], want.outputs[k], kRoundings);
      CHECK(got.outputs[k].guarded());
    }
    see(got.sums, want.sums, kRoundings * static_cast<double>(1 + terms));
    CAPTURE(worst.worst());
    CHECK_FALSE(!(worst.worst() <= 1));
    ++swept_;
  }

  int swept_ = 0;
};

/// Sweeps all of them; returns how many there were.
template <class B>
int check_all_formulas(const B& on) {
  FormulaParity parity;
#define LONGHAND_CUDA_FOR_EACH(inputs, outputs, ...) \
  parity.for_each<__VA_ARGS__, inputs, outputs>(on, #__VA_ARGS__);
#define LONGHAND_CUDA_REDUCE_COLUMNS(inputs, outputs, ...) \
  parity.reduce_columns<__VA_ARGS__, inputs, outputs>(on, #__VA_ARGS__);
#define LONGHAND_CUDA_REDUCE_ROWS(inputs, ...) \
  parity.reduce_rows<__VA_ARGS__, inputs>(on, #__VA_ARGS__);
#define LONGHAND_CUDA_REDUCE(inputs, ...) parity.reduce<__VA_ARGS__, inputs>(on, #__VA_ARGS__);
#define LONGHAND_CUDA_GATHER(inputs, ...) parity.gather<__VA_ARGS__, inputs>(on, #__VA_ARGS__);
#include "../../cuda/formulas.def"
#undef LONGHAND_CUDA_FOR_EACH
#undef LONGHAND_CUDA_REDUCE_COLUMNS
#undef LONGHAND_CUDA_REDUCE_ROWS
#undef LONGHAND_CUDA_REDUCE
#undef LONGHAND_CUDA_GATHER
  return parity.swept();
}

}  // namespace longhand::test
