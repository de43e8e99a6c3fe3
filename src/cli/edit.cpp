// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <optional>

#include "commands.hpp"
#include "longhand/io/csv.hpp"
#include "longhand/io/npy.hpp"
#include "model.hpp"
#include "output.hpp"
#include "paths.hpp"
#include "pictures.hpp"

namespace longhand::cli {
namespace {

constexpr Index per_line = 8;

/// "labels:K:M", the names of two classes.
struct Classes {
  std::string from, to;
};
std::optional<Classes> classes_in(const std::string& direction) {
  const std::string prefix = "labels:";
  if (!direction.starts_with(prefix)) return std::nullopt;
  const std::size_t colon = direction.find(':', prefix.size());
  if (colon == direction.npos || colon == prefix.size() || colon + 1 == direction.size())
    throw Failure(ExitCode::usage, "--direction is '", direction,
                  "', expected labels:K:M with two classes, or a file");
  return Classes{direction.substr(prefix.size(), colon - prefix.size()),
                 direction.substr(colon + 1)};
}

/// The number of a class among those of a data set.
std::int64_t class_number(const DataSet& data, const std::string& name) {
  for (Index k = 0; k < data.classes; ++k)
    if (name == data.class_name(k)) return k;
  throw Failure(ExitCode::usage, "--direction: the class ", name, " does not occur in ", data.path,
                ", expected ", classes_text(data.class_names, data.classes));
}

/// A vector of a file: one number per latent, in a row or a column.
std::vector<double> vector_in(const std::string& path, Index latents) {
  require_there(path, "file (--direction)");
  const std::string ending = ending_of(path);
  std::vector<double> vector;
  if (ending == ".npy")
    vector = io::read_npy(path).as<double>();
  else if (ending == ".csv")
    vector = io::read_csv(path).values;
  else
    throw Failure(ExitCode::usage, "--direction is '", path,
                  "', expected labels:K:M, or a .npy or .csv file");
  if (static_cast<Index>(vector.size()) != latents)
    throw Failure(ExitCode::bad_input, path, ": has ", vector.size(), " numbers, the model has ",
                  latents, latents == 1 ? " latent" : " latents");
  for (const double v : vector)
    if (!std::isfinite(v))
      throw Failure(ExitCode::bad_input, path, ": has the number ", v, ", expected finite ones");
  return vector;
}

/// The rows that are edited, and the way that their codes go.
struct Edit {
  std::vector<Index> rows;
  std::vector<double> direction;
};
Edit edit_of(const EditArguments& a, const Model& model, const DataSet& data, const Rows& z) {
  Edit edit;
  if (const auto classes = classes_in(a.direction)) {
    const std::int64_t from = class_number(data, classes->from),
                       to = class_number(data, classes->to);
    edit.direction = model.class_direction(z, data.labels, from, to);
    for (Index row = 0; row < data.rows; ++row)
      if (data.labels[static_cast<std::size_t>(row)] == from) edit.rows.push_back(row);
  } else {
    edit.direction = vector_in(a.direction, model.latents());
    for (Index row = 0; row < data.rows; ++row) edit.rows.push_back(row);
  }
  if (a.count && *a.count < static_cast<Index>(edit.rows.size()))
    edit.rows.resize(static_cast<std::size_t>(*a.count));
  return edit;
}

Rows chosen(const Rows& from, const std::vector<Index>& rows) {
  Rows some(static_cast<Index>(rows.size()), from.dim);
  for (Index row = 0; row < some.count; ++row)
    for (Index i = 0; i < from.dim; ++i)
      some(row, i) = from(rows[static_cast<std::size_t>(row)], i);
  return some;
}

}  // namespace

ExitCode run(const EditArguments& a) {
  const Format format = output_format(a.out, "png npy csv");
  if (a.direction.empty())
    throw Failure(ExitCode::usage, "--direction is missing, expected labels:K:M, or a file");
  const bool by_labels = classes_in(a.direction).has_value();
  const std::unique_ptr<Model> model = load_model(a.model, a.common);
  if (model->classes() > 0)
    throw Failure(ExitCode::usage, a.model.path,
                  ": its codes are classes, and there is no way from one to another");
  if (!model->condition_names().empty())
    throw Failure(
        ExitCode::usage, a.model.path,
        ": has a condition of numbers, and edit changes codes alone (traverse --condition "
        "NAME=LOW:HIGH:STEPS shows what a number changes)");
  if (model->condition_dim() > 0)
    throw Failure(ExitCode::usage, a.model.path,
                  ": its condition says the class (reconstruct --label K decodes as another one)");
  const DataSet data = by_labels ? read_labelled_data_for(*model, a.data, a.common)
                                 : read_data_for(*model, a.data, a.common);
  if (format == Format::png) require_image(data.image);

  const Rows z = model->encode(data, data.all());
  const Edit edit = edit_of(a, *model, data, z);
  Rows edited = chosen(z, edit.rows);
  for (Index row = 0; row < edited.count; ++row)
    for (Index i = 0; i < edited.dim; ++i)
      edited(row, i) += a.strength * edit.direction[static_cast<std::size_t>(i)];
  const Rows decoded = model->decode(edited, {});
  if (format != Format::png) {
    write_rows(a.out, format, a.common, data.names, decoded);
    return ExitCode::ok;
  }
  const Rows originals = with_offsets_of(*model, chosen(values_of(data, data.all()), edit.rows)),
             unedited = model->decode(chosen(z, edit.rows), {});
  const Index columns = std::min(per_line, decoded.count);
  write_sheet(a.out, stacked({originals, unedited, decoded}, columns), data.image, columns,
              model->transform());
  report_written(a.common, a.out, decoded);
  return ExitCode::ok;
}

}  // namespace longhand::cli
