// SPDX-License-Identifier: MIT
#pragma once
#if __has_include(<catch2/catch_test_macros.hpp>)
#include <catch2/catch_test_macros.hpp>
#else
#include <catch2/catch.hpp>
#endif

/// Passes, or fails with the text of a report (GradientReport, PowerReport).
#define LONGHAND_CHECK(...)                    \
  do {                                         \
    const auto& longhand_report = __VA_ARGS__; \
    INFO(longhand_report.text());              \
    CHECK(longhand_report.passed());           \
  } while (false)
