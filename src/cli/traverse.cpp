// SPDX-License-Identifier: MIT
#include <algorithm>
#include <optional>

#include "commands.hpp"
#include "condition.hpp"
#include "model.hpp"
#include "output.hpp"
#include "pictures.hpp"

namespace longhand::cli {
namespace {

/// Where a traversal begins: z of one row, and its condition.
struct Start {
  Rows z;
  Rows condition;
  std::array<Index, 3> image;
  std::vector<std::string> names;
};

Start start_of(const TraverseArguments& a, const Model& model) {
  const Index label = a.label ? require_label(model, *a.label) : 0;
  const bool numbers = !model.condition_names().empty();
  Start start{Rows(1, model.latents()),
              numbers ? mean_condition(model) : condition_of(model, label, 1), model.image(),
              names_of(model)};
  for (Index i = 0; model.classes() > 0 && i < start.z.dim; i += model.classes())
    start.z(0, i) = 1;  // every variable in its first class
  if (!a.row) {
    if (!a.data.path.empty())
      throw Failure(ExitCode::usage, "--row is missing, expected the row of --data to start at");
    if (!a.data.image.empty()) start.image = parse_image(a.data.image, model.input_dim());
    return start;
  }
  const DataSet data = read_data_for(model, a.data, a.common);
  require_row(data, "--row", *a.row);
  const Range row{*a.row, 1};
  start.z = model.encode(data, row);
  if (!a.label) start.condition = conditions_of(data, row);
  start.image = data.image;
  start.names = data.names;
  return start;
}

/// The same code under a condition of which one number takes several values.
Rows through_condition(const Model& model, const ConditionValue& moved, const Start& start) {
  Rows z(moved.steps, start.z.dim), condition(moved.steps, start.condition.dim);
  for (Index row = 0; row < moved.steps; ++row) {
    for (Index i = 0; i < z.dim; ++i) z(row, i) = start.z(0, i);
    for (Index i = 0; i < condition.dim; ++i) condition(row, i) = start.condition(0, i);
  }
  set_condition(model, moved, condition);
  return model.decode(z, condition);
}

/// Applies the numbers of --condition to the start; what is left is the one that moves.
std::optional<ConditionValue> apply_condition(const TraverseArguments& a, const Model& model,
                                              Start& start) {
  std::optional<ConditionValue> moved;
  if (a.condition.empty()) return moved;
  const std::vector<ConditionValue> values = condition_values(a.condition, model);
  for (const ConditionValue& value : values) {
    if (value.steps == 1) {
      set_condition(model, value, start.condition);
    } else if (moved) {
      throw Failure(ExitCode::usage, "--condition: ", moved->name, " and ", value.name,
                    " have several values, expected at most one that has");
    } else {
      moved = value;
    }
  }
  warn_of_far(a.common, model, values);
  return moved;
}

}  // namespace

ExitCode run(const TraverseArguments& a) {
  const Format format = output_format(a.out, "png npy csv");
  const std::unique_ptr<Model> model = load_model(a.model, a.common);
  // A Gaussian latent moves from -range to range, a categorical variable through its classes.
  const Index classes = model->classes(), numbers = model->latents();
  const Index latents = classes > 0 ? numbers / classes : numbers;
  const Index steps = classes > 0 ? classes : a.steps;
  const Index first = a.dim == "all" ? 0 : std::stoll(a.dim);
  if (first >= latents)
    throw Failure(ExitCode::usage, "--dim: is ", first, ", expected 0 to ", latents - 1,
                  ", or all");
  const Index dims = a.dim == "all" ? latents : 1;
  Start start = start_of(a, *model);
  const std::optional<ConditionValue> moved_number = apply_condition(a, *model, start);
  if (format == Format::png) require_image(start.image);
  if (moved_number && a.dim != "all")
    throw Failure(ExitCode::usage, "--condition moves ", moved_number->name,
                  " and --dim a latent: ", "expected one of them");

  const auto finish = [&](const Rows& rows, Index columns) {
    if (format != Format::png) {
      write_rows(a.out, format, a.common, start.names, rows);
      return ExitCode::ok;
    }
    write_sheet(a.out, rows, start.image, columns, model->transform());
    report_written(a.common, a.out, rows);
    return ExitCode::ok;
  };
  if (moved_number)
    return finish(through_condition(*model, *moved_number, start), moved_number->steps);

  Rows z(dims * steps, numbers);
  Rows condition;
  if (start.condition.count > 0) condition = Rows(z.count, start.condition.dim);
  for (Index row = 0; row < z.count; ++row) {
    for (Index i = 0; i < numbers; ++i) z(row, i) = start.z(0, i);
    for (Index i = 0; i < condition.dim; ++i) condition(row, i) = start.condition(0, i);
    const Index moved = first + row / steps, step = row % steps;
    if (classes > 0) {
      for (Index k = 0; k < classes; ++k) z(row, moved * classes + k) = k == step ? 1 : 0;
    } else {
      const double t = static_cast<double>(step) / static_cast<double>(steps - 1);
      z(row, moved) = (2 * t - 1) * a.range;
    }
  }
  return finish(model->decode(z, condition), steps);
}

}  // namespace longhand::cli
