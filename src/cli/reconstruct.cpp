// SPDX-License-Identifier: MIT
#include <algorithm>
#include <optional>
#include <vector>

#include "changes.hpp"
#include "commands.hpp"
#include "model.hpp"
#include "output.hpp"
#include "pictures.hpp"

namespace longhand::cli {
namespace {

constexpr Index per_line = 8;  // pictures side by side
}

ExitCode run(const ReconstructArguments& a) {
  const Format format = output_format(a.out, "png npy csv");
  const std::unique_ptr<Model> model = load_model(a.model, a.common);
  std::optional<Index> label;
  if (a.label) label = require_label(*model, *a.label);
  const DataSet data = read_data_for(*model, a.data, a.common);
  if (format == Format::png) require_image(data.image);

  const Index usual = format == Format::png ? per_line : data.rows;
  const Range rows{0, std::min(a.count.value_or(usual), data.rows)};
  const BatchChanges changes = changes_for(a.changes, data);
  const Rows conditions = conditions_of(data, rows);
  std::vector<Rows> layers = {values_of(data, rows)};
  Rows z;
  if (changes.any()) {
    layers.push_back(model->given(data, rows, changes, a.seed));
    z = model->encode(layers.back(), conditions);
  } else {
    z = model->encode(data, rows);
  }
  const Rows decoded =
      model->decode(z, label ? condition_of(*model, *label, rows.count) : conditions);
  if (format != Format::png) {
    write_data_rows(a.out, format, a.common, data, decoded);
    return ExitCode::ok;
  }
  const Index columns = std::min(per_line, rows.count);
  for (Rows& layer : layers) layer = with_offsets_of(*model, std::move(layer));
  layers.push_back(decoded);
  write_sheet(a.out, stacked(layers, columns), data.image, columns, model->transform());
  report_written(a.common, a.out, decoded);
  return ExitCode::ok;
}

}  // namespace longhand::cli
