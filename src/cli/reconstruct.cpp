// SPDX-License-Identifier: MIT
#include <algorithm>
#include <optional>
#include <vector>

#include "commands.hpp"
#include "model.hpp"
#include "output.hpp"
#include "pictures.hpp"

namespace longhand::cli {
namespace {

constexpr Index per_line = 8;  // pictures side by side

/// Lines of originals, each over the line of its reconstructions. `offsets`: taken off the data.
Rows pairs(const DataSet& data, const std::vector<double>& offsets, const Rows& decoded,
           Index columns) {
  const Index lines = (decoded.count + columns - 1) / columns;
  Rows sheet(2 * lines * columns, decoded.dim);
  std::ranges::fill(sheet.values, 0.0);
  for (Index row = 0; row < decoded.count; ++row) {
    const Index place = row / columns * 2 * columns + row % columns;
    for (Index i = 0; i < decoded.dim; ++i) {
      sheet(place, i) = data.value(row, i);
      if (!offsets.empty()) sheet(place, i) += offsets[static_cast<std::size_t>(i)];
      sheet(place + columns, i) = decoded(row, i);
    }
  }
  return sheet;
}

}  // namespace

ExitCode run(const ReconstructArguments& a) {
  const Format format = output_format(a.out, "png npy csv");
  const std::unique_ptr<Model> model = load_model(a.model, a.common);
  std::optional<Index> label;
  if (a.label) label = require_label(*model, *a.label);
  const DataSet data = read_data_for(*model, a.data, a.common);
  if (format == Format::png) require_image(data.image);

  const Index usual = format == Format::png ? per_line : data.rows;
  const Range rows{0, std::min(a.count.value_or(usual), data.rows)};
  const Rows z = model->encode(data, rows);
  const Rows decoded = model->decode(
      z, label ? condition_of(*model, *label, rows.count) : conditions_of(data, rows));
  if (format != Format::png) {
    write_rows(a.out, format, a.common, data.names, decoded);
    return ExitCode::ok;
  }
  const Index columns = std::min(per_line, rows.count);
  const std::vector<double> offsets = model->scalar() == "float32"
                                          ? model->transform().offsets<float>()
                                          : model->transform().offsets<double>();
  write_sheet(a.out, pairs(data, offsets, decoded, columns), data.image, columns, model->transform());
  report_written(a.common, a.out, decoded);
  return ExitCode::ok;
}

}  // namespace longhand::cli
