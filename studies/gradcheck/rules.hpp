// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "draw.hpp"
#include "problem.hpp"

/// The rules by which other checkers accept a gradient, re-implemented from what they document,
/// with their default steps and tolerances, in double. Not their code, and not a judgement of
/// projects whose users may set tolerances: it shows what a fixed tolerance does.
namespace longhand::study {

inline constexpr double kEpsilon = std::numeric_limits<double>::epsilon();

class Rule {
 public:
  virtual ~Rule() = default;
  virtual const char* name() const = 0;
  /// Differences the function, once per case.
  virtual void measure(const Problem& p, Draw& draw) = 0;
  /// Whether the rule rejects g as the gradient of the function measured.
  virtual bool rejects(const std::vector<double>& g) const = 0;

 protected:
  static double dot(const std::vector<double>& a, const std::vector<double>& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
    return sum;
  }
  static double norm(const std::vector<double>& a) { return std::sqrt(dot(a, a)); }
};

/// Rules that look at one entry after the other.
class EntryRule : public Rule {
 public:
  void measure(const Problem& p, Draw&) override {
    numeric_.clear();
    for (std::size_t i = 0; i < p.size(); ++i) numeric_.push_back(difference(p, i));
  }
  bool rejects(const std::vector<double>& g) const override {
    for (std::size_t i = 0; i < g.size(); ++i)
      if (!accepts(g[i], numeric_[i])) return true;
    return false;
  }

 protected:
  virtual double difference(const Problem& p, std::size_t i) const = 0;
  virtual bool accepts(double analytic, double numeric) const = 0;
  std::vector<double> numeric_;
};

/// torch.autograd.gradcheck: eps 1e-6, atol 1e-5, rtol 1e-3.
class TorchSlow : public EntryRule {
 public:
  const char* name() const override { return "torch slow"; }

 protected:
  double difference(const Problem& p, std::size_t i) const override { return p.central(i, 1e-6); }
  bool accepts(double a, double n) const override {
    return std::fabs(a - n) <= 1e-5 + 1e-3 * std::fabs(n);
  }
};

/// torch.autograd.gradcheck(fast_mode=True): one random direction with positive entries per tensor,
/// the absolute tolerance times the sum of its entries.
class TorchFast : public Rule {
 public:
  const char* name() const override { return "torch fast"; }
  void measure(const Problem& p, Draw& draw) override {
    directions_.clear(), numeric_.clear();
    for (const auto& [first, count] : p.blocks) {
      if (count == 0) continue;
      std::vector<double> u(p.size(), 0.0);
      for (std::size_t i = 0; i < count; ++i) u[first + i] = draw.uniform();
      const double length = norm(u);
      for (double& v : u) v /= length;
      numeric_.push_back(p.central(u, 1e-6));
      directions_.push_back(std::move(u));
    }
  }
  bool rejects(const std::vector<double>& g) const override {
    for (std::size_t k = 0; k < directions_.size(); ++k) {
      double sum = 0;
      for (const double v : directions_[k]) sum += v;
      if (!(std::fabs(dot(g, directions_[k]) - numeric_[k]) <=
            1e-5 * sum + 1e-3 * std::fabs(numeric_[k])))
        return true;
    }
    return false;
  }

 private:
  std::vector<std::vector<double>> directions_;
  std::vector<double> numeric_;
};

/// Rules that look at one random direction through all tensors.
class DirectionRule : public Rule {
 public:
  void measure(const Problem& p, Draw& draw) override {
    direction_ = direction(p, draw);
    numeric_ = p.central(direction_, step());
  }
  bool rejects(const std::vector<double>& g) const override {
    return !(std::fabs(dot(g, direction_) - numeric_) <= 1e-5 + relative() * std::fabs(numeric_));
  }

 protected:
  virtual double step() const = 0;
  virtual double relative() const = 0;
  virtual std::vector<double> direction(const Problem& p, Draw& draw) const {
    std::vector<double> u(p.size());
    for (double& v : u) v = draw.normal();
    return u;
  }

 private:
  std::vector<double> direction_;
  double numeric_ = 0;
};

/// jax.test_util.check_grads: eps 1e-4, atol and rtol 1e-5 in double.
class Jax : public DirectionRule {
 public:
  const char* name() const override { return "JAX"; }

 protected:
  double step() const override { return 1e-4; }
  double relative() const override { return 1e-5; }
};

/// chainer.gradient_check.check_backward: eps 1e-3, atol 1e-5, rtol 1e-4, a unit direction without
/// entries near 0. (Its test for points that are not differentiable is left out: it ends a check
/// with an error of its own.)
class Chainer : public DirectionRule {
 public:
  const char* name() const override { return "Chainer"; }

