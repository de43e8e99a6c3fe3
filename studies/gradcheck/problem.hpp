// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <utility>
#include <vector>

#include "case.hpp"

namespace longhand::study {

/// A scalar loss of flat numbers, in blocks: what other checkers see of a case.
class Problem {
 public:
  explicit Problem(const Case& c) : case_(c) {
    std::size_t first = 0;
    for (const NamedTensor& t : c.tensors) {
      blocks.push_back({first, t.values.size()});
      first += t.values.size();
      for (double& v : t.values) at_.push_back(&v);
    }
  }

  std::vector<std::pair<std::size_t, std::size_t>> blocks;  ///< first entry, number of entries

  std::size_t size() const { return at_.size(); }
  double x(std::size_t i) const { return *at_[i]; }
  double value() const { return case_.forward().front(); }
  /// With entry i moved by h.
  double moved(std::size_t i, double h) const {
    const double before = *at_[i];
    *at_[i] = before + h;
    const double f = value();
    *at_[i] = before;
    return f;
  }
  /// With everything moved by t u.
  double along(const std::vector<double>& u, double t) const {
    std::vector<double> before;
    for (double* v : at_) before.push_back(*v);
    for (std::size_t i = 0; i < at_.size(); ++i) *at_[i] += t * u[i];
    const double f = value();
    for (std::size_t i = 0; i < at_.size(); ++i) *at_[i] = before[i];
    return f;
  }
  double central(std::size_t i, double h) const { return (moved(i, h) - moved(i, -h)) / (2 * h); }
  double central(const std::vector<double>& u, double h) const {
    return (along(u, h) - along(u, -h)) / (2 * h);
  }
  std::vector<double> gradient() const {
    TensorGradients g(case_.tensors);
    (void)value();
    const double one = 1;
    case_.backward({&one, 1}, g);
    std::vector<double> flat;
    for (std::size_t t = 0; t < g.size(); ++t)
      flat.insert(flat.end(), g.at(t).begin(), g.at(t).end());
    return flat;
  }

 private:
  const Case& case_;
  std::vector<double*> at_;
};

}  // namespace longhand::study
