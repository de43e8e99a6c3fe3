// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "longhand/gradcheck/detail/rig.hpp"

namespace longhand {

/// The sizes and inputs on which a likelihood is checked.
struct LikelihoodCheck {
  Index rows = 5;  ///< D; the decoder emits output_rows(rows) numbers per sample
  std::vector<std::size_t> batches = {0, 1, 2, 7};
  double low = -3, high = 3;  ///< the decoder's outputs
};

namespace detail {

/// The targets a likelihood accepts.
template <class L>
std::pair<double, double> domain_of(const L& likelihood) {
  if constexpr (requires { likelihood.domain(); }) {
    return likelihood.domain();
  } else if constexpr (requires { likelihood.formula().domain_min; }) {
    return {likelihood.formula().domain_min, likelihood.formula().domain_max};
  } else {
    return {0, 1};
  }
}
inline PartInput target_of(std::string name, std::size_t rows, std::pair<double, double> domain) {
  const double low = std::max(domain.first, -2.0), high = std::min(domain.second, 2.0);
  PartInput target{.name = std::move(name), .rows = rows, .differentiate = false};
  for (const double at : {0.0, 1.0, 0.3, 0.61}) target.among.push_back(low + (high - low) * at);
  return target;
}

/// The calls of a likelihood on a batch whose inputs are the decoder's output, the target and, if
/// there is a third, the mask.
template <class B, class L>
class LikelihoodCalls {
 public:
  LikelihoodCalls(const Pass<B>& pass, const L& likelihood, const PartBatch& batch)
      : pass_(pass), likelihood_(likelihood) {
    batch_.input = input_on(pass, batch.inputs[1]);
    if (batch.inputs.size() > 2) batch_.mask = input_on(pass, batch.inputs[2]);
  }
  void value(ConstView<B> output, View<B> nll) const {
    likelihood_.value(pass_, output, batch_, nll);
  }
  void gradient(ConstView<B> w, ConstView<B> output, View<B> doutput) const {
    likelihood_.gradient(pass_, w, output, batch_, doutput);
  }
  void both(ConstView<B> w, ConstView<B> output, View<B> nll, View<B> doutput) const {
    likelihood_.value_and_gradient(pass_, w, output, batch_, nll, doutput);
  }

