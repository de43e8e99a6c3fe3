// SPDX-License-Identifier: MIT
#include "compare.hpp"
namespace longhand::bench {
void run_compare(std::size_t, std::uint64_t) {}
void export_cases(const std::string&, std::size_t) {}
}  // namespace longhand::bench
