// SPDX-License-Identifier: MIT
#pragma once
#include <gtest/gtest.h>

/// Passes, or fails with the text of a report (GradientReport, PowerReport).
#define LONGHAND_CHECK(...)                                          \
  do {                                                               \
    const auto& longhand_report = __VA_ARGS__;                       \
    EXPECT_TRUE(longhand_report.passed()) << longhand_report.text(); \
  } while (false)
