// SPDX-License-Identifier: MIT
#pragma once
#include <type_traits>

#include "longhand/core/backend.hpp"
#include "longhand/math/affine.hpp"

namespace longhand {

/// The numbers that are added to the rows of C if that is all that follows its product, else null:
/// for engines of products that can add them on the way (cuBLASLt does).
template <class B, class Next>
const typename B::Scalar* bias_alone(const Next& next, ConstView<B> c) {
  if constexpr (std::is_same_v<Next, Then<B, AddBias, 2, 1>>) {
    const OperandOf<B>& product = next.inputs[0];
    const OperandOf<B>& bias = next.inputs[1];
    const bool in_place = product.data == c.data && next.outputs[0].data == c.data;
    return in_place && bias.row_step == 1 && bias.col_step == 0 ? bias.data : nullptr;
  } else {
    return nullptr;
  }
}

}  // namespace longhand
