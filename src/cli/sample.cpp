// SPDX-License-Identifier: MIT
#include "commands.hpp"
#include "model.hpp"
#include "output.hpp"
#include "pictures.hpp"

namespace longhand::cli {
namespace {

/// One class for all, or every class in turn.
Rows labels_of(const SampleArguments& a, const Model& model) {
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

  const Rows rows = model->sample(a.count, a.seed, labels_of(a, *model), a.draw);
  if (format != Format::png) {
    write_rows(a.out, format, a.common, names_of(*model), rows);
    return ExitCode::ok;
  }
  // Classes in turn make one column each.
  const Index classes = model->condition_dim();
  const bool by_class = classes > 0 && !a.label && a.count > classes;
  write_sheet(a.out, rows, image, by_class ? classes : square_columns(a.count), model->transform());
  report_written(a.common, a.out, rows);
  return ExitCode::ok;
}

}  // namespace longhand::cli
