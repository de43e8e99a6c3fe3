// SPDX-License-Identifier: MIT
#pragma once
#include "longhand/core/macros.hpp"

/// What is added to a product to make an affine map (docs/derivations/dense.md).
namespace longhand {

/// What follows the product of a linear layer, element by element. Engines of products may know how
/// to do it on the way (backend/bias_alone.hpp).
struct AddBias {
  template <class T>
  LONGHAND_HD void operator()(const T& product, const T& b, T& y) const {
    y = product + b;  // [DEN-1]
  }
};

}  // namespace longhand
