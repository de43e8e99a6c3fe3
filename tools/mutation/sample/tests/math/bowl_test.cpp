// SPDX-License-Identifier: MIT
#include "longhand/math/bowl.hpp"

#include <doctest/doctest.h>

TEST_CASE("bowl: value, and its slope") {
  double y, dx;
  longhand::Bowl{}.value_and_gradient(5.0, 2.0, 7.0, y, dx);
  CHECK(y == 31.5);
  CHECK(dx == 21);
}

TEST_CASE_TEMPLATE("bowl: the offset's slope, too simple a test", T, float, double) {
  T dc;
  longhand::Bowl{}.backward_offset(T(3), T(1), dc);
  CHECK(dc == -3);
}
