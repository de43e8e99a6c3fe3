// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "longhand/gradcheck/dual.hpp"
#include "longhand/gradcheck/tensors.hpp"

namespace longhand {

/// The tensors of a check as dual numbers, by name: what a templated forward reads.
class DualTensors {
 public:
  explicit DualTensors(const std::vector<NamedTensor>& tensors) {
    for (const NamedTensor& t : tensors)
      values_.emplace_back(t.name, std::vector<Dual>(t.values.begin(), t.values.end()));
  }
  /// Throws std::invalid_argument for a name that is not checked.
  std::span<const Dual> operator[](std::string_view name) const {
    for (const auto& [own, values] : values_)
      if (own == name) return values;
    throw std::invalid_argument("the dual forward asks for '" + std::string(name) +
                                "', but no tensor has that name");
  }
  std::span<Dual> at(std::size_t k) { return values_[k].second; }
  std::span<const Dual> at(std::size_t k) const { return values_[k].second; }

 private:
  std::vector<std::pair<std::string, std::vector<Dual>>> values_;
};

/// The forward of a check on dual numbers: it returns all outputs, flat, in the order of the
/// forward on doubles.
using DualForward = std::function<std::vector<Dual>(const DualTensors&)>;

/// A deliberate error, put into a right gradient to see whether a check notices (prove_power).
struct Corruption {
  std::string name;
  /// Spoils the gradients of one backward.
  std::function<void(const std::vector<NamedTensor>&, TensorGradients&)> apply;
  /// True: the gradient given to `apply` is that of other inputs, as from a stale cache.
  bool stale = false;
};

/// How to check. There is no tolerance: bounds are computed.
struct CheckOptions {
  std::uint64_t seed = 1;  ///< of cotangent, directions and fresh points
  DualForward dual = {};   ///< a second opinion by dual numbers
  /// Tensors with more entries are checked by directions that cover all entries, and by samples.
  std::size_t every_entry_up_to = 5000;
  const Corruption* corruption = nullptr;  ///< set by prove_power
};

}  // namespace longhand
