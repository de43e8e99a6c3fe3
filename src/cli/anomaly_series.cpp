// SPDX-License-Identifier: MIT
#include "anomaly_series.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "longhand/uses/windows.hpp"
#include "output.hpp"

namespace longhand::cli {
namespace {

/// The steps of a series, with the offsets that were taken off its columns.
std::vector<OddStep> steps_of(const Model& model, const DataSet& data, const NormalSamples* normal,
                              const AnomalyOptions& options) {
  std::vector<Anomaly> windows = model.anomalies(data, normal, options);
  const std::vector<double> offsets = offsets_of(model, model.transform());
  for (Anomaly& window : windows)
    for (OddFeature& odd : window.blame) {
      const double off = offsets.empty() ? 0 : offsets[static_cast<std::size_t>(odd.feature)];
      odd.actual += off;
      odd.expected += off;
    }
  return odd_steps(data.series->windows, data.series->channels, windows);
}

/// A row of the report, by name; absent values are empty fields and null.
nlohmann::ordered_json row_of(const AnomalyArguments& a, const DataSet& data,
                              const std::vector<std::string>& names, std::size_t number,
                              const OddStep& step, const std::optional<NormalSamples>& normal,
                              const std::optional<double>& threshold) {
  nlohmann::ordered_json row;
  row["step"] = number;
  if (!data.series->times.empty()) row["time"] = data.series->times[number];
  const auto known = [&](auto value) {
    return step.covered ? nlohmann::ordered_json(value) : nlohmann::ordered_json();
  };
  row["score"] = known(step.score);
  if (normal) row["p"] = known(normal->p_value(step.score));
  if (threshold) row["odd"] = step.covered && step.score > *threshold;
  if (a.blame == 0) return row;
  row["column"] = known(names[static_cast<std::size_t>(step.channel)]);
  row["actual"] = known(step.actual);
  row["expected"] = known(step.expected);
  row["deviation"] = known(step.deviation);
  return row;
}

std::string csv_of(const std::vector<nlohmann::ordered_json>& rows, bool on_screen) {
  std::string out;
  for (const auto& [name, value] : rows.front().items()) out += (out.empty() ? "" : ",") + name;
  for (const nlohmann::ordered_json& row : rows) {
    out += "\n";
    bool first = true;
    for (const auto& [name, value] : row.items()) {
      if (!std::exchange(first, false)) out += ",";
      if (value.is_boolean())
        out += value.get<bool>() ? "1" : "0";
      else if (value.is_number_float())
        out += number_text(value.get<double>(), true);
      else if (value.is_number())
        out += value.dump();
      else if (value.is_string())
        out += csv_field(on_screen ? io::printable(value.get<std::string>())
                                   : value.get<std::string>());
    }
  }
  return out + "\n";
}

}  // namespace

ExitCode find_odd_steps(const AnomalyArguments& a, const Model& model) {
  if (a.blame > 1)
    throw Failure(ExitCode::usage, "--blame is ", a.blame,
                  ", expected 0 or 1: of a time step the column that deviates most is named");
  const DataSet data = read_data_for(model, a.data, a.common);
  const AnomalyOptions options{
      .draws = a.samples, .seed = a.seed, .blame = static_cast<int>(data.dim)};
  std::optional<NormalSamples> windows, steps;
  std::string from;
  if (!a.fit.empty()) {
    DataOptions source = a.data;
    source.path = a.fit;
    const DataSet clean = read_data_for(model, source, a.common);
    windows = model.normal(clean, options);
    steps.emplace();
    for (const OddStep& step : steps_of(model, clean, &*windows, options))
      if (step.covered) steps->scores.push_back(step.score);
    std::ranges::sort(steps->scores);
    from = clean.path;
  }
  const std::optional<double> threshold =
      score_threshold(a, steps ? &*steps : nullptr,
                      "normal time steps: --fit FILE is missing, expected such a series");
  const std::vector<OddStep> found = steps_of(model, data, windows ? &*windows : nullptr, options);
  const std::vector<std::string> names =
      data.series->names.empty() ? numbered("x", data.series->channels) : data.series->names;
  std::vector<nlohmann::ordered_json> rows;
  Index odd = 0;
  for (std::size_t k = 0; k < found.size(); ++k) {
    rows.push_back(row_of(a, data, names, k, found[k], steps, threshold));
    if (threshold && found[k].covered && found[k].score > *threshold) ++odd;
  }

  if (!a.out.empty()) write_text(a.out, csv_of(rows, false));
  if (a.common.json) {
    nlohmann::ordered_json object;
    object["threshold"] = nullptr;
    if (threshold) object["threshold"] = *threshold;
    object["normal_steps"] = steps ? steps->scores.size() : 0;
    object["steps"] = rows;
    print(json_text(object) + "\n");
  } else if (a.out.empty()) {
    print(csv_of(rows, true));
  }
  std::string summary;
  if (threshold)
    summary = text(odd, " of ", found.size(), " time steps are above ",
                   number_text(*threshold, true), " root mean square deviations");
  if (threshold && threshold_of(a.threshold).quantile)
    summary += text(", the quantile ", number_text(threshold_of(a.threshold).value, true), " of ",
                    steps->scores.size(), " normal steps (", from, ")");
  if (!summary.empty()) say(a.common, summary);
  if (!a.out.empty()) say(a.common, text("wrote ", a.out, " (", found.size(), " time steps)"));
  return ExitCode::ok;
}

}  // namespace longhand::cli
