// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "longhand/gradcheck/check_gradient.hpp"

namespace longhand::study {

/// A function with a hand-derived gradient, ready for the checker. What the functions read is owned
/// by `owner`.
struct Case {
  std::string family;
  std::vector<NamedTensor> tensors;
  std::function<std::vector<double>()> forward;
  std::function<void(Cotangent, TensorGradients&)> backward;
  DualForward dual = {};
  bool scalar = false;  ///< one output, the loss itself
  std::shared_ptr<void> owner = {};

  std::size_t entries() const {
    std::size_t n = 0;
    for (const NamedTensor& t : tensors) n += t.values.size();
    return n;
  }
};

/// The checker's verdict about `c`.
inline GradientReport judge(const Case& c, CheckOptions options = {}) {
  if (!c.scalar) return check_gradient(c.family, c.tensors, c.forward, c.backward, options);
  return check_gradient(
      c.family, c.tensors, [&] { return c.forward().front(); },
      [&](TensorGradients& g) {
        const double one = 1;
        c.backward({&one, 1}, g);
      },
      options);
}

}  // namespace longhand::study
