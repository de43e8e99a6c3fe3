// SPDX-License-Identifier: MIT
#include "commands.hpp"
#include "condition.hpp"
#include "model.hpp"
#include "output.hpp"
#include "pictures.hpp"

namespace longhand::cli {
namespace {

/// The same numbers for all.
Rows numbers_of(const SampleArguments& a, const Model& model) {
  Rows condition(a.count, model.condition_dim());
  const Rows means = mean_condition(model);
  for (Index row = 0; row < a.count; ++row)
    for (Index i = 0; i < means.dim; ++i) condition(row, i) = means(0, i);
  if (a.condition.empty()) return condition;
  const std::vector<ConditionValue> values = condition_values(a.condition, model);
  for (const ConditionValue& value : values) {
    if (value.steps > 1)
      throw Failure(ExitCode::usage, "--condition: ", value.name,
                    " has several values, expected one (traverse goes through them)");
    set_condition(model, value, condition);
  }
  warn_of_far(a.common, model, values);
  return condition;
}

/// One class for all, or every class in turn.
Rows conditions_for(const SampleArguments& a, const Model& model) {
  if (!model.condition_names().empty() && !a.label) return numbers_of(a, model);
  if (!a.condition.empty()) condition_values(a.condition, model);  // says that there are none
  const Index classes = model.condition_dim();
  if (a.label) return condition_of(model, require_label(model, *a.label), a.count);
  if (classes == 0) return {};
  Rows condition(a.count, classes);
  for (Index row = 0; row < a.count; ++row) condition(row, row % classes) = 1;
  return condition;
}

}  // namespace

ExitCode run(const SampleArguments& a) {
  const Format format = output_format(a.out, "png npy csv");
  const std::unique_ptr<Model> model = load_model(a.model, a.common);
  if (!model->has_prior())
    throw Failure(ExitCode::usage, a.model.path,
                  ": an autoencoder has no prior over its latents and cannot be sampled");
  const auto image = a.image.empty() ? model->image() : parse_image(a.image, model->input_dim());
  if (format == Format::png) require_image(image);

  const Rows rows = model->sample(a.count, a.seed, conditions_for(a, *model), a.draw);
  if (format != Format::png) {
    write_rows(a.out, format, a.common, names_of(*model), rows);
    return ExitCode::ok;
  }
  // Classes in turn make one column each.
  const Index classes = model->condition_names().empty() ? model->condition_dim() : 0;
  const bool by_class = classes > 0 && !a.label && a.count > classes;
  write_sheet(a.out, rows, image, by_class ? classes : square_columns(a.count), model->transform());
  report_written(a.common, a.out, rows);
  return ExitCode::ok;
}

}  // namespace longhand::cli
