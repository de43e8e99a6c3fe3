// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "code_uses.hpp"
#include "commands.hpp"
#include "longhand/uses/agreement.hpp"
#include "model.hpp"
#include "output.hpp"

namespace longhand::cli {

ExitCode run(const ClusterArguments& a) {
  const Format format = output_format(a.out, "npy csv");
  const std::unique_ptr<Model> model = load_model(a.model, a.common);
  if (model->classes() > 0)
    throw Failure(ExitCode::usage, a.model.path,
                  ": its codes are classes already, and there is nothing to cluster");
  const bool labelled = has_labels(a.data);
  const DataSet data = labelled ? read_labelled_data_for(*model, a.data, a.common)
                                : read_data_for(*model, a.data, a.common);
  if (a.clusters > data.rows)
    throw Failure(ExitCode::usage, "--k is ", a.clusters, ", expected at most ", data.rows,
                  ", the rows of ", data.path);

  const bool mixture = a.method == "mixture";
  const Groups groups = find_groups(model->encode(data, data.all()), a.clusters, mixture, a.seed);
  std::vector<Index> sizes(static_cast<std::size_t>(a.clusters));
  for (const std::int64_t group : groups.of_row) ++sizes[static_cast<std::size_t>(group)];

  Rows rows(data.rows, mixture ? 2 : 1);
  for (Index row = 0; row < data.rows; ++row) {
    rows(row, 0) = static_cast<double>(groups.of_row[static_cast<std::size_t>(row)]);
    if (mixture) rows(row, 1) = groups.probability[static_cast<std::size_t>(row)];
  }
  std::vector<std::string> names{"cluster"};
  if (mixture) names.push_back("probability");

  nlohmann::ordered_json object;
  object["rows"] = data.rows;
  object["clusters"] = a.clusters;
  object["method"] = a.method;
  object["sizes"] = sizes;
  if (mixture)
    object["log_likelihood"] = groups.log_likelihood;
  else
    object["squares"] = groups.squares;
  const auto [least, most] = std::ranges::minmax(sizes);
  std::string summary = text(a.clusters, a.clusters == 1 ? " cluster of " : " clusters of ", least,
                             least == most ? "" : text(" to ", most), " rows");
  if (labelled) {
    const Contingency both(groups.of_row, data.labels);
    const double nmi = normalised_mutual_information(both), ari = adjusted_rand_index(both),
                 accuracy = majority_accuracy(both);
    object["nmi"] = nmi;
    object["ari"] = ari;
    object["majority_accuracy"] = accuracy;
    const auto rounded = [](double v) { return std::round(v * 1000) / 1000; };
    summary +=
        text("; beside the labels: NMI ", rounded(nmi), ", ARI ", rounded(ari),
             ", right if each cluster is named after its most frequent label ", rounded(accuracy));
  }
  if (a.common.json) print(json_text(object) + "\n");
  if (!a.out.empty() || !a.common.json) {
    CommonOptions quiet = a.common;
    quiet.json = false;
    write_rows(a.out, format, quiet, names, rows);
  }
  say(a.common, summary);
  return ExitCode::ok;
}

}  // namespace longhand::cli
