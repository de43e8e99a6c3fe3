// SPDX-License-Identifier: MIT
#include "longhand/uses/windows.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

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
