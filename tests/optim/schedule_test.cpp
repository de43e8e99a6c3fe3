// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <longhand/optim/schedule.hpp>

using namespace longhand;
using Kind = LearningRateSchedule::Kind;

namespace {

bool near(double got, double want) { return std::abs(got - want) <= 1e-15; }

}  // namespace

TEST_CASE("schedule: constant [OPT-11]") {
  const LearningRateSchedule schedule;
  for (const Index t : {0, 1, 1000000}) CHECK(schedule.factor(t) == 1);
}

TEST_CASE("schedule: worked numbers, steps [OPT-12]") {
  const LearningRateSchedule schedule{.kind = Kind::step, .every = 10, .gamma = 0.5};
  CHECK(near(0.1 * schedule.factor(0), 0.1));
  CHECK(near(0.1 * schedule.factor(9), 0.1));
  CHECK(near(0.1 * schedule.factor(10), 0.05));
  CHECK(near(0.1 * schedule.factor(25), 0.025));
}

TEST_CASE("schedule: worked numbers, cosine; beyond its end it stays 0 [OPT-13]") {
  const LearningRateSchedule schedule{.kind = Kind::cosine, .total = 100};
  CHECK(near(0.1 * schedule.factor(0), 0.1));
  CHECK(near(0.1 * schedule.factor(25), 0.08535533905932738));
  CHECK(near(0.1 * schedule.factor(50), 0.05));
  CHECK(near(0.1 * schedule.factor(75), 0.014644660940672623));
  CHECK(near(0.1 * schedule.factor(100), 0));
  CHECK(near(0.1 * schedule.factor(150), 0));
  CHECK(near(0.1 * schedule.factor(1000000), 0));
  CHECK(LearningRateSchedule{.kind = Kind::cosine}.factor(5) == 1);  // no length given yet
}

TEST_CASE("schedule: warm-up of the KL, counted in steps from 0 [ELBO-5]") {
  CHECK(kl_weight(4, 10, 0) == 0);
  CHECK(near(kl_weight(4, 10, 1), 0.4));
  CHECK(near(kl_weight(4, 10, 5), 2));
  CHECK(near(kl_weight(4, 10, 9), 3.6));
  CHECK(kl_weight(4, 10, 10) == 4);
  CHECK(kl_weight(4, 10, 1000) == 4);
  CHECK(kl_weight(4, 0, 0) == 4);  // no warm-up
}

TEST_CASE("schedule: trainings and warm-ups of one step; the full weight to the bit [ELBO-5]") {
  const LearningRateSchedule schedule{.kind = Kind::cosine, .total = 1};  // [OPT-13]
  CHECK(schedule.factor(0) == 1);
  CHECK(near(schedule.factor(1), 0));
  CHECK(kl_weight(4, 1, 0) == 0);
  CHECK(kl_weight(4, 1, 1) == 4);
  CHECK(kl_weight(0.1, 3, 3) == 0.1);  // and not 0.1 * 3 / 3, which is another number
}
