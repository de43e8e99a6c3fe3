// SPDX-License-Identifier: MIT
// Catch2 before its third version compiles its main into a program; later it is a library.
#if !__has_include(<catch2/catch_test_macros.hpp>)
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
#endif
