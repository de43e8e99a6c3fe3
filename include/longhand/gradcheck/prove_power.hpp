// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "longhand/gradcheck/check_gradient.hpp"

namespace longhand {

/// What became of every deliberate error.
struct PowerReport {
  struct Trial {
    std::string corruption;
    Verdict verdict = Verdict::fail;
  };
  GradientReport clean;       ///< the check without an error in it
  std::vector<Trial> trials;  ///< one per corruption that changes the gradient
  std::size_t without_effect = 0;

  /// The right gradient passes and every wrong one fails; anything but FAIL is a miss.
  bool passed() const { return clean.passed() && !trials.empty() && missed().empty(); }
  std::vector<std::string> missed() const {
    std::vector<std::string> names;
    for (const Trial& t : trials)
      if (t.verdict != Verdict::fail)
        names.push_back(t.corruption + " (" + std::string(name_of(t.verdict)) + ")");
    return names;
  }
  std::string text() const {
    if (!clean.passed()) return "the check itself does not pass:\n" + clean.text();
    std::string out = std::to_string(trials.size() - missed().size()) + " of " +
                      std::to_string(trials.size()) + " deliberate errors found";
    for (const std::string& name : missed()) out += "\n missed: " + name;
    return out + '\n';
  }
};

namespace detail {

/// The standard corruptions, for every tensor.
inline std::vector<Corruption> standard_corruptions(const GradientReport& clean) {
  std::vector<Corruption> all;
  for (std::size_t t = 0; t < clean.tensors.size(); ++t) {
    const CheckedTensor& tensor = clean.tensors[t];
    const std::size_t rows = tensor.rows, cols = tensor.cols, n = rows * cols;
    const auto add = [&](const std::string& what, auto spoil) {
      all.push_back(
          {tensor.name + ": " + what,
           [t, spoil](const std::vector<NamedTensor>&, TensorGradients& g) { spoil(g.at(t)); },
           false});
    };
    const auto scale = [](double c) {
      return [c](std::span<double> g) {
        for (double& x : g) x *= c;
      };
    };
    add("sign", scale(-1));
    add("times 2", scale(2));
    add("half", scale(0.5));
    add("times 1.001", scale(1.001));
    add("nothing", scale(0));
    if (cols > 1) add("divided by its columns", scale(1 / static_cast<double>(cols)));
    if (n > 1) {
      add("last row dropped", [rows, n](std::span<double> g) {
        for (std::size_t i = rows - 1; i < n; i += rows) g[i] = 0;
      });
      add("one entry times 1.01", [](std::span<double> g) {
        *std::max_element(g.begin(), g.end(),
                          [](double a, double b) { return std::fabs(a) < std::fabs(b); }) *= 1.01;
      });
    }
    if (cols > 1)
      add("last column dropped", [rows, n](std::span<double> g) {
        std::fill(g.begin() + static_cast<std::ptrdiff_t>(n - rows), g.end(), 0.0);
      });
    if (rows == cols && rows > 1)
      add("transposed", [rows](std::span<double> g) {
        for (std::size_t i = 0; i < rows; ++i)
          for (std::size_t j = 0; j < i; ++j) std::swap(g[i + j * rows], g[j + i * rows]);
      });
    for (std::size_t o = t + 1; o < clean.tensors.size(); ++o)
      if (n > 0 && clean.tensors[o].rows == rows && clean.tensors[o].cols == cols)
        all.push_back({tensor.name + " and " + clean.tensors[o].name + " swapped",
                       [t, o](const std::vector<NamedTensor>&, TensorGradients& g) {
                         std::swap_ranges(g.at(t).begin(), g.at(t).end(), g.at(o).begin());
                       },
                       false});
  }
  all.push_back({"the gradient of other inputs", {}, true});
  return all;
}

}  // namespace detail

/// Proves that a check can fail: runs it with standard errors put into the gradient (a sign,
/// factors down to 1.001, a dropped row, one wrong entry, a transposed matrix, a stale cache, …)
/// and demands that each is found. `check` must hand its options on:
///
///     prove_power([&](const CheckOptions& options) {
///       return check_gradient("dense", tensors, forward, backward, options);
///     });
///
/// Corruptions that leave the gradient as it is (a zero tensor times 2) are not counted.
template <class Check>
PowerReport prove_power(const Check& check, CheckOptions options = {}) {
  PowerReport report;
  report.clean = check(std::as_const(options));
  if (!report.clean.passed()) return report;
  for (Corruption& corruption : detail::standard_corruptions(report.clean)) {
    bool effect = corruption.stale;
    Corruption watched = corruption;
    if (!corruption.stale)
      watched.apply = [&](const std::vector<NamedTensor>& tensors, TensorGradients& g) {
        const TensorGradients right = g;
        corruption.apply(tensors, g);
        for (std::size_t t = 0; t < g.size(); ++t)
          effect = effect || !std::equal(g.at(t).begin(), g.at(t).end(), right.at(t).begin());
      };
    options.corruption = &watched;
    const GradientReport spoiled = check(std::as_const(options));
    if (effect)
      report.trials.push_back({corruption.name, spoiled.verdict});
    else
      ++report.without_effect;
  }
  return report;
}

}  // namespace longhand
