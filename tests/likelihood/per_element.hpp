// SPDX-License-Identifier: MIT
// What every likelihood that factorises over elements must do, whatever its formula.
#pragma once

#include <longhand/backend/cpu.hpp>
#include <longhand/backend/reference.hpp>
#include <longhand/gradcheck/check_likelihood.hpp>
#include <longhand/likelihood/any.hpp>

#include "support/allocation_count.hpp"
#include "support/matrix.hpp"

namespace longhand::test {

template <class B>
struct LikelihoodFixture : Bench<B> {
  using S = typename B::Scalar;
  Index d, n;
  Matrix<S> output, target, mask, weights, ones, nll, doutput;

  template <class L>
  LikelihoodFixture(const L& likelihood, Index data_rows, Index columns, Index gap = 0, B on = B())
      : Bench<B>(on),
        d(data_rows),
        n(columns),
        output(likelihood.output_rows(d), n, gap),
        target(d, n, gap),
        mask(d, n, gap),
        weights(1, n, gap),
        ones(1, n, gap),
        nll(1, n, gap),
        doutput(likelihood.output_rows(d), n, gap) {
    this->ready();
    output.randomise(1, -3, 3), target.randomise(2, 0, 1), weights.randomise(3, 0.2, 2);
    ones.fill(1);
    mask.randomise(4, -1, 1);
    for (Index j = 0; j < n; ++j)
      for (Index i = 0; i < d; ++i) mask(i, j) = mask(i, j) > S(-0.4) ? S(1) : S(0);
  }
  Batch<B> batch(bool masked) {
    return {.input = target.view(),
            .target = {},
            .condition = {},
            .mask = masked ? ConstView<B>(mask.view()) : ConstView<B>(),
            .sample_weights = {}};
  }
};

template <class B, class L>
void check_likelihood_gradient(const L& likelihood) {
  for (const Index rows : {1, 3, 17})
    LONGHAND_CHECK(check_likelihood<B>(likelihood.name, likelihood, {.rows = rows}));
}

/// Fused and separate forms agree; per-sample values add up from single elements; everything is
/// assigned over NaN, nothing outside is written. Loops may differ where only one of them fuses a
/// multiply-add, hence the few roundings.
template <class B, class L>
void check_likelihood_contract(const L& likelihood) {
  using S = typename B::Scalar;
  for (const auto& [d, n] : {std::array<Index, 2>{2, 1}, {33, 7}, {65, 257}}) {
    LikelihoodFixture<B> f(likelihood, d, n, 2);
    const ConstView<B> w = f.weights.view();
    likelihood.value_and_gradient(f.pass(), w, f.output.view(), f.batch(true), f.nll.view(),
                                  f.doutput.view());
    const auto value = f.nll.flat(), gradient = f.doutput.flat();
    f.nll.poison(), f.doutput.poison();
    likelihood.value(f.pass(), f.output.view(), f.batch(true), f.nll.view());
    likelihood.gradient(f.pass(), w, f.output.view(), f.batch(true), f.doutput.view());
    double worst = 0;  // in epsilons
    const auto see = [&](double got, double want, Index terms) {
      const double error = std::abs(got - want) / std::max(1.0, std::abs(want)) /
                           static_cast<double>(terms) / std::numeric_limits<S>::epsilon();
      if (!(error <= worst)) worst = std::isnan(error) ? HUGE_VAL : error;
    };
    const auto alone = f.nll.flat(), gradient_alone = f.doutput.flat();
    for (std::size_t k = 0; k < value.size(); ++k) see(alone[k], value[k], d);
    for (std::size_t k = 0; k < gradient.size(); ++k) see(gradient_alone[k], gradient[k], 1);
    for (const auto* m : {&f.output, &f.target, &f.mask, &f.weights, &f.nll, &f.doutput})
      CHECK(m->guarded());

    // One element at a time, in long double sums: sum_i m_ij nll_ij, and w_j times its gradient.
    const Index blocks = likelihood.output_rows(1), j = n - 1;
    long double sum = 0, size = 0;
    for (Index i = 0; i < d; ++i) {
      LikelihoodFixture<B> one(likelihood, 1, 1);
      for (Index b = 0; b < blocks; ++b) one.output(b) = f.output(i + b * d, j);
      one.target(0) = f.target(i, j);
      likelihood.value_and_gradient(one.pass(), one.ones.view(), one.output.view(),
                                    one.batch(false), one.nll.view(), one.doutput.view());
      sum += f.mask(i, j) * one.nll(0);
      size += std::fabs(one.nll(0));
      for (Index b = 0; b < blocks; ++b)
        see(f.doutput(i + b * d, j), f.mask(i, j) * f.weights(0, j) * one.doutput(b), 1);
    }
    CHECK_FALSE(!(worst <= 8));
    const long double bound =
        static_cast<long double>(d) * std::numeric_limits<S>::epsilon() * size;
    CHECK_FALSE(!(std::fabs(f.nll(0, j) - sum) <= bound));
  }
}

/// The value may go to, and the weights come from, a row of a larger matrix: its numbers lie apart.
template <class B, class L>
void check_likelihood_rows(const L& likelihood) {
  using S = typename B::Scalar;
  for (const auto& [d, n] : {std::array<Index, 2>{2, 1}, {33, 7}, {65, 257}}) {
    LikelihoodFixture<B> f(likelihood, d, n, 2);
    likelihood.value_and_gradient(f.pass(), f.weights.view(), f.output.view(), f.batch(true),
                                  f.nll.view(), f.doutput.view());
    const auto nll = f.nll.flat(), doutput = f.doutput.flat();
    likelihood.value(f.pass(), f.output.view(), f.batch(true), f.nll.view());
    const auto nll_alone = f.nll.flat();
    Matrix<S> terms(3, n, 1), weights(3, n, 2);
    terms.fill(7);
    for (Index j = 0; j < n; ++j) weights(1, j) = f.weights(0, j);
    f.doutput.poison();
    likelihood.value_and_gradient(f.pass(), weights.view().row(1), f.output.view(), f.batch(true),
                                  terms.view().row(1), f.doutput.view());
    CHECK(flat(terms.view().row(1)) == nll);
    CHECK(f.doutput.flat() == doutput);
    likelihood.value(f.pass(), f.output.view(), f.batch(true), terms.view().row(2));
    CHECK(flat(terms.view().row(2)) == nll_alone);
    for (const double v : flat(terms.view().row(0))) CHECK(v == 7);
    f.doutput.poison();
    likelihood.gradient(f.pass(), weights.view().row(1), f.output.view(), f.batch(true),
                        f.doutput.view());
    f.nll.poison();
    const auto gradient = f.doutput.flat();
    likelihood.gradient(f.pass(), f.weights.view(), f.output.view(), f.batch(true),
                        f.doutput.view());
    CHECK(f.doutput.flat() == gradient);
    CHECK(terms.guarded());
    CHECK(weights.guarded());
  }
}

/// A missing element's target and output may be anything; an observed NaN shows.
template <class B, class L>
void check_likelihood_mask(const L& likelihood) {
  using S = typename B::Scalar;
  LikelihoodFixture<B> f(likelihood, 5, 3);
  const auto run = [&] {
    likelihood.value_and_gradient(f.pass(), f.ones.view(), f.output.view(), f.batch(true),
                                  f.nll.view(), f.doutput.view());
  };
  f.mask.fill(1);
  f.mask(2, 1) = 0;
  run();
  const auto value = f.nll.flat(), gradient = f.doutput.flat();
  f.target(2, 1) = std::numeric_limits<S>::quiet_NaN();
  run();
  CHECK(f.nll.flat() == value);
  CHECK(f.doutput.flat() == gradient);
  CHECK(f.doutput(2, 1) == 0);
  f.target(3, 1) = std::numeric_limits<S>::quiet_NaN();
  run();
  CHECK(std::isnan(f.nll(0, 1)));
  CHECK(std::isfinite(f.nll(0, 0)));
  CHECK(std::isnan(f.doutput(3, 1)));
  CHECK(f.doutput(2, 1) == 0);
}

/// Finite values and gradients for outputs however large.
template <class B, class L>
void check_likelihood_extremes(const L& likelihood, std::initializer_list<double> outputs) {
  LikelihoodFixture<B> f(likelihood, 3, 2);
  for (const double a : outputs) {
    CAPTURE(a);
    f.output.fill(a);
    likelihood.value_and_gradient(f.pass(), f.ones.view(), f.output.view(), f.batch(false),
                                  f.nll.view(), f.doutput.view());
    for (const double v : f.nll.flat()) CHECK(std::isfinite(v));
    for (const double v : f.doutput.flat()) CHECK(std::isfinite(v));
  }
}

template <class L>
void check_likelihood_shapes(const L& likelihood) {
  using B = Cpu<double>;
  LikelihoodFixture<B> f(likelihood, 3, 2);
  Matrix<double> wide(3, 5), tall(7, 2);
  const auto call = [&](ConstView<B> output, Batch<B> batch, View<B> nll, View<B> doutput) {
    return [=, &f, &likelihood] {
      likelihood.value_and_gradient(f.pass(), f.ones.view(), output, batch, nll, doutput);
    };
  };
  Batch<B> wrong_mask = f.batch(true);
  wrong_mask.mask = wide.view();
  check_refused("likelihood: decoder output", call(tall.view(), f.batch(false), f.nll, f.doutput));
  check_refused("likelihood: mask", call(f.output.view(), wrong_mask, f.nll, f.doutput));
  check_refused("likelihood: nll", call(f.output.view(), f.batch(false), wide, f.doutput));
  check_refused("likelihood: doutput", call(f.output.view(), f.batch(false), f.nll, tall));
}

/// Float against long double on the same numbers: sums of d elements, each within `element`
/// epsilons of `size`, and gradients the same.
template <class L>
void check_likelihood_parity(const L& likelihood, double element, double size) {
  using F = Cpu<float>;
  using R = Reference<long double>;
  for (const auto& [d, n] :
       {std::array<Index, 2>{1, 1}, {2, 257}, {16, 7}, {17, 7}, {64, 2}, {65, 1}, {3, 0}}) {
    LikelihoodFixture<F> f(likelihood, d, n, 3, F(2));
    LikelihoodFixture<R> r(likelihood, d, n);
    likelihood.value_and_gradient(f.pass(), f.weights.view(), f.output.view(), f.batch(true),
                                  f.nll.view(), f.doutput.view());
    likelihood.value_and_gradient(r.pass(), r.weights.view(), r.output.view(), r.batch(true),
                                  r.nll.view(), r.doutput.view());
    const double eps = std::numeric_limits<float>::epsilon(), terms = static_cast<double>(d);
    double worst = 0;
    const auto see = [&](double got, double want, double bound) {
      const double ratio = std::abs(got - want) / bound;
      if (!(ratio <= worst)) worst = ratio;
    };
    for (std::size_t k = 0; k < f.nll.flat().size(); ++k)
      see(f.nll.flat()[k], r.nll.flat()[k], (element + terms) * eps * size * terms);
    const auto got = f.doutput.flat(), want = r.doutput.flat();
    for (std::size_t k = 0; k < got.size(); ++k)
      see(got[k], want[k], 2 * (element + 1) * eps * size);
    CHECK_FALSE(!(worst <= 1));
  }
}

template <class L>
void check_likelihood_allocations(const L& likelihood) {
#ifndef __clang__  // libomp allocates for every worksharing loop
  using B = Cpu<float>;
  LikelihoodFixture<B> f(likelihood, 100, 128, 0, B(2));
  const auto step = [&] {
    likelihood.value_and_gradient(f.pass(), f.ones.view(), f.output.view(), f.batch(true),
                                  f.nll.view(), f.doutput.view());
  };
  step();
  AllocationCount count;
  step();
  CHECK(count.get() == 0);
#else
  (void)likelihood;
#endif
}

}  // namespace longhand::test