 protected:
  double step() const override { return 1e-3; }
  double relative() const override { return 1e-4; }
  std::vector<double> direction(const Problem& p, Draw& draw) const override {
    std::vector<double> u = DirectionRule::direction(p, draw);
    const double squares = dot(u, u), n = static_cast<double>(u.size());
    for (double& v : u) v = std::copysign(std::sqrt(0.99 / squares * v * v + 0.01 / n), v);
    return u;
  }
};

/// ceres::GradientChecker with Ridders' method: first step 1e-2 |x| x 2^5, at most 10 halvings,
/// relative precision 1e-8 (the solver's default), absolute where one of the two is 0.
class Ceres : public EntryRule {
 public:
  const char* name() const override { return "Ceres"; }

 protected:
  double difference(const Problem& p, std::size_t i) const override {
    double step = std::max(1e-2, std::fabs(p.x(i)) * 1e-2) * 32;
    std::vector<double> row(10), above(10);
    double error = std::numeric_limits<double>::max(), result = 0;
    for (std::size_t k = 0; k < 10; ++k, std::swap(row, above)) {
      row[0] = p.central(i, step);
      if (k == 0) result = row[0];
      step /= 2;
      double power = 4;
      for (std::size_t j = 1; j <= k; ++j, power *= 4) {
        row[j] = (power * row[j - 1] - above[j - 1]) / (power - 1);
        const double here =
            std::max(std::fabs(row[j] - row[j - 1]), std::fabs(row[j] - above[j - 1]));
        if (here > error) continue;
        error = here, result = row[j];
        if (error < 1e-12) return result;
      }
      if (k > 0 && std::fabs(row[k] - above[k - 1]) >= 2 * error) break;
    }
    return result;
  }
  bool accepts(double a, double n) const override {
    const double gap = std::fabs(a - n);
    return (a == 0 || n == 0 ? gap : gap / std::max(std::fabs(a), std::fabs(n))) < 1e-8;
  }
};

/// Caffe's GradientChecker(1e-2, 1e-3): error beside the larger of the two numbers and 1. (Caffe
/// computes in float.)
class Caffe : public EntryRule {
 public:
  const char* name() const override { return "Caffe"; }

 protected:
  double difference(const Problem& p, std::size_t i) const override { return p.central(i, 1e-2); }
  bool accepts(double a, double n) const override {
    return std::fabs(a - n) <= 1e-3 * std::max({std::fabs(a), std::fabs(n), 1.0});
  }
};

/// dlib's test_layer: step x/100; wrong if relative error > 5% and absolute > 0.006, or if the mean
/// relative error is above 0.3%. (dlib computes in float.)
class Dlib : public EntryRule {
 public:
  const char* name() const override { return "dlib"; }
  bool rejects(const std::vector<double>& g) const override {
    if (EntryRule::rejects(g)) return true;
    double sum = 0;
    for (std::size_t i = 0; i < g.size(); ++i) sum += std::fabs(relative(g[i], numeric_[i]));
    return sum > 0.003 * static_cast<double>(g.size());
  }

 protected:
  double difference(const Problem& p, std::size_t i) const override {
    return p.central(i, p.x(i) == 0 ? 0.01 : 0.01 * p.x(i));
  }
  bool accepts(double a, double n) const override {
    return !(std::fabs(relative(a, n)) > 0.05 && std::fabs(n - a) > 0.006);
  }

 private:
  static double relative(double a, double n) { return n * a != 0 ? (n - a) / n : n - a; }
};

/// Stan's expect_ad: 6 points, step eps^(1/7) max(1, |x|), relative 1e-4 of the mean magnitude, at
/// least 1e-8.
class Stan : public EntryRule {
 public:
  const char* name() const override { return "Stan"; }

 protected:
  double difference(const Problem& p, std::size_t i) const override {
    const double h = std::pow(kEpsilon, 1.0 / 7) * std::max(1.0, std::fabs(p.x(i)));
    return 1.5 * p.central(i, h) - 0.6 * p.central(i, 2 * h) + 0.1 * p.central(i, 3 * h);
  }
  bool accepts(double a, double n) const override {
    return std::fabs(a - n) <= std::max(1e-4 * 0.5 * (std::fabs(a) + std::fabs(n)), 1e-8);
  }
};

/// scipy.optimize's check_derivative with 3 points: step eps^(1/3) max(1, |x|); its documentation
/// calls an accuracy of 1e-6 likely right.
class Scipy : public EntryRule {
 public:
  const char* name() const override { return "scipy"; }