 private:
  const Pass<B>& pass_;
  const L& likelihood_;
  Batch<B> batch_;
};

/// The fused call gives what value and gradient give one by one, but for the rounding of a
/// multiply-add: gamma of the features times the size of the terms.
template <class B, class L>
void require_fused(Rig<B>& rig, const L& likelihood, const Part& part, std::size_t n,
                   Random& random) {
  rig.workspace.reset();
  const PartData data(part, n, random);
  std::vector<Guarded> inputs;
  PartBatch batch{.size = n, .inputs = {}, .sample = data.sample};
  for (std::size_t k = 0; k < data.inputs.size(); ++k)
    inputs.emplace_back(data.inputs[k], part.inputs[k].rows, n, 0);
  for (Guarded& in : inputs) batch.inputs.push_back(in.matrix());
  const std::size_t rows = part.inputs[0].rows;
  Guarded w(data.dy, 1, n, 0), value(1, n, 1), gradient(rows, n, 1), value_of_both(1, n, 2),
      gradient_of_both(rows, n, 2);
  const Pass<B> pass = rig.pass(batch);
  const LikelihoodCalls<B, L> calls(pass, likelihood, batch);
  const ConstView<B> output = view_of<B>(batch.inputs[0]);
  calls.value(output, view_of<B>(value.matrix()));
  calls.gradient(view_of<B>(w.matrix()), output, view_of<B>(gradient.matrix()));
  calls.both(view_of<B>(w.matrix()), output, view_of<B>(value_of_both.matrix()),
             view_of<B>(gradient_of_both.matrix()));
  for (const Guarded* g : {&value, &gradient, &value_of_both, &gradient_of_both})
    if (!g->intact_around()) throw Broken("a call writes outside of its outputs");
  const auto compare = [&](const Guarded& a, const Guarded& b, double terms, const char* what) {
    const std::vector<double> one = a.flat(), other = b.flat();
    double size = 1;
    for (const double v : one) size = std::max(size, std::fabs(v));
    const double k = (terms + 4) * std::numeric_limits<double>::epsilon();
    for (std::size_t e = 0; e < one.size(); ++e)
      if (!(std::fabs(one[e] - other[e]) <= k * size))
        throw Broken(std::string("value_and_gradient gives another ") + what);
  };
  compare(value, value_of_both, static_cast<double>(rows), "value than value");
  compare(gradient, gradient_of_both, 1, "gradient than gradient");
}

inline constexpr const char* kMissingMatters =
    "an element that the mask takes out has a gradient, or its target matters: choose it away, do "
    "not multiply it by 0";

/// Where the mask is 0 the target may be anything, and the gradient is exactly 0.
template <class B, class L>
void require_masked(Rig<B>& rig, const L& likelihood, const Part& part, std::size_t n,
                    Random& random) {
  rig.workspace.reset();
  PartData data(part, n, random);
  const std::size_t rows = part.inputs[1].rows, blocks = part.inputs[0].rows / rows;
  std::vector<std::vector<double>> results;
  for (const double missing : {0.25, std::nan("")}) {
    for (std::size_t k = 0; k < rows * n; ++k)
      if (data.inputs[2][k] == 0) data.inputs[1][k] = missing;
    PartBatch batch{.size = n, .inputs = {}, .sample = data.sample};
    for (std::size_t k = 0; k < data.inputs.size(); ++k)
      batch.inputs.push_back({data.inputs[k].data(), part.inputs[k].rows, n, part.inputs[k].rows});
    const Pass<B> pass = rig.pass(batch);
    const LikelihoodCalls<B, L> calls(pass, likelihood, batch);
    Guarded w(data.dy, 1, n, 0), value(1, n, 0), gradient(part.inputs[0].rows, n, 0);
    calls.both(view_of<B>(w.matrix()), view_of<B>(batch.inputs[0]), view_of<B>(value.matrix()),
               view_of<B>(gradient.matrix()));
    for (std::size_t j = 0; j < n; ++j)
      for (std::size_t i = 0; i < rows; ++i)
        for (std::size_t b = 0; b < blocks; ++b)
          if (data.inputs[2][i + j * rows] == 0 && gradient.matrix()(i + b * rows, j) != 0)
            throw Broken(kMissingMatters);
    results.push_back(value.flat());
    results.push_back(gradient.flat());
  }
  if (!PartTrial::same_bits(results[0], results[2]) ||
      !PartTrial::same_bits(results[1], results[3]))
    throw Broken(kMissingMatters);
}

}  // namespace detail

/// Checks a likelihood (PerElement of a formula, AnyLikelihood, or your own with their interface):
/// the gradient of sum_j w_j NLL_j by the decoder's output, without and with a mask; value and
/// gradient alone and fused; missing elements. See check_part.
template <class B = Cpu<double>, class L>
GradientReport check_likelihood(std::string_view name, const L& likelihood,
                                const LikelihoodCheck& how = {}, const CheckOptions& options = {}) {
  using namespace detail;
  using D = Reference<Dual>;
  Rig<B> rig;
  rig.ready(options.seed);
  Rig<D> twin;
  twin.ready(options.seed);
  const auto rows = static_cast<std::size_t>(how.rows);
  Part part;
  part.inputs = {{.name = "output",
                  .rows = static_cast<std::size_t>(likelihood.output_rows(how.rows)),
                  .low = how.low,
                  .high = how.high},
                 target_of("target", rows, domain_of(likelihood))};
  part.outputs = 1;
  part.forget = [&] { rig.workspace.reset(); };
  part.forward = [&](const PartBatch& batch, PartMatrix y) {
    const Pass<B> pass = rig.pass(batch);
    LikelihoodCalls<B, L>(pass, likelihood, batch)
        .value(view_of<B>(batch.inputs[0]), view_of<B>(y));
    return nullptr;
  };
  part.backward = [&](const PartBatch& batch, const PartCache&, PartMatrix dy,
                      const std::vector<PartMatrix>& dinputs, GradientWrite) {
    const Pass<B> pass = rig.pass(batch);
    LikelihoodCalls<B, L>(pass, likelihood, batch)
        .gradient(view_of<B>(dy), view_of<B>(batch.inputs[0]), view_of<B>(dinputs[0]));
  };
  part.freezes = false;
  part.dual = [&](const PartBatch& batch, const DualTensors& x) {
    twin.workspace.reset();
    const Pass<D> pass = twin.pass(batch);
    const View<D> nll = pass.matrix(1, static_cast<Index>(batch.size));
    LikelihoodCalls<D, L>(pass, likelihood, batch)
        .value(dual_input(x, "output", batch.inputs[0]), nll);
    return flat(nll);
  };
  GradientReport report = check_part(name, part, how.batches, options);
  if (options.corruption != nullptr) return report;
  Random random(options.seed);
  check_contract(report, "fused", [&] { require_fused(rig, likelihood, part, 7, random); });
  part.inputs.push_back({.name = "mask", .rows = rows, .differentiate = false, .among = {1, 0, 1}});
  GradientReport masked = check_part(name, part, how.batches, options);
  if (!masked.passed()) masked.reason = "with a mask, " + masked.reason;
  merge(report, std::move(masked));
  check_contract(report, "mask", [&] { require_masked(rig, likelihood, part, 7, random); });
  return report;
}

}  // namespace longhand
