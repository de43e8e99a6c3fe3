// SPDX-License-Identifier: MIT
#include "longhand/uses/anomaly.hpp"

#include <nlohmann/json.hpp>

#include "anomaly_series.hpp"
#include "commands.hpp"
#include "model.hpp"
#include "output.hpp"
#include "paths.hpp"
#include "row_parts.hpp"

namespace longhand::cli {
namespace {

struct Normal {
  NormalSamples samples;
  std::string from;  ///< what they are, for messages
};

/// The rows that odd ones are measured by: those of --fit, else those that the training held out.
std::optional<Normal> normal_rows(const AnomalyArguments& a, const Model& model,
                                  const AnomalyOptions& options) {
  DataOptions source = a.data;
  if (!a.fit.empty()) {
    source.path = a.fit;
    const DataSet data = read_data_for(model, source, a.common);
    return Normal{model.normal(data, options), data.path};
  }
  const std::optional<RowParts> parts = row_parts_beside(a.model.path);
  if (!parts || parts->validation.empty() || !is_there(parts->file)) return std::nullopt;
  source.path = parts->file;
  source.split.clear();
  const ChosenRows rows{"all", parts->rows_in_file, parts->validation};
  const DataSet data = read_data_for(model, source, a.common, &rows);
  return Normal{model.normal(data, options), text("the validation rows of ", data.path)};
}

/// What is written, one row per row of the data.
struct Report {
  const std::vector<Anomaly>& rows;
  const Normal* normal;
  std::optional<double> threshold;
  const std::vector<std::string>& names;
  std::vector<double> offsets;  ///< that were taken off the columns; empty: none
  bool has_kl;
  Index blame;

  std::vector<std::string> columns() const {
    std::vector<std::string> all = {"row", "score", "reconstruction"};
    if (has_kl) all.push_back("kl");
    if (normal != nullptr) all.push_back("p");
    if (threshold) all.push_back("odd");
    for (Index k = 1; k <= blame; ++k)
      for (const char* name : {"column", "actual", "expected", "deviation"})
        all.push_back(k == 1 ? name : text(name, "_", k));
    return all;
  }
  double offset(Index feature) const {
    return offsets.empty() ? 0 : offsets[static_cast<std::size_t>(feature)];
  }
  bool odd(const Anomaly& row) const { return threshold && row.score() > *threshold; }
  Index count() const {
    return std::ranges::count_if(rows, [&](const Anomaly& row) { return odd(row); });
  }

  /// On a screen names have no control characters.
  std::string csv(bool on_screen) const {
    std::string out;
    for (const std::string& name : columns()) out += (out.empty() ? "" : ",") + name;
    out += "\n";
    for (std::size_t j = 0; j < rows.size(); ++j) {
      const Anomaly& row = rows[j];
      out += std::to_string(j) + "," + number_text(row.score(), false) + "," +
             number_text(row.reconstruction, false);
      if (has_kl) out += "," + number_text(row.kl, false);
      if (normal != nullptr) out += "," + number_text(normal->samples.p_value(row.score()), false);
      if (threshold) out += odd(row) ? ",1" : ",0";
      for (std::size_t k = 0; k < static_cast<std::size_t>(blame); ++k) {
        if (k >= row.blame.size()) {
          out += ",,,,";
          continue;
        }
        const OddFeature& odd = row.blame[k];
        const double off = offset(odd.feature);
        const bool single = off == 0;
        const std::string& name = names[static_cast<std::size_t>(odd.feature)];
        out += "," + csv_field(on_screen ? io::printable(name) : name) + "," +
               number_text(odd.actual + off, single) + "," +
               number_text(odd.expected + off, single) + "," + number_text(odd.deviation, true);
      }
      out += "\n";
    }
    return out;
  }

  nlohmann::ordered_json json() const {
    nlohmann::ordered_json all = nlohmann::ordered_json::array();
    for (std::size_t j = 0; j < rows.size(); ++j) {
      const Anomaly& row = rows[j];
      nlohmann::ordered_json object;
      object["row"] = j;
      object["score"] = row.score();
      object["reconstruction"] = row.reconstruction;
      if (has_kl) object["kl"] = row.kl;
      if (normal != nullptr) object["p"] = normal->samples.p_value(row.score());
      if (threshold) object["odd"] = odd(row);
      object["blame"] = nlohmann::ordered_json::array();
      for (const OddFeature& odd : row.blame)
        object["blame"].push_back({{"column", names[static_cast<std::size_t>(odd.feature)]},
                                   {"actual", odd.actual + offset(odd.feature)},
                                   {"expected", odd.expected + offset(odd.feature)},
                                   {"deviation", odd.deviation}});
      all.push_back(std::move(object));
    }
    return all;
  }
};

}  // namespace

std::optional<double> score_threshold(const AnomalyArguments& a, const NormalSamples* normal,
                                      const char* missing) {
  if (a.threshold.empty()) return std::nullopt;
  const Threshold threshold = threshold_of(a.threshold);
  if (!threshold.quantile) return threshold.value;
  if (normal == nullptr)
    throw Failure(ExitCode::usage, "--threshold ", a.threshold, " is a quantile of ", missing);
  try {
    return normal->quantile(threshold.value);
  } catch (const std::invalid_argument& error) {
    std::string_view problem = error.what();
    problem.remove_prefix(std::min(problem.size(), std::string_view("longhand: ").size()));
    throw Failure(ExitCode::usage, "--threshold ", a.threshold, ": ", problem);
  }
}

ExitCode run(const AnomalyArguments& a) {
  output_format(a.out, "csv");
  const std::unique_ptr<Model> model = load_model(a.model, a.common);
  if (model->window() > 0) return find_odd_steps(a, *model);
  const DataSet data = read_data_for(*model, a.data, a.common);
  const AnomalyOptions options{
      .draws = a.samples, .seed = a.seed, .blame = static_cast<int>(std::min(a.blame, data.dim))};
  const std::optional<Normal> normal = normal_rows(a, *model, options);
  const std::optional<double> threshold =
      score_threshold(a, normal ? &normal->samples : nullptr,
                      "normal rows: --fit FILE is missing, expected such rows (the model's folder "
                      "lists no validation rows that are there)");
  const std::vector<Anomaly> found =
      model->anomalies(data, normal ? &normal->samples : nullptr, options);

  const Report report{found,
                      normal ? &*normal : nullptr,
                      threshold,
                      data.names,
                      offsets_of(*model, model->transform()),
                      model->has_elbo(),
                      options.blame};
  std::string summary;
  if (threshold)
    summary = text(report.count(), " of ", data.rows, data.rows == 1 ? " row is" : " rows are",
                   " above ", number_text(*threshold, true), " nats");
  if (threshold && threshold_of(a.threshold).quantile)
    summary += text(", the quantile ", number_text(threshold_of(a.threshold).value, true), " of ",
                    normal->samples.scores.size(), " normal rows (", normal->from, ")");
  if (!a.out.empty()) write_text(a.out, report.csv(false));
  if (a.common.json) {
    nlohmann::ordered_json object;
    object["threshold"] = nullptr;
    if (threshold) object["threshold"] = *threshold;
    object["normal_rows"] = normal ? normal->samples.scores.size() : 0;
    object["rows"] = report.json();
    print(json_text(object) + "\n");
  } else if (a.out.empty()) {
    print(report.csv(true));
  }
  if (!summary.empty()) say(a.common, summary);
  if (!a.out.empty())
    say(a.common, text("wrote ", a.out, " (", data.rows, data.rows == 1 ? " row)" : " rows)"));
  return ExitCode::ok;
}

}  // namespace longhand::cli
