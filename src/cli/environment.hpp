// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>

#include "options.hpp"

namespace longhand::cli {

/// More threads than any machine that this program was tried on can use.
inline constexpr int kMostThreads = 1024;

/// OMP_NUM_THREADS, at most kMostThreads, else the physical cores this process may use: two threads
/// of one core share the unit that products need.
int default_threads();

/// What computes the CPU's products in float, as "Eigen 3.4.0".
std::string product_engine();

/// The widest instruction set that the CPU's models were compiled for, "avx2".
std::string instruction_set();
/// One that this processor has and that is wider; empty if there is none, and in builds that are
/// not for speed.
std::string wider_instruction_set();

/// What the numbers of a run may depend on, as JSON: version, compiler, instruction sets compiled
/// in, Eigen, device, threads, precision of products, seed, scalar.
std::string environment_json(const CommonOptions& common, const std::string& precision,
                             std::uint64_t seed, const std::string& scalar);

}  // namespace longhand::cli
