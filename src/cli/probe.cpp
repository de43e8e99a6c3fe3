// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "code_uses.hpp"
#include "commands.hpp"
#include "longhand/train/split.hpp"
#include "model.hpp"
#include "output.hpp"
#include "paths.hpp"

namespace longhand::cli {
namespace {

struct Labelled {
  Rows z;
  std::vector<std::int64_t> labels;
};

Labelled rows_of(const Labelled& all, const std::vector<std::uint32_t>& rows) {
  Labelled some{Rows(static_cast<Index>(rows.size()), all.z.dim), {}};
  for (std::size_t k = 0; k < rows.size(); ++k) {
    for (Index i = 0; i < all.z.dim; ++i)
      some.z(static_cast<Index>(k), i) = all.z(static_cast<Index>(rows[k]), i);
    some.labels.push_back(all.labels[rows[k]]);
  }
  return some;
}

/// The labels of a data set by the numbers that another one has for them.
std::vector<std::int64_t> renumbered(const DataSet& data, const DataSet& by) {
  std::map<std::string, std::int64_t> numbers;
  for (Index k = 0; k < by.classes; ++k) numbers.emplace(by.class_name(k), k);
  std::vector<std::int64_t> labels;
  for (const std::int64_t label : data.labels) {
    const auto found = numbers.find(data.class_name(label));
    if (found == numbers.end())
      throw Failure(ExitCode::bad_input, data.path, ": has the label ", data.class_name(label),
                    ", which does not occur in ", by.path, ", expected ",
                    classes_text(by.class_names, by.classes));
    labels.push_back(found->second);
  }
  return labels;
}

}  // namespace

ExitCode run(const ProbeArguments& a) {
  const Format format = output_format(a.out, "npy csv");
  const std::unique_ptr<Model> model = load_model(a.model, a.common);
  if (model->condition_dim() > 0 && model->condition_names().empty())
    throw Failure(ExitCode::usage, a.model.path,
                  ": its condition says the class, so that its codes need not");
  const bool folder = is_folder(a.data.path) && a.data.split.empty();
  if (a.test && folder)
    throw Failure(ExitCode::usage, "--test is for one file of rows: ", a.data.path,
                  " has a part for tests");
  // What is learned from, then what it is judged by.
  DataOptions source = a.data;
  if (folder) source.split = "train";
  const DataSet fit_data = read_labelled_data_for(*model, source, a.common);
  Labelled fit{model->encode(fit_data, fit_data.all()), fit_data.labels}, judge;
  if (folder) {
    source.split = "test";
    const DataSet data = read_labelled_data_for(*model, source, a.common);
    judge = {model->encode(data, data.all()), renumbered(data, fit_data)};
  } else {
    const SplitRows split = split_rows(fit_data.rows, a.test.value_or(0.2), a.seed, 1);
    if (split.held_out.empty() || split.kept.empty())
      throw Failure(ExitCode::usage, "--test ", a.test.value_or(0.2), " of ", fit_data.rows,
                    fit_data.rows == 1 ? " row" : " rows",
                    " leaves nothing to learn from or to judge by");
    const Labelled all = std::move(fit);
    fit = rows_of(all, split.kept);
    judge = rows_of(all, split.held_out);
  }
  if (fit_data.classes < 2)
    throw Failure(ExitCode::bad_input, fit_data.path, ": every row has the label ",
                  fit_data.class_name(0), ", expected at least two");

  const ProbeResult result = probe_codes(fit.z, fit.labels, judge.z, judge.labels, fit_data.classes,
                                         a.seed, a.common.threads);
  std::vector<double> counts(static_cast<std::size_t>(fit_data.classes));
  for (const std::int64_t label : fit.labels) ++counts[static_cast<std::size_t>(label)];
  const auto largest = std::ranges::max_element(counts) - counts.begin();
  const double majority =
      static_cast<double>(std::ranges::count(judge.labels, static_cast<std::int64_t>(largest))) /
      static_cast<double>(judge.labels.size());

  nlohmann::ordered_json object;
  object["fitted_rows"] = fit.z.count;
  object["rows"] = judge.z.count;
  object["classes"] = fit_data.classes;
  object["accuracy"] = result.accuracy;
  object["majority_accuracy"] = majority;
  object["accuracy_fitted"] = result.accuracy_fitted;
  object["nll"] = result.nll;
  const auto rounded = [](double v) { return std::round(v * 10000) / 10000; };
  const std::string summary = text(
      "accuracy ", rounded(result.accuracy), " on ", judge.z.count, " rows, that of always saying ",
      fit_data.class_name(largest), " is ", rounded(majority), "; learned from ", fit.z.count,
      " others (accuracy on them ", rounded(result.accuracy_fitted), ")");
  if (a.common.json)
    print(json_text(object) + "\n");
  else if (a.out.empty())
    print(summary + "\n");
  if (fit.z.count < 10 * fit_data.classes)
    say(a.common, text("warning: learned from ", fit.z.count, " rows of ", fit_data.classes,
                       " classes, fewer than ten for each"));
  if (format == Format::csv) {  // by name; as an array they are the numbers of the classes
    std::string lines = "label,told\n";
    for (std::size_t row = 0; row < judge.labels.size(); ++row)
      lines += csv_field(fit_data.class_name(judge.labels[row])) + "," +
               csv_field(fit_data.class_name(result.told[row])) + "\n";
    write_text(a.out, lines);
  } else if (format == Format::npy) {
    Rows rows(judge.z.count, 2);
    for (Index row = 0; row < rows.count; ++row) {
      rows(row, 0) = static_cast<double>(judge.labels[static_cast<std::size_t>(row)]);
      rows(row, 1) = static_cast<double>(result.told[static_cast<std::size_t>(row)]);
    }
    CommonOptions quiet = a.common;
    quiet.json = false;
    write_rows(a.out, format, quiet, {"label", "told"}, rows);
  }
  if (!a.out.empty()) say(a.common, summary);
  return ExitCode::ok;
}

}  // namespace longhand::cli
