// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "longhand/gradcheck/detail/diagnosis.hpp"
#include "longhand/gradcheck/report.hpp"

namespace longhand::detail {

/// The entries of one tensor, put together.
inline CheckedTensor summary_of(const std::vector<CheckedEntry>& entries, std::size_t t,
                                const NamedTensor& of) {
  CheckedTensor tensor;
  tensor.name = of.name;
  tensor.rows = of.row_count(), tensor.cols = of.col_count();
  for (const CheckedEntry& e : entries) {
    if (e.tensor != t) continue;
    (e.direction ? tensor.directions : tensor.checked) += 1;
    const bool first = tensor.checked + tensor.directions == 1;
    if (first || e.verdict > tensor.worst.verdict ||
        (e.verdict == tensor.worst.verdict && e.ratio() > tensor.worst.ratio()))
      tensor.worst = e;
    tensor.verdict = std::max(tensor.verdict, e.verdict);
    tensor.resolution = std::max(tensor.resolution, e.resolution);
  }
  return tensor;
}

/// What to say about a tensor beside its numbers.
inline std::string remark_on(const GradientReport& report, std::size_t t,
                             const std::vector<NamedTensor>& tensors,
                             const std::vector<std::vector<double>>& numeric_of) {
  const CheckedTensor& tensor = report.tensors[t];
  Suspect suspect;
  suspect.tensor = t;
  suspect.complete = !numeric_of[t].empty();
  bool zero = true;
  for (const CheckedEntry& e : report.entries) {
    if (e.tensor != t || e.direction) continue;
    zero = zero && e.analytic == 0;
    suspect.index.push_back(e.index);
    suspect.analytic.push_back(e.analytic);
    suspect.numeric.push_back(e.elsewhere ? std::nan("") : e.numeric);
    suspect.bound.push_back(e.bound);
  }
  if (tensors[t].values.empty()) return "empty";
  if (passes(tensor.verdict)) return zero ? "zero, confirmed" : "";
  if (tensor.verdict == Verdict::no_power)
    return "the differences are too coarse to prove anything (noise, or kinks everywhere)";
  if (tensor.verdict == Verdict::unresolved) return "a kink, and no smooth point beside it";
  if (tensor.dual_disagrees && tensor.worst.ratio() <= 1)
    return "within the differences' bound, but dual numbers disagree";
  return Diagnosis(tensors, numeric_of).of(suspect);
}

/// From the entries to the tensors and the verdict of the whole.
inline void summarise(GradientReport& report, const std::vector<NamedTensor>& tensors,
                      const std::set<std::size_t>& dual_disagrees) {
  report.verdict = Verdict::pass;
  std::vector<std::vector<double>> numeric_of(tensors.size());
  for (const CheckedEntry& e : report.entries)
    if (!e.direction) numeric_of[e.tensor].push_back(e.elsewhere ? std::nan("") : e.numeric);
  for (std::size_t t = 0; t < tensors.size(); ++t) {
    if (numeric_of[t].size() < tensors[t].values.size()) numeric_of[t].clear();
    report.tensors.push_back(summary_of(report.entries, t, tensors[t]));
    CheckedTensor& tensor = report.tensors.back();
    tensor.dual_disagrees = dual_disagrees.count(t) > 0;
    if (tensor.dual_disagrees) tensor.verdict = Verdict::fail;
    report.verdict = std::max(report.verdict, tensor.verdict);
    report.resolution = std::max(report.resolution, tensor.resolution);
  }
  for (std::size_t t = 0; t < tensors.size(); ++t)
    report.tensors[t].diagnosis = remark_on(report, t, tensors, numeric_of);
}

}  // namespace longhand::detail
