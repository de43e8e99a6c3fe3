// SPDX-License-Identifier: MIT
#pragma once

/// The version of this copy of longhand. These three numbers are the only place where it is written
/// by hand; the build files check themselves against them.
#define LONGHAND_VERSION_MAJOR 0
#define LONGHAND_VERSION_MINOR 1
#define LONGHAND_VERSION_PATCH 0

#define LONGHAND_VERSION_TEXT_(major, minor, patch) #major "." #minor "." #patch
#define LONGHAND_VERSION_TEXT(major, minor, patch) LONGHAND_VERSION_TEXT_(major, minor, patch)

namespace longhand {

/// "major.minor.patch"
inline constexpr const char version[] =
    LONGHAND_VERSION_TEXT(LONGHAND_VERSION_MAJOR, LONGHAND_VERSION_MINOR, LONGHAND_VERSION_PATCH);

}  // namespace longhand

#undef LONGHAND_VERSION_TEXT
#undef LONGHAND_VERSION_TEXT_
