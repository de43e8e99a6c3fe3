// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "longhand/gradcheck/check_gradient.hpp"
#include "longhand/gradcheck/detail/identities.hpp"

namespace longhand {

namespace detail {

/// The gradient of a part by differences on one batch: of all parameters, and of all inputs to
/// differentiate by.
inline GradientReport check_part_gradient(std::string_view name, const Part& part,
                                          std::size_t batch, CheckOptions options) {
  Random random(options.seed);
  PartData data(part, batch, random);
  PartBatch in{.size = batch, .inputs = {}, .sample = data.sample};
  std::vector<NamedTensor> tensors;
  for (std::size_t k = 0; k < part.inputs.size(); ++k) {
    const std::size_t rows = part.inputs[k].rows;
    in.inputs.push_back({data.inputs[k].data(), rows, batch, rows});
    if (part.inputs[k].differentiate)
      tensors.push_back({part.inputs[k].name, data.inputs[k], rows});
  }
  const std::size_t first_parameter = tensors.size();
  tensors.insert(tensors.end(), part.parameters.begin(), part.parameters.end());
  if (part.dual && !options.dual)
    options.dual = [&](const DualTensors& x) { return part.dual(in, x); };

  std::vector<std::string> names;
  for (const NamedTensor& t : tensors) names.push_back(t.name);
  PartCache cache;
  return check_gradient(
      name, std::move(tensors),
      [&] {
        if (part.forget) part.forget();
        Guarded y(part.outputs, batch, 0);
        cache = part.forward(in, y.matrix());
        if (!y.intact_around()) throw Broken("it writes outside of its output");
        return y.flat();
      },
      [&](Cotangent v, TensorGradients& g) {
        Guarded dy({v.begin(), v.end()}, part.outputs, batch, 0);
        std::vector<Guarded> dinputs;
        for (const PartInput& input : part.inputs)
          if (input.differentiate) dinputs.emplace_back(input.rows, batch, 0);
        std::vector<PartMatrix> wanted;
        for (Guarded& d : dinputs) wanted.push_back(d.matrix());
        part.backward(in, cache, dy.matrix(), wanted, GradientWrite::assign);
        if (!dy.unchanged()) throw Broken("it changes the gradient of the outputs");
        for (std::size_t k = 0; k < dinputs.size(); ++k) {
          if (!dinputs[k].intact_around())
            throw Broken("it writes outside of the gradient of '" + names[k] + "'");
          const std::vector<double> d = dinputs[k].flat();
          std::copy(d.begin(), d.end(), g.at(k).begin());
        }
        for (std::size_t p = 0; p < part.parameters.size(); ++p)
          std::copy(part.gradients[p].begin(), part.gradients[p].end(),
                    g.at(first_parameter + p).begin());
      },
      std::move(options));
}

/// Puts the report of one more batch into that of all. Tensors have the same names and rows in
/// both; their shapes are those of the last batch, what they show is the worst of all.
inline void merge(GradientReport& all, GradientReport more) {
  all.evaluations += more.evaluations, all.backwards += more.backwards;
  all.milliseconds += more.milliseconds, all.fresh_points += more.fresh_points;
  all.resolution = std::max(all.resolution, more.resolution);
  all.dual = all.dual || more.dual;
  all.entries.insert(all.entries.end(), more.entries.begin(), more.entries.end());
  if (more.verdict > all.verdict || all.reason.empty()) all.reason = more.reason;
  all.verdict = std::max(all.verdict, more.verdict);
  if (all.tensors.size() != more.tensors.size()) {
    if (all.tensors.empty()) all.tensors = std::move(more.tensors);
    return;
  }
  for (std::size_t t = 0; t < all.tensors.size(); ++t) {
    CheckedTensor &one = all.tensors[t], &other = more.tensors[t];
    const bool worse =
        std::pair(other.verdict, other.worst.ratio()) > std::pair(one.verdict, one.worst.ratio());
    if (!worse) {
      other.verdict = one.verdict, other.worst = one.worst, other.diagnosis = one.diagnosis;
      other.dual_disagrees = one.dual_disagrees;
    }
    other.resolution = std::max(one.resolution, other.resolution);
    one = std::move(other);
  }
}

/// Runs a check of a contract into a report: what it throws is a failure.
template <class Check>
void check_contract(GradientReport& report, const std::string& where, const Check& check) {
  std::string broken;
  try {
    check();
    return;
  } catch (const Broken& error) {
    broken = error.what();
  } catch (const std::exception& error) {
    broken = std::string("a call threw: ") + error.what();
  }
  if (report.verdict == Verdict::fail && !report.reason.empty()) return;  // one reason is enough
  report.verdict = Verdict::fail;
  report.reason = where + ": " + broken;
}

}  // namespace detail

/// Checks all that a part of a model owes: at every batch size its gradient by differences (and by
/// dual numbers, where it can), then the identities of its backward (linear in dy; 0 for 0; the sum
/// over samples; any order of samples) and its contracts about buffers (everything assigned,
/// nothing written outside, leading dimensions, gradients added up or frozen, caches, inputs left
/// alone). An empty batch must do no harm. The report's reason names the contract that is broken.
///
/// A deliberate error (prove_power) is put into the largest batch's gradient, the rest left out.
inline GradientReport check_part(std::string_view name, const Part& part,
                                 std::vector<std::size_t> batches = {0, 1, 2, 7},
                                 const CheckOptions& options = {}) {
  GradientReport report;
  report.name = std::string(name);
  report.seed = options.seed;
  if (part.gradients.size() != part.parameters.size()) {
    report.reason = "the part has " + std::to_string(part.parameters.size()) +
                    " parameters and gradients of " + std::to_string(part.gradients.size());
    return report;
  }
  std::sort(batches.begin(), batches.end());
  if (batches.empty() || batches.back() == 0) {
    report.reason = "no batch has a sample: nothing was checked";
    return report;
  }
  if (options.corruption != nullptr) batches = {batches.back()};
  report.verdict = Verdict::pass;
  for (const std::size_t batch : batches) {
    const std::string where = "batch of " + std::to_string(batch);
    if (batch > 0) {
      GradientReport one = detail::check_part_gradient(name, part, batch, options);
      if (!one.passed())
        one.reason = where + (one.reason.empty() ? ": wrong by differences" : ": " + one.reason);
      detail::merge(report, std::move(one));
    }
    if (options.corruption != nullptr) break;
    detail::Random random(options.seed + batch);
    detail::check_contract(report, where,
                           [&] { detail::check_identities<void>(part, batch, random); });
  }
  return report;
}

}  // namespace longhand
