// SPDX-License-Identifier: MIT
#include <longhand/gradcheck/gtest.hpp>

#include "adapter.hpp"

TEST(adapter, right) { LONGHAND_CHECK(check_cube(3)); }
TEST(adapter, wrong) { LONGHAND_CHECK(check_cube(6)); }
