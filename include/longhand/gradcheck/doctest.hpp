// SPDX-License-Identifier: MIT
#pragma once
#include <doctest/doctest.h>

#include <string>

/// Passes, or fails with the text of a report (GradientReport, PowerReport).
#define LONGHAND_CHECK(...)                                   \
  do {                                                        \
    const auto& longhand_report = __VA_ARGS__;                \
    const std::string longhand_text = longhand_report.text(); \
    CHECK_MESSAGE(longhand_report.passed(), longhand_text);   \
  } while (false)
