// SPDX-License-Identifier: MIT
// Eigen/Core, the one way longhand includes it.
#pragma once

#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
#pragma GCC diagnostic push  // g++ 12 finds its own AVX-512 intrinsics uninitialised
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <Eigen/Core>
#pragma GCC diagnostic pop
#else
#include <Eigen/Core>
#endif

namespace longhand {

/// A matrix of Eigen's whose columns lie one after the other, also in a program that makes rows the
/// default (EIGEN_DEFAULT_TO_ROW_MAJOR). Every matrix that longhand keeps is one.
template <class S>
using ColumnMajor = Eigen::Matrix<S, Eigen::Dynamic, Eigen::Dynamic, Eigen::ColMajor>;

}  // namespace longhand
