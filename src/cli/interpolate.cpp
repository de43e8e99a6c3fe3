// SPDX-License-Identifier: MIT
#include "commands.hpp"
#include "model.hpp"
#include "output.hpp"
#include "pictures.hpp"

namespace longhand::cli {
namespace {

/// The straight way from one row to another, `steps` points.
Rows line(const Rows& from, const Rows& to, Index steps) {
  if (from.count == 0) return {};
  Rows points(steps, from.dim);
  for (Index s = 0; s < steps; ++s) {
    const double t = static_cast<double>(s) / static_cast<double>(steps - 1);
    for (Index i = 0; i < from.dim; ++i) points(s, i) = (1 - t) * from(0, i) + t * to(0, i);
  }
  return points;
}

}  // namespace

ExitCode run(const InterpolateArguments& a) {
  const Format format = output_format(a.out, "png npy csv");
  const std::unique_ptr<Model> model = load_model(a.model, a.common);
  if (model->classes() > 0)
    throw Failure(ExitCode::usage, a.model.path,
                  ": its codes are classes, and there is nothing between two classes");
  const DataSet data = read_data_for(*model, a.data, a.common);
  if (format == Format::png) require_image(data.image);
  require_row(data, "--from", a.from);
  require_row(data, "--to", a.to);

  const Range from{a.from, 1}, to{a.to, 1};
  const Rows z = line(model->encode(data, from), model->encode(data, to), a.steps);
  const Rows condition = line(conditions_of(data, from), conditions_of(data, to), a.steps);
  const Rows rows = model->decode(z, condition);
  if (format != Format::png) {
    write_rows(a.out, format, a.common, data.names, rows);
    return ExitCode::ok;
  }
  write_sheet(a.out, rows, data.image, a.steps, model->transform());
  report_written(a.common, a.out, rows);
  return ExitCode::ok;
}

}  // namespace longhand::cli
