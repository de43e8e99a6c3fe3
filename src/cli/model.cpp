// SPDX-License-Identifier: MIT
#include "model.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "failure.hpp"
#include "output.hpp"

namespace longhand::cli {

namespace {

LikelihoodSpec likelihood_of(const ModelOptions& o, double logvar_bound) {
  const auto output = from_name<OutputMap>("--output", o.output);
  io::FileLikelihood likelihood = from_name<io::FileLikelihood>("--likelihood", o.likelihood);
  if (auto* fixed = std::get_if<Gaussian>(&likelihood)) {
    *fixed = {.variance = o.sigma * o.sigma, .output = output};
  } else if (auto* learned = std::get_if<LearnedGaussian>(&likelihood)) {
    *learned = {.output = output, .logvar_bound = logvar_bound};
  } else if (output != OutputMap::identity) {
    throw Failure(ExitCode::usage, "--output ", o.output,
                  " is for the Gaussian likelihoods: a Bernoulli's mean is always a sigmoid");
  }
  return std::visit([](const auto& l) { return LikelihoodSpec(l); }, likelihood);
}

/// net(widths, dropout) makes the hidden stages of a net.
template <class MakeNet>
LatentSpec latent_of(const ModelOptions& o, double logvar_bound, const MakeNet& net) {
  const ModelOptions usual;
  const bool categorical = o.latent_kind == CategoricalLatentSpec::name,
             code = o.latent_kind == CodeSpec::name;
  if (!categorical && (o.classes != usual.classes || o.estimator != usual.estimator))
    throw Failure(ExitCode::usage, "--classes and --estimator are for --latent-kind categorical");
  if (categorical && (o.kind == "ae" || o.kind == "aae"))
    throw Failure(ExitCode::usage, "--latent-kind categorical is not for --model ", o.kind);
  // The config.toml of earlier versions has "gaussian" for an ae.
  if (o.kind == "ae") return CodeSpec{o.latent};
  const auto refuse_logvar_bound = [&] {
    if (o.logvar_bound != usual.logvar_bound && o.likelihood != LearnedGaussian::name)
      throw Failure(
          ExitCode::usage,
          "--logvar-bound is for --latent-kind gaussian or --likelihood gaussian-learned");
  };
  if (o.kind == "aae" && (code || o.latent_kind.empty())) {
    refuse_logvar_bound();
    return CodeSpec{o.latent};
  }
  if (code) throw Failure(ExitCode::usage, "--latent-kind code is for --model ae and aae");
  if (categorical) {
    if (o.prior != usual.prior)
      throw Failure(ExitCode::usage, "--prior is for --latent-kind gaussian");
    refuse_logvar_bound();
    return CategoricalLatentSpec{.variables = o.latent,
                                 .classes = o.classes,
                                 .estimator = from_name<Estimator>("--estimator", o.estimator)};
  }
  GaussianLatentSpec gaussian;
  gaussian.dim = o.latent;
  gaussian.logvar_bound = logvar_bound;
  gaussian.prior = from_name<PriorSpec>("--prior", o.prior);
  if (auto* learned = std::get_if<ConditionalPrior>(&gaussian.prior))
    learned->net = net(o.prior_hidden, 0);
  return gaussian;
}

VaeSpec vae_spec(const ModelOptions& o, const InputFacts& input, std::uint64_t seed) {
  if (o.sigma != 1 && o.likelihood != Gaussian::name)
    throw Failure(ExitCode::usage, "--sigma is for --likelihood gaussian");
  if (o.kind == "aae" && o.prior != ModelOptions().prior)
    throw Failure(ExitCode::usage,
                  "--prior is for --model cvae, an aae's is chosen by --adversarial-prior");
  if (o.prior == ConditionalPrior::name && o.kind != "cvae")
    throw Failure(ExitCode::usage, "--prior conditional is for --model cvae");
  if (o.prior_hidden != "none" && o.prior != ConditionalPrior::name)
    throw Failure(ExitCode::usage, "--prior-hidden is for --prior conditional");
  const double logvar_bound = o.logvar_bound == "none" ? std::numeric_limits<double>::infinity()
                                                       : std::stod(o.logvar_bound);
  const auto activation = from_name<Activation>("--activation", o.activation);
  const auto net = [&](const std::string& list, double dropout) {
    return mlp(widths(list), activation, dropout);
  };
  VaeSpec spec;
  spec.input_dim = input.dim;
  spec.hidden = net(o.hidden, o.dropout);
  if (!o.decoder_hidden.empty()) spec.decoder_hidden = net(o.decoder_hidden, o.dropout);
  spec.latent = latent_of(o, logvar_bound, net);
  spec.likelihood = likelihood_of(o, logvar_bound);
  const bool numbers = !input.condition_names.empty();
  if (o.kind == "cvae")
    spec.condition_dim = numbers ? static_cast<Index>(input.condition_names.size()) : input.classes;
  spec.init = from_name<Init>("--init", o.init);
  spec.seed = seed;
  spec.image = input.image;
  spec.window = input.window;
  spec.transform = input.transform;
  spec.names = input.names;
  if (spec.condition_dim > 0 && numbers) {
    spec.condition_names = input.condition_names;
    spec.condition_transform = input.condition_transform;
  } else if (spec.condition_dim > 0) {
    spec.class_names = input.class_names;
  }
  return spec;
}

AaeSpec aae_spec(const ModelOptions& o, const InputFacts& input, std::uint64_t seed) {
  AaeSpec spec;
  spec.autoencoder = vae_spec(o, input, seed);
  spec.prior = sampled_prior(o.adversarial_prior);
  if (std::holds_alternative<RingPrior>(spec.prior) && o.latent != 2)
    throw Failure(ExitCode::usage, "--adversarial-prior ", o.adversarial_prior,
                  " is for --latent 2, here it is ", o.latent);
  spec.discriminator =
      mlp(widths(o.discriminator), from_name<Activation>("--activation", o.activation));
  return spec;
}

/// Before a training, what would be refused after it.
void require_savable(const ModelSpec& spec, const std::string& scalar) {
  try {
    std::visit(
        [&](const auto& s) {
          io::require_savable(s, scalar == "float64" ? io::Dtype::f64 : io::Dtype::f32);
        },
        spec);
  } catch (const io::FormatError& error) {
    // The input's numbers were fitted to the data, all others are options.
    const bool data = error.field().starts_with("input.");
    throw Failure(data ? ExitCode::bad_input : ExitCode::usage,
                  data ? "the data make a model that cannot be used or saved: "
                       : "the options make a model that cannot be used or saved: ",
                  std::string_view(error.what()).substr(error.file().size() + 2));
  }
}

void require_scalar(const CommonOptions& common, const std::string& scalar) {
  if (common.device == "cuda" && scalar != "float32")
    throw Failure(ExitCode::usage, "--device cuda computes in float32, but the model is ", scalar);
}

}  // namespace

ModelSpec model_spec(const ModelOptions& options, const InputFacts& input, std::uint64_t seed) {
  if (options.kind == "aae") return aae_spec(options, input, seed);
  const ModelOptions usual;
  if (options.discriminator != usual.discriminator ||
      options.adversarial_prior != usual.adversarial_prior)
    throw Failure(ExitCode::usage, "--discriminator and --adversarial-prior are for --model aae");
  return vae_spec(options, input, seed);
}

ModelSpec describe_bare(const ModelOptions& options, const io::ModelHeader& header,
                        const std::string& path) {
  const ModelSpec sketch = model_spec(options, {.classes = options.kind == "cvae" ? 1 : 0}, 0);
  const ParamLayout layout = std::visit([](const auto& spec) { return layout_of(spec); }, sketch);
  const auto extent = [&](const ParamBlock& block, std::size_t dimension) {
    const std::string& name = block.parts.front().name;
    for (const io::TensorInfo& tensor : header.tensors)
      if (tensor.name == name && tensor.shape.size() == 2)
        return static_cast<Index>(tensor.shape[dimension]);
    std::string there;
    for (std::size_t i = 0; i < std::min<std::size_t>(header.tensors.size(), 12); ++i)
      there += (i > 0 ? ", " : "") + header.tensors[i].name;
    throw Failure(ExitCode::bad_input, path, ": tensor ", name,
                  " is missing, expected a matrix of that name; the names in the file begin with ",
                  there, " (docs/pytorch.md shows how to rename them)");
  };
  const auto& decoder = layout.segment("decoder");
  const std::size_t last_weight = decoder.first_block + decoder.blocks - 2;  // then its bias
  const Index input = extent(layout.blocks()[last_weight], 0) /
                      std::visit([](const auto& spec) { return outputs_per_number(spec); }, sketch);
  const Index both = extent(layout.blocks()[layout.segment("encoder").first_block], 1);
  return model_spec(options, {.dim = input, .classes = both - input}, 0);
}

bool bounds_logvar(const ModelSpec& spec) {
  return std::visit(
      [](const auto& own) {
        const auto* const gaussian = std::get_if<GaussianLatentSpec>(&autoencoder_of(own).latent);
        return gaussian != nullptr && std::isfinite(gaussian->logvar_bound);
      },
      spec);
}

std::unique_ptr<Model> make_model(const ModelSpec& spec, const std::string& scalar,
                                  const CommonOptions& common, const std::string& precision) {
  require_device(common);
  require_scalar(common, scalar);
  require_savable(spec, scalar);
  if (common.device == "cuda") return make_cuda_model(spec, precision);
  return scalar == "float64" ? make_double_model(spec, common.threads)
                             : make_float_model(spec, common.threads);
}

DescribedFile read_described(const ModelSource& source) {
  io::ModelFile file = io::read_model_file(source.path);
  DescribedFile result;
  if (!file.header.bare) {
    result.spec = spec_in(file);
  } else if (source.bare) {
    result.spec = describe_bare(*source.bare, file.header, source.path);
    std::visit([&](const auto& spec) { io::spec_of(file, &spec); }, *result.spec);
  }
  result.header = std::move(file.header);
  return result;
}

std::unique_ptr<Model> load_model(const ModelSource& source, const CommonOptions& common) {
  require_device(common);
  const auto [header, spec] = read_described(source);
  if (!header.prefix.empty())
    say(common, text("warning: ", source.path, ": every name begins with ", header.prefix,
                     ", which was left out"));
  if (!spec)
    throw Failure(ExitCode::bad_input, source.path,
                  ": holds weights without a description, expected --config FILE.toml with the "
                  "model options of `longhand train`");
  require_scalar(common, header.scalar);
  if (common.device == "cuda") return load_cuda_model(source.path, *spec, header.bare);
  return header.scalar == "float64"
             ? load_double_model(source.path, *spec, header.bare, common.threads)
             : load_float_model(source.path, *spec, header.bare, common.threads);
}

void require_device(const CommonOptions& common) {
  if (common.device != "cuda") return;
  const std::string reason = cuda_unavailable();
  if (!reason.empty()) throw Failure(ExitCode::no_device, "--device cuda: ", reason);
}

void check_data_for(const Model& model, const DataSet& data, bool input_is_target) {
  if (data.dim != model.input_dim())
    throw Failure(ExitCode::bad_input, data.path, ": rows have ", data.dim,
                  " numbers, the model expects ", model.input_dim());
  try {
    model.check(data, input_is_target);
  } catch (const std::invalid_argument& error) {
    std::string problem = error.what();
    for (const std::string prefix : {"longhand: ", "the data: "})
      if (problem.starts_with(prefix)) problem.erase(0, prefix.size());
    throw Failure(ExitCode::bad_input, data.path, ": ", problem);
  }
}

namespace {
DataRequest request_for(const Model& model) {
  DataRequest request;
  request.split = "test";
  request.scalar = model.scalar();
  request.numeric_condition = !model.condition_names().empty();
  request.condition_names = model.condition_names();
  request.condition_transform = model.condition_transform();
  if (model.condition_dim() > 0 && !request.numeric_condition)
    request.classes = model.condition_dim();
  request.names = model.names();
  request.class_names = model.class_names();
  request.window = model.window();
  request.transform = model.transform();
  request.binary = model.is_binary();
  return request;
}
DataSet checked_for(const Model& model, DataSet data, const CommonOptions& common,
                    bool input_is_target = true) {
  fill_missing(data);
  check_data_for(model, data, input_is_target);
  // Only now: before, the file alone said how many there are.
  if (data.names.empty()) data.names = numbered("x", data.dim);
  for (const std::string& note : data.notes) say(common, "warning: " + note);
  if (data.image[0] == 0) data.image = model.image();
  return data;
}
}  // namespace

DataSet read_data_for(const Model& model, const DataOptions& options, const CommonOptions& common,
                      const ChosenRows* only) {
  DataRequest request = request_for(model);
  if (only != nullptr) {
    request.split = only->split;
    request.only = only->rows;
    request.rows_in_file = only->rows_in_file;
  }
  return checked_for(model, read_data(options, request), common);
}

DataSet read_inputs_for(const Model& model, const DataOptions& options,
                        const CommonOptions& common) {
  return checked_for(model, read_data(options, request_for(model)), common, false);
}

DataSet read_labelled_data_for(const Model& model, const DataOptions& options,
                               const CommonOptions& common) {
  DataRequest request = request_for(model);
  request.classes = kCountClasses;
  DataSet data = read_data(options, request);
  if (!request.numeric_condition)
    std::visit([](auto& numbers) { numbers.condition.clear(); }, data.numbers);
  return checked_for(model, std::move(data), common);
}

std::vector<std::string> names_of(const Model& model) {
  return model.names().empty() ? numbered("x", model.input_dim()) : model.names();
}

Index require_label(const Model& model, const std::string& label) {
  const Index classes = model.condition_dim();
  if (!model.condition_names().empty())
    throw Failure(ExitCode::usage,
                  "--label is a class, and the condition of this model is numbers: expected "
                  "--condition NAME=VALUE");
  if (classes == 0)
    throw Failure(ExitCode::usage, "--label is for conditional models, this one has no classes");
  const std::vector<std::string>& names = model.class_names();
  for (Index k = 0; k < classes; ++k)
    if (label == (names.empty() ? std::to_string(k) : names[static_cast<std::size_t>(k)])) return k;
  throw Failure(ExitCode::usage, "--label is ", label, ", expected ", classes_text(names, classes));
}

void require_row(const DataSet& data, const char* option, Index row) {
  if (row >= data.rows)
    throw Failure(ExitCode::usage, option, " is ", row, ", expected 0 to ", data.rows - 1,
                  ", the rows of ", data.path);
}

Rows condition_of(const Model& model, Index label, Index count) {
  const Index classes = model.condition_dim();
  if (classes == 0) return {};
  Rows condition(count, classes);
  for (Index row = 0; row < count; ++row) condition(row, label) = 1;
  return condition;
}

Rows conditions_of(const DataSet& data, Range rows) {
  if (data.condition_dim() == 0) return {};
  Rows condition(rows.count, data.condition_dim());
  for (Index row = 0; row < rows.count; ++row)
    for (Index i = 0; i < condition.dim; ++i)
      condition(row, i) = data.condition(rows.first + row, i);
  return condition;
}

Rows values_of(const DataSet& data, Range rows) {
  Rows values(rows.count, data.dim);
  for (Index row = 0; row < rows.count; ++row)
    for (Index i = 0; i < data.dim; ++i) values(row, i) = data.value(rows.first + row, i);
  return values;
}

std::vector<double> offsets_of(const Model& model, const InputTransform& transform) {
  return model.scalar() == "float32" ? transform.offsets<float>() : transform.offsets<double>();
}

Rows with_offsets_of(const Model& model, Rows rows) {
  const std::vector<double> offsets = offsets_of(model, model.transform());
  if (offsets.empty()) return rows;
  for (Index row = 0; row < rows.count; ++row)
    for (Index i = 0; i < rows.dim; ++i) rows(row, i) += offsets[static_cast<std::size_t>(i)];
  rows.single = false;
  return rows;
}

}  // namespace longhand::cli
