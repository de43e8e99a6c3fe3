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
  const Schedule warmup = Schedule::linear(0, 4, 10);
  CHECK(warmup.at(0) == 0);
  CHECK(near(warmup.at(1), 0.4));
  CHECK(near(warmup.at(5), 2));
  CHECK(near(warmup.at(9), 3.6));
  CHECK(warmup.at(10) == 4);
  CHECK(warmup.at(1000) == 4);
  CHECK(Schedule::linear(0, 4, 0).at(0) == 4);  // no warm-up
  CHECK(!warmup.complete(0));
  CHECK(!warmup.complete(9));
  CHECK(warmup.complete(10));
  CHECK(warmup.complete(11));
  CHECK(Schedule::linear(0, 4, 0).complete(0));
}

TEST_CASE("schedule: a warm-up from 0 has the bits of beta t / T [ELBO-5]") {
  for (const double beta : {0.1, 1.0, 4.0, 1e-3, 7.3})
    for (const Index steps : {1, 3, 7, 100, 12345}) {
      const Schedule warmup = Schedule::linear(0, beta, steps);
      for (Index t = 0; t < 2 * steps; t += 1 + steps / 50) {
        const double want =
            t < steps ? beta * static_cast<double>(t) / static_cast<double>(steps) : beta;
        CHECK(warmup.at(t) == want);
      }
    }
}

TEST_CASE("schedule: trainings and warm-ups of one step; the full weight to the bit [ELBO-5]") {
  const LearningRateSchedule schedule{.kind = Kind::cosine, .total = 1};  // [OPT-13]
  CHECK(schedule.factor(0) == 1);
  CHECK(near(schedule.factor(1), 0));
  CHECK(Schedule::linear(0, 4, 1).at(0) == 0);
  CHECK(Schedule::linear(0, 4, 1).at(1) == 4);
  CHECK(Schedule::linear(0, 0.1, 3).at(3) == 0.1);  // and not 0.1 * 3 / 3, which is another number
}

TEST_CASE("schedule: lines from anywhere, down as well as up") {
  const Schedule down = Schedule::linear(5, 1, 4);
  CHECK(down.at(0) == 5);
  CHECK(down.at(1) == 4);
  CHECK(down.at(3) == 2);
  CHECK(down.at(4) == 1);
  CHECK(down.at(9) == 1);
  CHECK(!down.complete(3));
  CHECK(down.complete(4));
}

TEST_CASE("schedule: exponential decay stops at its least") {
  const Schedule tau = Schedule::exponential(2, 0.5, 0.1);
  CHECK(tau.at(0) == 2);
  for (const Index t : {1, 5, 13}) CHECK(tau.at(t) == 2 * std::exp(-0.1 * static_cast<double>(t)));
  CHECK(tau.at(13) > 0.5);  // e^(-1.386…) = 1/4
  CHECK(tau.at(14) == 0.5);
  CHECK(tau.at(1000000) == 0.5);
  CHECK(!tau.complete(13));
  CHECK(tau.complete(14));
  CHECK(!Schedule::exponential(1, 0.1, 0).complete(1000000));  // it never moves
}

TEST_CASE("schedule: a constant is there from the first step") {
  const Schedule one = Schedule::constant(0.7);
  for (const Index t : {0, 1, 1000000}) {
    CHECK(one.at(t) == 0.7);
    CHECK(one.complete(t));
  }
  CHECK(Schedule{}.at(5) == 1);
}

TEST_CASE("schedules: a temperature is a function of the step alone [CAT-12] [CAT-13]") {
  const Schedule planned = Schedule::exponential(1, 0.5, 0).planned(1000);
  CHECK(planned.rate == doctest::Approx(0.0013862943611198906).epsilon(1e-15));
  CHECK(planned.at(0) == 1);
  CHECK(planned.at(1) == doctest::Approx(0.99861466599).epsilon(1e-10));
  CHECK(planned.at(250) == doctest::Approx(0.70710678118654752).epsilon(1e-14));
  CHECK(planned.at(500) == doctest::Approx(0.5).epsilon(1e-14));
  CHECK(planned.at(999) == 0.5);
  CHECK(planned.complete(501));
  CHECK_FALSE(planned.complete(250));
  CHECK(Schedule::exponential(1, 0.5, 0.1).planned(1000).rate == 0.1);  // one that was given stays
  CHECK(Schedule::exponential(0.5, 0.5, 0).planned(1000).at(0) == 0.5);
}
