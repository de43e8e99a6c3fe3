// SPDX-License-Identifier: MIT
#include <longhand/gradcheck/catch2.hpp>

#include "adapter.hpp"

TEST_CASE("right") { LONGHAND_CHECK(check_cube(3)); }
TEST_CASE("wrong") { LONGHAND_CHECK(check_cube(6)); }
