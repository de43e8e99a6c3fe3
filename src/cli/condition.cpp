// SPDX-License-Identifier: MIT
#include "condition.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "failure.hpp"
#include "number.hpp"
#include "output.hpp"

namespace longhand::cli {
namespace {

Failure unreadable(const std::string& option, const std::string& part) {
  return Failure(ExitCode::usage, "--condition is '", option,
                 "', expected NAME=VALUE (in traverse ",
                 "also NAME=LOW:HIGH:STEPS, with 2 steps or more)",
                 part.empty() || part == option ? "" : " and not '" + part + "'");
}

/// The parts of a text between the places where a sign stands.
std::vector<std::string> split(const std::string& text, char sign) {
  std::vector<std::string> parts(1);
  for (const char c : text)
    if (c == sign)
      parts.emplace_back();
    else
      parts.back() += c;
  return parts;
}

std::string list_of(const std::vector<std::string>& names) {
  std::string all;
  for (const std::string& name : names) all += (all.empty() ? "" : ", ") + name;
  return all;
}

std::optional<double> finite(const std::string& text) {
  const std::optional<double> value = number(text);
  return value && std::isfinite(*value) ? value : std::nullopt;
}

ConditionValue value_in(const std::string& option, const std::string& part) {
  const std::size_t sign = part.rfind('=');
  if (sign == part.npos || sign == 0) throw unreadable(option, part);
  ConditionValue value{.name = part.substr(0, sign)};
  const std::vector<std::string> numbers = split(part.substr(sign + 1), ':');
  if (numbers.size() != 1 && numbers.size() != 3) throw unreadable(option, part);
  const std::optional<double> low = finite(numbers.front()),
                              high = numbers.size() == 3 ? finite(numbers[1]) : low;
  if (!low || !high) throw unreadable(option, part);
  value.low = *low;
  value.high = *high;
  if (numbers.size() == 3) {
    const std::optional<double> steps = finite(numbers[2]);
    if (!steps || *steps < 2 || *steps > 1e6 || *steps != std::floor(*steps))
      throw unreadable(option, part);
    value.steps = static_cast<Index>(*steps);
  }
  return value;
}

}  // namespace

std::vector<ConditionValue> condition_values(const std::string& option, const Model& model) {
  const std::vector<std::string>& names = model.condition_names();
  if (names.empty())
    throw Failure(ExitCode::usage, "--condition is '", option,
                  "', but the model has no condition of numbers");
  // A name may hold a comma: a part without '=' belongs to the next one.
  std::vector<std::string> parts;
  std::string open;
  for (const std::string& part : split(option, ',')) {
    open += part;
    if (part.find('=') == part.npos) {
      open += ',';
      continue;
    }
    parts.push_back(std::exchange(open, ""));
  }
  if (!open.empty()) throw unreadable(option, open.substr(0, open.size() - 1));
  std::vector<ConditionValue> values;
  for (const std::string& part : parts) {
    ConditionValue value = value_in(option, part);
    if (std::ranges::find(names, value.name) == names.end())
      throw Failure(ExitCode::usage, "--condition: the model has no condition ", value.name,
                    ", expected one of ", list_of(names));
    if (std::ranges::find(values, value.name, &ConditionValue::name) != values.end())
      throw Failure(ExitCode::usage, "--condition: ", value.name, " has two values, expected one");
    values.push_back(std::move(value));
  }
  return values;
}

Rows mean_condition(const Model& model) {
  const auto width = static_cast<Index>(model.condition_names().size());
  if (width == 0) return {};
  Rows condition(1, width);
  const InputTransform transform =
      model.condition_transform().after(offsets_of(model, model.condition_transform()));
  const std::vector<double>& shift = transform.shift;
  for (Index i = 0; i < width && !shift.empty(); ++i)
    condition(0, i) = shift[shift.size() == 1 ? 0 : static_cast<std::size_t>(i)];
  return condition;
}

void warn_of_far(const CommonOptions& common, const Model& model,
                 const std::vector<ConditionValue>& values) {
  constexpr double far = 5;
  const std::vector<std::string>& names = model.condition_names();
  const InputTransform& transform = model.condition_transform();
  for (const ConditionValue& value : values) {
    const auto i = static_cast<std::size_t>(std::ranges::find(names, value.name) - names.begin());
    if (transform.identity()) return;
    for (const double at : {value.low, value.high}) {
      const double deviations = (at - transform.shift[i]) / transform.scale[i];
      if (std::abs(deviations) <= far) continue;
      say(common, text("warning: ", value.name, " = ", at, " is ", std::round(deviations),
                       " standard deviations from its mean in the training data, where the model "
                       "has seen nothing"));
      break;
    }
  }
}

void set_condition(const Model& model, const ConditionValue& value, Rows& condition) {
  const std::vector<std::string>& names = model.condition_names();
  const auto i = std::ranges::find(names, value.name) - names.begin();
  const std::vector<double> offsets = offsets_of(model, model.condition_transform());
  for (Index row = 0; row < condition.count; ++row)
    condition(row, i) =
        value.at(row % value.steps) - (offsets.empty() ? 0 : offsets[static_cast<std::size_t>(i)]);
}

}  // namespace longhand::cli
