// SPDX-License-Identifier: MIT
#include "metrics.hpp"

#include <nlohmann/json.hpp>

namespace longhand::cli {
namespace {

nlohmann::ordered_json number_or_null(bool there, double value) {
  return there ? nlohmann::ordered_json(value) : nlohmann::ordered_json();
}

nlohmann::ordered_json players_json(const EpochReport& report, bool train) {
  nlohmann::ordered_json players;
  for (const PlayerReport& player : report.players)
    players[player.name] = {{"loss", player.loss},
                            {"grad_norm", number_or_null(train, player.grad_norm)},
                            {"lr", player.learning_rate}};
  return players;
}

}  // namespace

std::string metrics_line(const EpochReport& report, bool has_elbo, bool surrogate) {
  const bool train = report.split == Split::train;
  const PlayerReport first = report.players.empty() ? PlayerReport() : report.players.front();
  nlohmann::ordered_json json;
  json["epoch"] = report.epoch;
  json["step"] = report.step;
  json["split"] = train ? "train" : "validation";
  json["loss"] = report.loss();
  json["elbo"] = number_or_null(has_elbo && !(surrogate && train), report.elbo());
  if (surrogate && train) json["surrogate"] = report.elbo();
  json["log_likelihood_term"] = report.log_likelihood_term();
  json["kl"] = number_or_null(report.terms.has("kl"), report.kl());
  for (const NamedValue& term : report.terms)
    if (term.name != "nll" && term.name != "kl") json[term.name] = term.value;
  for (const NamedValue& number : report.diagnostics) json[number.name] = number.value;
  json["kl_weight"] = number_or_null(report.schedules.has("beta"), report.schedules.get("beta"));
  for (const NamedValue& schedule : report.schedules)
    if (schedule.name != "beta") json[schedule.name] = schedule.value;
  json["grad_norm"] = number_or_null(train, first.grad_norm);
  json["lr"] = first.learning_rate;
  if (report.players.size() > 1) json["players"] = players_json(report, train);
  json["rows"] = report.samples;
  json["seconds"] = report.seconds;
  for (const NamedValue& tensor : report.grad_norms) json["grad_norms"][tensor.name] = tensor.value;
  return json.dump();
}

}  // namespace longhand::cli
