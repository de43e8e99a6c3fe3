// SPDX-License-Identifier: MIT
// Eigen/Core, the one way longhand includes it.
#pragma once

#include <cstdio>
#include <cstdlib>

#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
#pragma GCC diagnostic push  // g++ 12 finds its own AVX-512 intrinsics uninitialised
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <Eigen/Core>
#pragma GCC diagnostic pop
#else
#include <Eigen/Core>
#endif

// Says so while compiling, where a program is to be fast and is not; -DLONGHAND_QUIET silences it.
#if defined(__OPTIMIZE__) && defined(__x86_64__) && !defined(__AVX__) && !defined(__clang__) && \
    !defined(LONGHAND_QUIET)  // (to clang a message is a warning)
#pragma message("longhand: compiled for any x86-64; with -march=native it is about 4 times as fast")
#endif

namespace longhand {

namespace detail {
/// How Eigen's types are aligned in the file that was initialised first; one for the whole program.
inline int alignment_of_program = 0;

/// Objects of one program must agree on it: a fixed-size matrix that one of them makes would crash
/// another, sooner or later.
inline bool require_alignment(int alignment) {
  if (alignment_of_program == 0) alignment_of_program = alignment;
  if (alignment_of_program == alignment) return true;
  std::fprintf(stderr,
               "longhand: parts of this program align Eigen's types to %d bytes and parts to %d: "
               "compile all of them with the same -march\n",
               alignment_of_program, alignment);
  std::abort();
}
[[maybe_unused]] static const bool alignment_agrees =
    require_alignment(EIGEN_MAX_STATIC_ALIGN_BYTES);
}  // namespace detail

/// A matrix of Eigen's whose columns lie one after the other, also in a program that makes rows the
/// default (EIGEN_DEFAULT_TO_ROW_MAJOR). Every matrix that longhand keeps is one.
template <class S>
using ColumnMajor = Eigen::Matrix<S, Eigen::Dynamic, Eigen::Dynamic, Eigen::ColMajor>;

}  // namespace longhand
