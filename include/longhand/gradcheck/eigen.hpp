// SPDX-License-Identifier: MIT
#pragma once
#include <Eigen/Core>
#include <string>
#include <utility>

#include "longhand/gradcheck/tensors.hpp"

namespace longhand {

/// An Eigen matrix, array or map of doubles, without gaps, as a tensor of a check: borrowed.
template <class Derived>
NamedTensor tensor(std::string name, Eigen::DenseBase<Derived>& m) {
  static_assert(std::is_same_v<typename Derived::Scalar, double> && !Derived::IsRowMajor &&
                    Derived::InnerStrideAtCompileTime == 1,
                "the checker moves column-major doubles without gaps");
  static_assert(bool(Derived::Flags & Eigen::DirectAccessBit), "an expression cannot be moved");
  Derived& d = m.derived();
  if (d.cols() > 1 && d.outerStride() != d.rows())
    throw std::invalid_argument("tensor '" + name + "' has gaps between its columns");
  return {std::move(name),
          {d.data(), static_cast<std::size_t>(d.size())},
          static_cast<std::size_t>(d.rows())};
}

/// Hands an Eigen gradient to the checker: of any expression, evaluated column by column.
template <class Derived>
void assign(TensorGradients& to, std::string_view name, const Eigen::DenseBase<Derived>& gradient) {
  const Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic> flat = gradient.derived().matrix();
  to.assign(name, {flat.data(), static_cast<std::size_t>(flat.size())});
}

/// A cotangent as a matrix of the outputs' shape.
inline Eigen::Map<const Eigen::MatrixXd> matrix(Cotangent dy, Eigen::Index rows) {
  return {dy.data(), rows, static_cast<Eigen::Index>(dy.size()) / rows};
}

}  // namespace longhand
