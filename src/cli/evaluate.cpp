// SPDX-License-Identifier: MIT
#include "longhand/train/evaluate.hpp"

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <numbers>
#include <optional>

#include "changes.hpp"
#include "commands.hpp"
#include "model.hpp"
#include "output.hpp"
#include "row_parts.hpp"

namespace longhand::cli {
namespace {

/// -ELBO per observed number, in bits, as a density of the rows as they were read. Nothing where
/// the model gives no density: an autoencoder, or grey values under a Bernoulli likelihood.
std::optional<double> bits_per_dim(const Model& model, const DataSet& data, const Evaluation& e,
                                   Binarize binarize) {
  if (!model.has_elbo()) return std::nullopt;
  const bool discrete = model.is_binary();
  if (discrete && !data.binary && binarize == Binarize::none) return std::nullopt;

  // A change of variables: y = (x - shift) / scale, so log p(x) = log p(y) - sum log |scale|.
  const std::vector<double>& scale = model.transform().scale;
  double observed = 0, log_scale = 0;
  for (Index row = 0; row < data.rows; ++row)
    for (Index column = 0; column < data.dim; ++column) {
      if (!data.observed(row, column)) continue;
      observed += 1;
      if (discrete || scale.empty()) continue;
      const auto i = static_cast<std::size_t>(scale.size() == 1 ? 0 : column);
      log_scale += std::log(std::abs(scale[i]));
    }
  if (observed == 0) return std::nullopt;
  return (-e.elbo() * static_cast<double>(data.rows) + log_scale) / (observed * std::numbers::ln2);
}

std::string fixed(double value, int digits) {
  std::ostringstream out;
  out.setf(std::ios::fixed);
  out.precision(digits);
  out << value;
  return out.str();
}

/// The terms that have no key of their own, then what the model says of all codes together.
NamedValues others(const Evaluation& e) {
  NamedValues all;
  for (const NamedValue& term : e.terms)
    if (term.name != "nll" && term.name != "kl") all.push_back(term);
  all.insert(all.end(), e.diagnostics.begin(), e.diagnostics.end());
  return all;
}

/// What applies to the model and nothing else.
std::string table(const nlohmann::ordered_json& json, const Evaluation& e, const Model& model) {
  const bool has_elbo = model.has_elbo();
  std::string out;
  const auto line = [&](const std::string& name, const std::string& value) {
    out += name + std::string(21 - name.size(), ' ') + value + "\n";
  };
  const auto nats = [](double value) { return fixed(value, 4) + " nats"; };
  line("rows", text(e.samples, " (", json["split"].get<std::string>(), ")"));
  if (has_elbo) line("ELBO", nats(e.elbo()));
  line("log-likelihood term", nats(e.log_likelihood_term()));
  if (has_elbo) line("KL", nats(e.kl()));
  for (const NamedValue& other : others(e)) line(other.name, fixed(other.value, 4));
  if (e.importance_bound)
    line("log-mean-exp bound",
         text(nats(*e.importance_bound), ", of ", json["importance"].get<int>(), " draws"));
  if (has_elbo)
    line("bits per dimension", json["bits_per_dim"].is_null()
                                   ? "none (the likelihood is no density of these data)"
                                   : fixed(json["bits_per_dim"].get<double>(), 4));
  if (!e.kl_per_unit.empty())
    line("active units", text(e.active_units, " of ", e.kl_per_unit.size()));
  if (!has_elbo) return out;
  std::string per_unit;
  for (const double kl : e.kl_per_unit) per_unit += (per_unit.empty() ? "" : " ") + fixed(kl, 3);
  line(model.classes() > 0 ? "KL per variable" : "KL per dimension", per_unit);
  return out;
}

/// The rows of --part, from what stands beside the model.
ChosenRows chosen_rows(const EvaluateArguments& a, const std::optional<RowParts>& parts) {
  if (!parts)
    throw Failure(ExitCode::bad_input, a.model.path, ": has no rows.json beside it, which --part ",
                  a.data.part, " needs");
  if (parts->split != "all" && !a.data.split.empty() && a.data.split != parts->split)
    throw Failure(ExitCode::usage, "--split ", a.data.split, ", but the model was trained on ",
                  parts->split);
  ChosenRows rows{parts->split == "all" ? "test" : parts->split, parts->rows_in_file,
                  parts->part(a.data.part)};
  if (rows.rows.empty())
    throw Failure(ExitCode::usage, "--part ", a.data.part, ": the training had no such rows",
                  a.data.part == "test" ? " (train --test keeps some)" : "");
  return rows;
}

/// Whether rows are of the file that the model was trained on.
bool are_of_training(const RowParts& parts, const DataSet& data) {
  std::error_code problem;
  return data.split == parts.split && data.rows_in_file == parts.rows_in_file &&
         std::filesystem::equivalent(data.path, parts.file, problem);
}

}  // namespace

ExitCode run(const EvaluateArguments& a) {
  output_format(a.out, "json");
  const std::unique_ptr<Model> model = load_model(a.model, a.common);
  const std::optional<RowParts> parts = row_parts_beside(a.model.path);
  DataSet data;
  if (a.data.part.empty()) {
    data = read_data_for(*model, a.data, a.common);
  } else {
    const ChosenRows rows = chosen_rows(a, parts);
    data = read_data_for(*model, a.data, a.common, &rows);
    data.split = a.data.part;
  }
  if (a.data.part == "train" || (a.data.part.empty() && parts && are_of_training(*parts, data)))
    say(a.common,
        text("warning: ", data.path, ": the model was trained on these rows; --part test or ",
             "validation evaluates rows that were kept from it"));
  EvaluateOptions options;
  options.draws = a.samples;
  options.seed = a.seed;
  options.importance = a.importance;
  if (a.importance > 0 && !model->has_draw_weights())
    throw Failure(ExitCode::usage,
                  "--importance needs a posterior over the latents, an autoencoder has none");
  options.changes = changes_for(a.changes, data);
  const Evaluation e = model->evaluate(data, options);

  nlohmann::ordered_json json;
  const bool has_elbo = model->has_elbo();
  json["elbo"] = nullptr;
  if (has_elbo) json["elbo"] = e.elbo();
  json["log_likelihood_term"] = e.log_likelihood_term();
  json["kl"] = nullptr;
  if (has_elbo) json["kl"] = e.kl();
  json["bits_per_dim"] = nullptr;
  if (const auto bits = bits_per_dim(*model, data, e, options.changes.binarize))
    json["bits_per_dim"] = *bits;
  if (e.importance_bound) {
    json["importance_bound"] = *e.importance_bound;
    json["importance"] = a.importance;
  }
  for (const NamedValue& other : others(e)) json[other.name] = other.value;
  json["rows"] = e.samples;
  json["samples"] = a.samples;
  json["seed"] = a.seed;
  json["split"] = data.split;
  json["binarize"] = a.changes.binarize;
  if (a.changes.dequantize) json["dequantize"] = true;
  if (options.changes.corrupt.any()) json["corrupt"] = a.changes.corrupt;
  if (!e.kl_per_unit.empty()) json["active_units"] = e.active_units;
  if (has_elbo) json["kl_per_dimension"] = e.kl_per_unit;
  if (!a.out.empty()) {
    write_text(a.out, json_text(json, 2) + "\n");
    say(a.common, "wrote " + a.out);
  }
  if (a.common.json) {
    print(json_text(json) + "\n");
  } else if (a.out.empty()) {
    print(table(json, e, *model));
  }
  return ExitCode::ok;
}

}  // namespace longhand::cli
