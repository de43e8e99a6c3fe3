// SPDX-License-Identifier: MIT
#include "commands.hpp"
#include "model.hpp"
#include "output.hpp"

namespace longhand::cli {

ExitCode run(const ScoreArguments& a) {
  const Format format = output_format(a.out, "npy csv");
  const std::unique_ptr<Model> model = load_model(a.model, a.common);
  const DataSet data = read_data_for(*model, a.data, a.common);
  const Rows scores = model->score(data, a.samples, a.seed);

  const bool has_elbo = model->has_elbo();
  std::vector<std::string> names{"log_likelihood_term"};
  if (has_elbo) names = {"elbo", "log_likelihood_term", "kl"};
  Rows rows(data.rows, static_cast<Index>(names.size()));
  rows.single = false;
  for (Index row = 0; row < data.rows; ++row) {
    const double term = scores(row, 0), kl = scores(row, 1);
    if (has_elbo) {
      rows(row, 0) = term - kl;
      rows(row, 1) = term;
      rows(row, 2) = kl;
    } else {
      rows(row, 0) = term;
    }
  }
  write_rows(a.out, format, a.common, names, rows);
  return ExitCode::ok;
}

}  // namespace longhand::cli
