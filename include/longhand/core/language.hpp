// SPDX-License-Identifier: MIT
// Says in one sentence what a compiler of an older language would say in a thousand.
#pragma once

#if (defined(_MSVC_LANG) ? _MSVC_LANG : __cplusplus) < 202002L
#error "longhand needs C++20: compile with -std=c++20 or later"
#endif