 protected:
  double difference(const Problem& p, std::size_t i) const override {
    return p.central(i, std::cbrt(kEpsilon) * std::max(1.0, std::fabs(p.x(i))));
  }
  bool accepts(double a, double n) const override {
    return std::fabs(a - n) / std::max(1.0, std::fabs(n)) <= 1e-6;
  }
};

/// ChainRulesTestUtils with FiniteDifferences' central_fdm(5, 1; max_range = 1e-2): an adaptive
/// step from an estimate of the fifth derivative, rtol and atol 1e-9 on the norm of a whole array.
class ChainRules : public Rule {
 public:
  const char* name() const override { return "ChainRules"; }
  void measure(const Problem& p, Draw&) override {
    blocks_ = p.blocks;
    numeric_.clear();
    for (std::size_t i = 0; i < p.size(); ++i) numeric_.push_back(difference(p, i));
  }
  bool rejects(const std::vector<double>& g) const override {
    for (const auto& [first, count] : blocks_) {
      double gap = 0, a = 0, n = 0;
      for (std::size_t i = first; i < first + count; ++i) {
        gap += (g[i] - numeric_[i]) * (g[i] - numeric_[i]);
        a += g[i] * g[i], n += numeric_[i] * numeric_[i];
      }
      if (!(std::sqrt(gap) <= std::max(1e-9, 1e-9 * std::sqrt(std::max(a, n))))) return true;
    }
    return false;
  }

 private:
  static double difference(const Problem& p, std::size_t i) {
    constexpr double fifth[] = {-0.5, 2, -2.5, 0, 2.5, -2, 0.5},
                     sixth[] = {1, -6, 15, -20, 15, -6, 1};
    constexpr double first[] = {1.0 / 12, -8.0 / 12, 0, 8.0 / 12, -1.0 / 12};
    // The step of the estimate of the fifth derivative: rounding against the next term,
    // condition 10.
    double rounding = 0, next = 0;
    for (int k = 0; k < 7; ++k) {
      rounding += std::fabs(fifth[k]);
      next += std::fabs(fifth[k] * std::pow(k - 3, 7)) / 5040;
    }
    const double wide =
        std::min(std::pow(2.5 * kEpsilon * rounding / (10 * next), 1.0 / 7), 1e-2 / 3);
    double d5 = 0, d6 = 0, size = 0;
    for (int k = 0; k < 7; ++k) {
      const double f = p.moved(i, wide * (k - 3));
      d5 += fifth[k] * f, d6 += sixth[k] * f;
      size = std::max(size, std::fabs(f));
    }
    d5 /= std::pow(wide, 5), d6 /= std::pow(wide, 6);
    const double magnitude =
        std::max({std::fabs(d5), std::fabs(d5 + wide * d6), std::fabs(d5 - wide * d6)});
    double term = 0, sum = 0;
    for (int k = 0; k < 5; ++k) {
      term += std::fabs(first[k] * std::pow(k - 2, 5)) / 120;
      sum += std::fabs(first[k]);
    }
    const double usual = std::pow(0.25 * kEpsilon * sum / (10 * term), 0.2);
    const double ulp = std::nextafter(size, std::numeric_limits<double>::infinity()) - size;
    double step =
        magnitude == 0 || size == 0 ? usual : std::pow(0.25 * ulp * sum / (magnitude * term), 0.2);
    step = std::min({step, 1e-2 / 2, 1000 * usual});
    double d = 0;
    for (int k = 0; k < 5; ++k)
      if (first[k] != 0) d += first[k] * p.moved(i, step * (k - 2));
    return d / step;
  }

  std::vector<std::pair<std::size_t, std::size_t>> blocks_;
  std::vector<double> numeric_;
};

inline std::vector<std::unique_ptr<Rule>> rules_of_others() {
  std::vector<std::unique_ptr<Rule>> all;
  all.push_back(std::make_unique<TorchSlow>());
  all.push_back(std::make_unique<TorchFast>());
  all.push_back(std::make_unique<Jax>());
  all.push_back(std::make_unique<Ceres>());
  all.push_back(std::make_unique<Caffe>());
  all.push_back(std::make_unique<Dlib>());
  all.push_back(std::make_unique<Stan>());
  all.push_back(std::make_unique<Chainer>());
  all.push_back(std::make_unique<Scipy>());
  all.push_back(std::make_unique<ChainRules>());
  return all;
}

}  // namespace longhand::study
