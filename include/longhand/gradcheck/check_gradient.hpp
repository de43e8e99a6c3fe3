// SPDX-License-Identifier: MIT
// Judges a hand-derived gradient by differences whose error is computed, not guessed. Standard
// library only. docs/gradient_checking.md.
#pragma once

#include <concepts>
#include <functional>
#include <ranges>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "longhand/gradcheck/detail/engine.hpp"

#if defined(__FAST_MATH__)
#error \
    "a gradient check needs IEEE arithmetic: compile without -ffast-math (steps, bounds and NaN would not mean what they say)"
#endif

namespace longhand {

namespace detail {

template <class Y>
std::vector<double> outputs_of(const Y& y) {
  if constexpr (std::ranges::range<Y>) {
    static_assert(std::same_as<std::remove_cvref_t<std::ranges::range_value_t<Y>>, double>,
                  "forward must return its outputs in double: differences of float prove nothing. "
                  "For float, compare with double by rounding_bound.hpp");
    return {std::ranges::begin(y), std::ranges::end(y)};
  } else {
    static_assert(std::same_as<Y, double>, "forward must return a double or a range of double");
    return {y};
  }
}

}  // namespace detail

/// Checks a hand-derived gradient.
///
///     check_gradient("dense", {{"W", w, 3}, {"x", x, 4}},
///                    [&] { return forward(w, x); },                     // all outputs, flat
///                    [&](Cotangent dy, TensorGradients& g) {            // dL/dy is given
///                      backward(w, x, dy, g["W"], g["x"]);
///                    });
///
/// `forward` reads the tensors and returns a double or a range of doubles; `backward` turns the
/// cotangent of the outputs into the gradient of every tensor. For one double that is the loss
/// itself, `backward` may take the TensorGradients alone. Backward is always called after a forward
/// at the same inputs, so that it may use what that forward left.
///
/// There is no tolerance to choose. An entry passes when it lies within the computed error bound of
/// the differences; the bound, relative to the tensor's gradient, is reported as the resolution: an
/// error smaller than it could hide. At kinks the check moves to fresh points nearby. The report
/// never throws what went wrong: it says it.
template <class Forward, class Backward>
GradientReport check_gradient(std::string_view name, std::vector<NamedTensor> tensors,
                              Forward forward, Backward backward, CheckOptions options = {}) {
  constexpr bool scalar = std::invocable<Backward&, TensorGradients&>;
  static_assert(scalar || std::invocable<Backward&, Cotangent, TensorGradients&>,
                "backward must take (Cotangent, TensorGradients&), or (TensorGradients&) when "
                "forward returns one double");
  static_assert(!scalar || !std::ranges::range<std::invoke_result_t<Forward&>>,
                "a forward with several outputs needs a backward that takes their cotangent");
  return detail::run_check<void>(
      std::string(name), std::move(tensors),
      [forward = std::move(forward)]() mutable { return detail::outputs_of(forward()); },
      [backward = std::move(backward)](Cotangent dy, TensorGradients& g) mutable {
        if constexpr (scalar)
          backward(g);
        else
          backward(dy, g);
      },
      scalar, std::move(options));
}

}  // namespace longhand
