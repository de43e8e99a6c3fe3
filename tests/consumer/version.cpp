// SPDX-License-Identifier: MIT
#include <cstdio>
#include <longhand/core/version.hpp>

int main() { std::printf("longhand %s\n", longhand::version); }
