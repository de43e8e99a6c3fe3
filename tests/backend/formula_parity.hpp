// SPDX-License-Identifier: MIT
// Every formula of cuda/formulas.def, swept by a device and by the reference in double.
#pragma once

#include <longhand/backend/cuda_families.hpp>
#include <longhand/latent/gaussian_kl.hpp>
#include <longhand/layers/net.hpp>
#include <longhand/likelihood/any.hpp>
#include <longhand/math/bernoulli.hpp>
#include <longhand/math/adversarial.hpp>
#include <longhand/math/batch_changes.hpp>
#include <longhand/math/categorical.hpp>
#include <longhand/math/cross_entropy.hpp>
#include <longhand/math/sample_seed.hpp>
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
  void for_each(const B& backend, const char* name) {
    const Outcome<B, I, O> got(backend, [&](auto& at, const auto& in, const auto& out, auto) {
      at.for_each(F{}, in, out);
    });
    const Outcome<Exact, I, O> want(
        {}, [&](auto& at, const auto& in, const auto& out, auto) { at.for_each(F{}, in, out); });
    compare(name, got, want, 0);
  }
  template <class F, std::size_t I, std::size_t O, class B>
  void reduce_columns(const B& backend, const char* name) {
    const auto call = [&](auto& at, const auto& in, const auto& out, auto sums) {
      sums.cols = kColCount, sums.rows = 1, sums.ld = 1;
      at.reduce_columns(F{}, in, out, kRowCount, sums);
    };
    compare(name, Outcome<B, I, O>(backend, call), Outcome<Exact, I, O>({}, call), kRowCount);
  }
  template <class F, std::size_t I, class B>
  void reduce_rows(const B& backend, const char* name) {
    const auto call = [&](auto& at, const auto& in, const auto&, auto sums) {
      sums.rows = kRowCount, sums.cols = 1, sums.ld = kRowCount;
      at.reduce_rows(F{}, in, kRowCount, kColCount, sums, Store::accumulate);
    };
    compare(name, Outcome<B, I, 0>(backend, call), Outcome<Exact, I, 0>({}, call), kColCount);
  }
  template <class F, std::size_t I, class B>
  void reduce(const B& backend, const char* name) {
    const auto call = [&](auto& at, const auto& in, const auto&, auto sums) {
      sums.rows = sums.cols = sums.ld = 1;
      at.reduce(F{}, in, kRowCount, sums);  // the first column: gapless
    };
    compare(name, Outcome<B, I, 0>(backend, call), Outcome<Exact, I, 0>({}, call), kRowCount);
  }

  /// The sums with a sweep that follows: over the first outputs in place and more inputs.
  template <class F, std::size_t I, std::size_t O, class G, std::size_t J, std::size_t P, class B>
  void reduce_columns_then(const B& backend, const char* name) {
    const auto call = [&]<class At>(const At& at, const auto& in, const auto& out, auto sums) {
      sums.cols = kColCount, sums.rows = 1, sums.ld = 1;
      const auto [first, more] = parted<I, J - P>(in);
      std::array<View<At>, P> in_place;
      std::copy_n(out.begin(), P, in_place.begin());
      at.reduce_columns(F{}, first, out, kRowCount, sums,
                        then<At>(G{}, joined(operands<At>(in_place), more), in_place));
    };
    compare(name, Outcome<B, I + J - P, O>(backend, call), Outcome<Exact, I + J - P, O>({}, call),
            kRowCount);
  }
  /// A sum with a sweep that follows on it and other numbers.
  template <class F, std::size_t I, class G, std::size_t J, std::size_t P, class B>
  void reduce_then(const B& backend, const char* name) {
    const auto call = [&]<class At>(const At& at, const auto& in, auto out, auto sums) {
      sums.rows = sums.cols = sums.ld = 1;
      const auto [first, more] = parted<I, J - 1>(in);
      for (View<At>& y : out) at.fill(y, 0.25f), y.rows = y.cols = 1;
      at.reduce(F{}, first, kRowCount, sums,
                then<At>(G{}, joined(std::array{OperandOf<At>(sums)}, more), out));
    };
    compare(name, Outcome<B, I + J - 1, P>(backend, call), Outcome<Exact, I + J - 1, P>({}, call),
            kRowCount);
  }
  /// Noise with a sweep that follows on other numbers and on it.
  template <bool normal, class G, std::size_t J, std::size_t P, class B>
  void fill_then(const B& backend, const char* name) {
    const NoiseKey key{.seed = 8, .step = 3};
    const auto call = [&]<class At>(const At& at, const auto& in, const auto& out, auto sums) {
      const View<At> noise{sums.data, kRowCount, kColCount, kRowCount};
      const auto next = then<At>(G{}, joined(in, std::array{OperandOf<At>(noise)}), out);
      if constexpr (normal)
        at.fill_normal(key, {}, noise, next);
      else
        at.fill_uniform(key, {}, noise, next);
    };
    compare(name, Outcome<B, J - 1, P>(backend, call), Outcome<Exact, J - 1, P>({}, call), 0);
  }

  /// From numbers and from bytes.
  template <class F, std::size_t I, class B>
  void gather(const B& backend, const char* name) {
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
    compare(name, Outcome<B, I, 1>(backend, from_bytes), Outcome<Exact, I, 1>({}, from_bytes), 0);
    const auto from_numbers = [&]<class At>(At& at, const auto& in, const auto& out, auto) {
      Matrix<typename At::Scalar> x(kRowCount, kColCount, 3);
      const ConstView<At> columns = x.randomise(77, 0.05, 0.95).view();
      by_id(at, columns, in, out);
    };
    compare(name, Outcome<B, I, 1>(backend, from_numbers), Outcome<Exact, I, 1>({}, from_numbers),
            0);
  }

  int swept() const { return swept_; }

 private:
  using Exact = Reference<double>;

  template <std::size_t A, std::size_t C, class T>
  static auto parted(const std::array<T, A + C>& all) {
    std::pair<std::array<T, A>, std::array<T, C>> parts;
    std::copy_n(all.begin(), A, parts.first.begin());
    std::copy_n(all.begin() + A, C, parts.second.begin());
    return parts;
  }
  template <class T, std::size_t A, std::size_t C>
  static auto joined(const std::array<T, A>& a, const std::array<T, C>& c) {
    std::array<T, A + C> all;
    std::copy_n(a.begin(), A, all.begin());
    std::copy_n(c.begin(), C, all.begin() + A);
    return all;
  }
  template <class At, std::size_t P>
  static auto operands(const std::array<View<At>, P>& views) {
    std::array<OperandOf<At>, P> all;
    for (std::size_t k = 0; k < P; ++k) all[k] = views[k];
    return all;
  }

  template <class B, std::size_t I, std::size_t O>
  struct Outcome {
    using M = Matrix<typename B::Scalar>;
    std::vector<M> inputs, outputs;
    M sums;

    template <class Call>
    Outcome(const B& backend, const Call& call) : sums(kRowCount * kColCount, 1) {
      for (std::size_t k = 0; k < I; ++k)
        inputs.emplace_back(kRowCount, kColCount, 2)
            .randomise(static_cast<unsigned>(k), 0.05, 0.95);
      for (std::size_t k = 0; k < O; ++k) outputs.emplace_back(kRowCount, kColCount, 1);
      sums.fill(0.5);
      std::array<OperandOf<B>, I> in;
      std::array<View<B>, O> out;
      for (std::size_t k = 0; k < I; ++k) in[k] = inputs[k].view();
      for (std::size_t k = 0; k < O; ++k) out[k] = outputs[k].view();
      call(backend, in, out, sums.view());
    }
  };

  template <class Got, class Want>
  void compare(const char* name, const Got& got, const Want& want, Index terms) {
    const std::string formula = name;
    CAPTURE(formula);
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
int check_all_formulas(const B& backend) {
  FormulaParity parity;
#define LONGHAND_CUDA_FOR_EACH(inputs, outputs, ...) \
  parity.for_each<__VA_ARGS__, inputs, outputs>(backend, #__VA_ARGS__);
#define LONGHAND_CUDA_REDUCE_COLUMNS(inputs, outputs, ...) \
  parity.reduce_columns<__VA_ARGS__, inputs, outputs>(backend, #__VA_ARGS__);
#define LONGHAND_CUDA_REDUCE_ROWS(inputs, ...) \
  parity.reduce_rows<__VA_ARGS__, inputs>(backend, #__VA_ARGS__);
#define LONGHAND_CUDA_REDUCE(inputs, ...) parity.reduce<__VA_ARGS__, inputs>(backend, #__VA_ARGS__);
#define LONGHAND_CUDA_REDUCE_COLUMNS_THEN(inputs, outputs, formula, next_in, next_out, ...) \
  parity.reduce_columns_then<formula, inputs, outputs, __VA_ARGS__, next_in, next_out>(     \
      backend, #formula ", then " #__VA_ARGS__);
#define LONGHAND_CUDA_REDUCE_THEN(inputs, formula, next_in, next_out, ...) \
  parity.reduce_then<formula, inputs, __VA_ARGS__, next_in, next_out>(     \
      backend, #formula ", then " #__VA_ARGS__);
#define LONGHAND_CUDA_FILL_THEN(noise, next_in, next_out, ...)                            \
  parity.fill_then<std::string_view(#noise) == "normal", __VA_ARGS__, next_in, next_out>( \
      backend, #__VA_ARGS__);
#define LONGHAND_CUDA_GATHER(inputs, ...) parity.gather<__VA_ARGS__, inputs>(backend, #__VA_ARGS__);
#include "../../cuda/formulas.def"
#undef LONGHAND_CUDA_FOR_EACH
#undef LONGHAND_CUDA_REDUCE_COLUMNS
#undef LONGHAND_CUDA_REDUCE_ROWS
#undef LONGHAND_CUDA_REDUCE
#undef LONGHAND_CUDA_REDUCE_COLUMNS_THEN
#undef LONGHAND_CUDA_REDUCE_THEN
#undef LONGHAND_CUDA_FILL_THEN
#undef LONGHAND_CUDA_GATHER
  return parity.swept();
}

}  // namespace longhand::test
