// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <longhand/core/version.hpp>
#include <string>

TEST_CASE("version: the text spells the three numbers") {
  const std::string numbers = std::to_string(LONGHAND_VERSION_MAJOR) + "." +
                              std::to_string(LONGHAND_VERSION_MINOR) + "." +
                              std::to_string(LONGHAND_VERSION_PATCH);
  CHECK(longhand::version == numbers);
}
