// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "model.hpp"

namespace longhand::cli {

/// One number of a condition as an option says it: a value, or `steps` of them from `low` to
/// `high`.
struct ConditionValue {
  std::string name;
  double low = 0, high = 0;
  Index steps = 1;

  double at(Index step) const {
    const double t = steps > 1 ? static_cast<double>(step) / static_cast<double>(steps - 1) : 0;
    return low + t * (high - low);
  }
};

/// "a=1.5,b=0:1:9" as {a, 1.5, 1.5, 1} and {b, 0, 1, 9}. Throws Failure (usage) for other text and
/// for a name that `model` does not know.
std::vector<ConditionValue> condition_values(const std::string& option, const Model& model);

/// The condition of a model at the means of the training data, once; no rows for a model whose
/// condition is no numbers.
Rows mean_condition(const Model& model);

/// Says which values are far from what the model was trained with.
void warn_of_far(const CommonOptions& common, const Model& model,
                 const std::vector<ConditionValue>& values);

/// Sets the number of one name in all rows of a condition: the value's steps in turn.
void set_condition(const Model& model, const ConditionValue& value, Rows& condition);

}  // namespace longhand::cli
