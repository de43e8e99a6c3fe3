// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace longhand {

struct NamedValue {
  std::string name;
  double value = 0;
};

/// Numbers under names, in an order. Few, so that a search is a walk.
class NamedValues : public std::vector<NamedValue> {
 public:
  using std::vector<NamedValue>::vector;

  bool has(std::string_view name) const { return find(name) != nullptr; }
  /// The number called `name`; `otherwise` where there is none.
  double get(std::string_view name, double otherwise = 0) const {
    const NamedValue* const found = find(name);
    return found == nullptr ? otherwise : found->value;
  }

 private:
  const NamedValue* find(std::string_view name) const {
    const auto found = std::ranges::find(*this, name, &NamedValue::name);
    return found == end() ? nullptr : &*found;
  }
};

}  // namespace longhand
