// SPDX-License-Identifier: MIT
#include "longhand/train/kept_epoch.hpp"

#include <cmath>
#include <random>
#include <tuple>
#include <vector>

#include "longhand/backend/cpu.hpp"
#include "longhand/backend/reference.hpp"
#include "math/formulas.hpp"

using namespace longhand;
using namespace longhand::test;

namespace {

ParamLayout seven_numbers() {
  ParamLayout layout;
  layout.add({.inner = {7}, .outputs = 1, .fan_in = 7, .parts = {{"weight", 0, 1}}});
  return layout;
}

/// A training that only reports: the weights of an epoch tell its number.
template <class B>
struct Training {
  B backend;
  ParamLayout layout = seven_numbers();
  Params<B> theta{layout};
  KeptEpoch<B> kept;
  std::vector<Selection> seen = {};

  explicit Training(double tolerance) : kept(layout, tolerance) {}
  Training(const Training&) = delete;

  /// The next epoch, from 1.
  bool enter(double loss, double tie_break) {
    seen.push_back({loss, tie_break});
    const auto epoch = static_cast<Index>(seen.size());
    write(epoch);
    return kept.enter(backend, epoch, seen.back(), theta.flat());
  }
  /// Whether these are the epoch kept and its very weights, which are brought back over others.
  bool keeps(Index epoch) {
    if (kept.epoch() != epoch) return false;
    write(-1);
    kept.restore(backend, theta.flat());
    for (Index i = 0; i < 7; ++i)
      if (theta.flat()(i, 0) != weight(epoch, i)) return false;
    return true;
  }

 private:
  static typename B::Scalar weight(Index epoch, Index i) {
    return typename B::Scalar(std::sin(double(7 * epoch + i)));
  }
  void write(Index epoch) {
    for (Index i = 0; i < 7; ++i) theta.flat()(i, 0) = weight(epoch, i);
  }
};

/// The rule itself, from the whole history: 0 if there is no epoch to keep.
Index best_of(const std::vector<Selection>& seen, double tolerance) {
  const auto counts = [](const Selection& s) {
    return std::isfinite(s.loss) && std::isfinite(s.tie_break);
  };
  double least = kInf;
  for (const Selection& s : seen)
    if (counts(s)) least = std::min(least, s.loss);
  std::tuple<double, double, Index> best{kInf, kInf, 0};
  for (std::size_t e = 0; e < seen.size(); ++e)
    if (counts(seen[e]) && seen[e].loss <= least + tolerance * std::abs(least))
      best = std::min(best, {seen[e].tie_break, seen[e].loss, static_cast<Index>(e + 1)});
  return std::get<2>(best);
}

}  // namespace

TEST_CASE_TEMPLATE("kept epoch: the five epochs of the page [ADV-14]", B, Reference<double>,
                   Cpu<float>) {
  Training<B> training(0.02);
  CHECK(training.kept.epoch() == 0);
  const auto epoch = [&](double loss, double mmd, Index kept) {
    const bool is_best = training.enter(loss, mmd);
    check_worked("adv_kept(epoch)", double(training.kept.epoch()), double(kept));
    CHECK(training.keeps(kept));
    CHECK(is_best == (kept == Index(training.seen.size())));
  };
  epoch(104, 0.05, 1);
  epoch(101, 0.004, 2);
  epoch(100, 0.01, 2);
  epoch(103, 0.001, 2);
  epoch(98.5, 0.02, 3);  // 2 is out, and 3 comes back as it was
}

TEST_CASE("kept epoch: without a tolerance the least loss, the first of equals [ADV-14]") {
  using B = Reference<float>;
  Training<B> training(0);
  CHECK(training.enter(3, 0));
  CHECK(training.enter(2, 0));
  CHECK(!training.enter(2, 0));
  CHECK(training.keeps(2));
  CHECK(!training.enter(2.5, -100));  // what breaks ties breaks nothing else
  CHECK(training.keeps(2));
  CHECK(training.enter(2, -1));
  CHECK(training.keeps(5));
  CHECK(training.enter(1, 7));
  CHECK(training.keeps(6));
}

TEST_CASE("kept epoch: of equals within the tolerance the better loss, then the first [ADV-14]") {
  using B = Reference<float>;
  Training<B> training(0.1);
  CHECK(training.enter(10.5, 1));
  CHECK(training.enter(10, 1));
  CHECK(!training.enter(10, 1));
  CHECK(!training.enter(10.2, 1));
  CHECK(training.keeps(2));
  CHECK(training.enter(10.5, 0.5));
  CHECK(training.keeps(5));
}

TEST_CASE("kept epoch: what is not finite never wins and moves no limit [ADV-14]") {
  using B = Reference<float>;
  Training<B> training(0.02);
  for (const double bad : {kNan, kInf, -kInf}) {
    CHECK(!training.enter(bad, 0));
    CHECK(!training.enter(-1000, bad));
    CHECK(training.kept.epoch() == 0);
  }
  CHECK(training.enter(100, 0.5));
  CHECK(training.keeps(7));
  for (const double bad : {kNan, kInf, -kInf}) {
    CHECK(!training.enter(bad, 0));
    CHECK(!training.enter(-1000, bad));
    CHECK(training.keeps(7));
  }
  CHECK(training.enter(101.5, 0.25));  // within 2% of 100, which is still the least
  CHECK(training.keeps(14));
}

TEST_CASE("kept epoch: a fraction of a negative loss is a fraction of its size [ADV-14]") {
  using B = Reference<float>;
  Training<B> training(0.02);
  CHECK(training.enter(-200, 0.5));
  CHECK(training.enter(-196.5, 0.25));  // the limit is -196
  CHECK(training.keeps(2));
  CHECK(!training.enter(-195.5, 0.125));
  CHECK(training.keeps(2));
  CHECK(training.enter(-201, 0.3));  // the limit is -196.98
  CHECK(training.keeps(4));
  Training<B> around_zero(0.02);
  CHECK(around_zero.enter(1, 0.1));
  CHECK(around_zero.enter(0, 0.2));  // 0 has no 2%
  CHECK(!around_zero.enter(0.001, 0.1));
  CHECK(around_zero.keeps(2));
}

TEST_CASE_TEMPLATE("kept epoch: the rule and the weights over many trainings [ADV-14]", B,
                   Reference<double>, Cpu<float>) {
  std::mt19937_64 random(6);
  const auto among = [&](std::uint64_t count) { return double(random() % count); };
  for (const double tolerance : {0.0, 0.02, 0.3})
    for (const double middle : {100.0, 0.0, -100.0})
      for (int t = 0; t < 60; ++t) {
        Training<B> training(tolerance);
        for (int e = 0; e < 20; ++e) {
          // Few different numbers, so that there are equals, and losses that fall on the whole.
          const double loss = middle + among(12) - e;
          const bool is_best = training.enter(loss, among(20) == 0 ? kNan : 0.01 * among(8));
          const Index want = best_of(training.seen, tolerance);
          CHECK(is_best == (want == Index(training.seen.size())));
          const bool right = want == 0 ? training.kept.epoch() == 0 : training.keeps(want);
          CHECK(right);
          if (!right) return;
        }
      }
}
