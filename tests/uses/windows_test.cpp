// SPDX-License-Identifier: MIT
#include "longhand/uses/windows.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <utility>
#include <vector>

using namespace longhand;

TEST_CASE("windows: cut and put together again") {
  // Five rows of two channels: t and 10 t.
  const std::vector<double> series{0, 0, 1, 10, 2, 20, 3, 30, 4, 40};
  const Windows every(5, 3, 1);
  CHECK(every.count() == 3);
  CHECK(every.covered() == 5);
  CHECK(every.cut(series, 2) ==
        std::vector<double>{0, 0, 1, 10, 2, 20, 1, 10, 2, 20, 3, 30, 2, 20, 3, 30, 4, 40});
  CHECK(every.mean(every.cut(series, 2), 2, -1) == series);

  const Windows apart(5, 2, 3);  // rows 0 1 and 3 4
  CHECK(apart.count() == 2);
  CHECK(apart.cut(series, 2) == std::vector<double>{0, 0, 1, 10, 3, 30, 4, 40});
  CHECK(apart.mean(apart.cut(series, 2), 2, -1) ==
        std::vector<double>{0, 0, 1, 10, -1, -1, 3, 30, 4, 40});

  const Windows some(6, 4, 3);  // one window: a second would need row 6
  CHECK(some.count() == 1);
  CHECK(some.covered() == 4);
}

TEST_CASE("windows: a row has the mean of what its windows say") {
  const Windows two(4, 3, 1);
  CHECK(two.mean({1, 2, 3, 10, 20, 30}, 1, 0) == std::vector<double>{1, 6, 11.5, 30});
}

TEST_CASE("windows: what makes no window is one sentence") {
  CHECK_THROWS_WITH(Windows(3, 4, 1), doctest::Contains("4 time steps, but the series only 3"));
  CHECK_THROWS_WITH(Windows(3, 0, 1), doctest::Contains("0 time steps"));
  CHECK_THROWS_WITH(Windows(3, 2, 0), doctest::Contains("stride of windows is 0"));
}

TEST_CASE("windows: a row's score, and its worst channel, from every window that has it") {
  // Four rows of two channels in windows of two from every row on; rows 1 and 2 are in two each.
  const Windows windows(4, 2, 1);
  const auto window = [](std::vector<OddFeature> blame) {
    Anomaly a;
    a.blame = std::move(blame);
    return a;
  };
  const std::vector<Anomaly> found{
      window({{0, 1, 0, 1}, {1, 9, 9, 0}, {2, 5, 2, 3}, {3, 7, 8, -1}}),
      // Channel 1 of row 2 was not observed, in neither of its windows; row 3 not at all.
      window({{0, 5, 4, 1}, {1, 7, 4, 3}, {2, 6, 2, 4}}), window({{0, 6, 4, 2}})};
  const std::vector<OddStep> steps = odd_steps(windows, 2, found);
  REQUIRE(steps.size() == 4);
  CHECK(steps[0].score == doctest::Approx(std::sqrt(0.5)));
  CHECK(steps[0].channel == 0);
  // Row 1: squares 9 and 1 in channel 0, 1 and 9 in channel 1: the first of equals.
  CHECK(steps[1].score == doctest::Approx(std::sqrt(5.0)));
  CHECK(steps[1].channel == 0);
  CHECK(steps[1].actual == 5);
  CHECK(steps[1].expected == 3);
  CHECK(steps[1].deviation == 2);
  CHECK(steps[2].score == doctest::Approx(std::sqrt(10.0)));  // of the channel that was observed
  CHECK(steps[2].channel == 0);
  CHECK(steps[2].covered);
  CHECK_FALSE(steps[3].covered);
  CHECK_THROWS_WITH(odd_steps(windows, 2, {}), doctest::Contains("0 anomalies, expected one"));
}
