// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace longhand {

/// Something to differentiate by: borrowed numbers, column-major with `rows` rows (0 = one column).
/// The checker moves them and puts them back bit by bit.
struct NamedTensor {
  std::string name;
  std::span<double> values;
  std::size_t rows = 0;

  std::size_t row_count() const { return rows > 0 ? rows : values.size(); }
  std::size_t col_count() const { return row_count() > 0 ? values.size() / row_count() : 0; }
};

/// What backward gets: dL/doutput for every output, random, never near 0 and never all the same.
using Cotangent = std::span<const double>;

/// Where a backward puts dL/dtensor, by the tensor's name. Filled with NaN before each call, so
/// that an entry nobody assigns is seen.
class TensorGradients {
 public:
  explicit TensorGradients(const std::vector<NamedTensor>& tensors) {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    for (const NamedTensor& t : tensors)
      gradients_.emplace_back(t.name, std::vector<double>(t.values.size(), nan));
  }

  /// Throws std::invalid_argument for a name that is not checked; the check then fails saying so.
  std::span<double> operator[](std::string_view name) {
    for (auto& [own, gradient] : gradients_)
      if (own == name) return gradient;
    throw std::invalid_argument("backward gives a gradient of '" + std::string(name) +
                                "', but no tensor has that name");
  }
  /// Copies a gradient held elsewhere. Throws std::invalid_argument if its size is not the
  /// tensor's.
  void assign(std::string_view name, std::span<const double> gradient) {
    const std::span<double> own = (*this)[name];
    if (own.size() != gradient.size())
      throw std::invalid_argument("backward gives " + std::to_string(gradient.size()) +
                                  " numbers as the gradient of '" + std::string(name) +
                                  "', which has " + std::to_string(own.size()) + " entries");
    std::copy(gradient.begin(), gradient.end(), own.begin());
  }

  std::size_t size() const { return gradients_.size(); }
  /// The gradient of tensor k, in the order of the tensors.
  std::span<double> at(std::size_t k) { return gradients_[k].second; }
  std::span<const double> at(std::size_t k) const { return gradients_[k].second; }

 private:
  std::vector<std::pair<std::string, std::vector<double>>> gradients_;
};

}  // namespace longhand
