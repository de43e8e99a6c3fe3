// SPDX-License-Identifier: MIT
#include "model.hpp"

#include <limits>

#include "failure.hpp"

namespace longhand::cli {

namespace {

AnyLikelihood likelihood_of(const ModelOptions& o, double logvar_bound) {
  const OutputMap map = o.output == "sigmoid" ? OutputMap::sigmoid : OutputMap::identity;
  if (o.likelihood == "gaussian") return Gaussian{o.sigma * o.sigma, map};
  if (o.likelihood == "gaussian-learned") return LearnedGaussian{map, {logvar_bound}};
  if (o.output != "identity")
    throw Failure(ExitCode::usage, "--output ", o.output,
                  " is for the Gaussian likelihoods: a Bernoulli's mean is always a sigmoid");
  return Bernoulli{};
}

/// A state dict has no description: the first and the last layer say how wide its data are.
VaeConfig describe_bare(const ModelOptions& options, const io::ModelHeader& header,
                        const std::string& path) {
  const auto width = [&](const std::string& name, std::size_t dimension) {
    for (const io::TensorInfo& tensor : header.tensors)
      if (tensor.name == name && tensor.shape.size() == 2)
        return static_cast<Index>(tensor.shape[dimension]);
    throw Failure(ExitCode::bad_input, path, ": tensor ", name,
                  " is missing, expected a matrix of that name");
  };
  const VaeConfig sketch = model_config(options, 1, options.kind == "cvae" ? 1 : 0);
  const std::string last = text("decoder.", 2 * sketch.decoder_widths().size(), ".weight");
  const std::string first = sketch.hidden.empty() ? "mu.weight" : "encoder.0.weight";
  const Index input = width(last, 0) / sketch.likelihood.output_rows(1);
  return model_config(options, input, width(first, 1) - input);
}

void require_scalar(const CommonOptions& common, const std::string& scalar) {
  if (common.device == "cuda" && scalar != "float32")
    throw Failure(ExitCode::usage, "--device cuda computes in float32, but the model is ", scalar);
}

}  // namespace

VaeConfig model_config(const ModelOptions& o, Index input_dim, Index classes) {
  if (o.sigma != 1 && o.likelihood != "gaussian")
    throw Failure(ExitCode::usage, "--sigma is for --likelihood gaussian");
  if (o.prior == "conditional" && o.kind != "cvae")
    throw Failure(ExitCode::usage, "--prior conditional is for --model cvae");
  if (o.prior_hidden != "none" && o.prior != "conditional")
    throw Failure(ExitCode::usage, "--prior-hidden is for --prior conditional");
  VaeConfig config;
  config.input_dim = input_dim;
  config.hidden = widths(o.hidden);
  if (!o.decoder_hidden.empty()) config.decoder_hidden = widths(o.decoder_hidden);
  config.activation = from_name<Activation>("activation", o.activation);
  config.latent_dim = o.latent;
  config.latent = o.kind == "ae" ? LatentKind::deterministic : LatentKind::gaussian;
  config.logvar_bound = o.logvar_bound == "none" ? std::numeric_limits<double>::infinity()
                                                 : std::stod(o.logvar_bound);
  config.likelihood = likelihood_of(o, config.logvar_bound);
  config.condition_dim = o.kind == "cvae" ? classes : 0;
  config.prior = o.prior == "conditional" ? PriorKind::conditional : PriorKind::standard_normal;
  config.prior_hidden = widths(o.prior_hidden);
  config.dropout = o.dropout;
  config.init = o.init == "glorot" ? Init::glorot : o.init == "he" ? Init::he : Init::pytorch;
  return config;
}

std::unique_ptr<Model> make_model(const VaeConfig& config, const std::string& scalar,
                                  const CommonOptions& common, const std::string& precision) {
  require_device(common);
  require_scalar(common, scalar);
  if (common.device == "cuda") return make_cuda_model(config, precision);
  return scalar == "float64" ? make_double_model(config, common.threads)
                             : make_float_model(config, common.threads);
}

io::ModelHeader read_header(const ModelSource& source) {
  io::ModelHeader header = io::read_model_header(source.path);
  if (!header.bare || !source.bare) return header;
  const VaeConfig config = describe_bare(*source.bare, header, source.path);
  return io::read_model_header(source.path, &config);
}

std::unique_ptr<Model> load_model(const ModelSource& source, const CommonOptions& common) {
  require_device(common);
  const io::ModelHeader header = read_header(source);
  if (header.bare && !source.bare)
    throw Failure(ExitCode::bad_input, source.path,
                  ": holds weights without a description, expected --config FILE.toml with the "
                  "model options of `longhand train`");
  require_scalar(common, header.scalar);
  const VaeConfig* const foreign = header.bare ? &header.config : nullptr;
  if (common.device == "cuda") return load_cuda_model(source.path, foreign);
  return header.scalar == "float64" ? load_double_model(source.path, foreign, common.threads)
                                    : load_float_model(source.path, foreign, common.threads);
}

void require_device(const CommonOptions& common) {
  if (common.device != "cuda") return;
  const std::string reason = cuda_unavailable();
  if (!reason.empty()) throw Failure(ExitCode::no_device, "--device cuda: ", reason);
}

void check_data_for(const Model& model, const DataSet& data) {
  if (data.dim != model.config().input_dim)
    throw Failure(ExitCode::bad_input, data.path, ": rows have ", data.dim,
                  " numbers, the model expects ", model.config().input_dim);
  try {
    model.check(data);
  } catch (const std::invalid_argument& error) {
    std::string problem = error.what();
    for (const std::string prefix : {"longhand: ", "the data: "})
      if (problem.starts_with(prefix)) problem.erase(0, prefix.size());
    throw Failure(ExitCode::bad_input, data.path, ": ", problem);
  }
}

DataSet read_data_for(const Model& model, const DataOptions& options) {
  const Index classes = model.config().condition_dim;
  DataSet data = read_data(options, "test", classes > 0 ? classes : kNoLabels, model.scalar());
  fill_missing(data, model.config().transform);
  check_data_for(model, data);
  if (data.image[0] == 0) data.image = model.config().image;
  return data;
}

void require_label(const Model& model, Index label) {
  const Index classes = model.config().condition_dim;
  if (classes == 0)
    throw Failure(ExitCode::usage, "--label is for conditional models, this one has no classes");
  if (label >= classes)
    throw Failure(ExitCode::usage, "--label is ", label, ", expected 0 to ", classes - 1);
}

void require_row(const DataSet& data, const char* option, Index row) {
  if (row >= data.rows)
    throw Failure(ExitCode::usage, option, " is ", row, ", expected 0 to ", data.rows - 1,
                  ", the rows of ", data.path);
}

Rows condition_of(const Model& model, Index label, Index count) {
  const Index classes = model.config().condition_dim;
  if (classes == 0) return {};
  Rows condition(count, classes);
  for (Index row = 0; row < count; ++row) condition(row, label) = 1;
  return condition;
}

Rows conditions_of(const DataSet& data, Range rows) {
  if (data.classes == 0) return {};
  Rows condition(rows.count, data.classes);
  for (Index row = 0; row < rows.count; ++row)
    condition(row, static_cast<Index>(data.labels[static_cast<std::size_t>(rows.first + row)])) = 1;
  return condition;
}

}  // namespace longhand::cli
