// SPDX-License-Identifier: MIT
#include "metrics.hpp"

#include <nlohmann/json.hpp>

namespace longhand::cli {

std::string metrics_line(const EpochReport& report, bool has_elbo) {
  const bool train = report.split == Split::train;
  nlohmann::ordered_json json;
  json["epoch"] = report.epoch;
  json["step"] = report.step;
  json["split"] = train ? "train" : "validation";
  json["loss"] = report.loss;
  json["elbo"] = nullptr;
  if (has_elbo) json["elbo"] = report.elbo();
  json["log_likelihood_term"] = report.log_likelihood_term;
  json["kl"] = report.kl;
  json["kl_weight"] = report.kl_weight;
  json["grad_norm"] = nullptr;
  if (train) json["grad_norm"] = report.grad_norm;
  json["lr"] = report.learning_rate;
  json["rows"] = report.rows;
  json["seconds"] = report.seconds;
  return json.dump();
}

}  // namespace longhand::cli
