// SPDX-License-Identifier: MIT
#include "commands.hpp"
#include "model.hpp"
#include "output.hpp"

namespace longhand::cli {

ExitCode run(const EmbedArguments& a) {
  const Format format = output_format(a.out, "npy csv");
  const std::unique_ptr<Model> model = load_model(a.model, a.common);
  if (a.logvar && !model->has_logvar())
    throw Failure(ExitCode::usage,
                  "--logvar: ", model->has_elbo() ? "classes have" : "an autoencoder has",
                  " no posterior variance");
  const DataSet data = read_data_for(*model, a.data, a.common);

  const Index latents = model->latents();
  Rows rows = model->encode(data, data.all());
  std::vector<std::string> names = numbered("mu", latents);
  if (a.logvar) {
    const Rows logvar = model->encode_logvar(data, data.all());
    Rows both(rows.count, 2 * latents);
    both.single = rows.single;
    for (Index row = 0; row < rows.count; ++row)
      for (Index i = 0; i < latents; ++i) {
        both(row, i) = rows(row, i);
        both(row, latents + i) = logvar(row, i);
      }
    rows = std::move(both);
    for (const std::string& name : numbered("logvar", latents)) names.push_back(name);
  }
  write_rows(a.out, format, a.common, names, rows);
  return ExitCode::ok;
}

}  // namespace longhand::cli
