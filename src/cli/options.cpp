// SPDX-License-Identifier: MIT
#include "options.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <iostream>
#include <set>
#include <sstream>

#include "changes.hpp"
#include "checkpoints.hpp"
#include "config_file.hpp"
#include "environment.hpp"
#include "failure.hpp"
#include "help.hpp"
#include "longhand/core/version.hpp"
#include "longhand/io/model_header.hpp"
#include "number.hpp"

namespace longhand::cli {
namespace {

// ---- values ------------------------------------------------------------------------------------
// CLI11's own range check lets NaN through.

template <class Accepts>
CLI::Validator number_that(Accepts accepts, const std::string& expected, const std::string& name) {
  return CLI::Validator(
      [=](std::string& value) {
        const std::optional<double> parsed = number(value);
        if (parsed && accepts(*parsed)) return std::string();
        return text("is '", value, "', expected ", expected);
      },
      name);
}
CLI::Validator positive() {
  return number_that([](double v) { return v > 0 && std::isfinite(v); }, "a positive number",
                     "NUMBER > 0");
}
CLI::Validator not_negative() {
  return number_that([](double v) { return v >= 0 && std::isfinite(v); }, "0 or a positive number",
                     "NUMBER >= 0");
}
CLI::Validator fraction() {
  return number_that([](double v) { return v >= 0 && v < 1; }, "a number in [0, 1)",
                     "NUMBER in [0,1)");
}
CLI::Validator integer(std::int64_t low, std::int64_t high = std::int64_t{1} << 31) {
  const std::string expected = high < std::int64_t{1} << 31
                                   ? text("a whole number from ", low, " to ", high)
                                   : text("a whole number, at least ", low);
  return CLI::Validator(
      [=](std::string& value) {
        std::int64_t parsed = 0;
        const char* const end = value.data() + value.size();
        const auto [stop, error] = std::from_chars(value.data(), end, parsed);
        const bool good = error == std::errc() && stop == end && parsed >= low && parsed <= high;
        return good ? std::string() : text("is '", value, "', expected ", expected);
      },
      text("INT >= ", low));
}
CLI::Validator seed_value() {
  return CLI::Validator(
      [](std::string& value) {
        std::uint64_t parsed = 0;
        const char* const end = value.data() + value.size();
        const auto [stop, error] = std::from_chars(value.data(), end, parsed);
        const bool good = error == std::errc() && stop == end;
        return good ? std::string()
                    : text("is '", value, "', expected a whole number from 0 to 2^64 - 1");
      },
      "INT >= 0");
}
CLI::Validator one_of(const std::vector<std::string>& names) {
  std::string all;
  for (const std::string& name : names) all += (all.empty() ? "" : "|") + name;
  return CLI::Validator(
      [=](std::string& value) {
        return std::ranges::find(names, value) != names.end()
                   ? std::string()
                   : text("is '", value, "', expected one of ", all);
      },
      all);
}
/// The names of an enum or of a variant's alternatives, one by one.
template <class T>
std::vector<std::string> names() {
  std::vector<std::string> list;
  std::istringstream all(names_of<T>());
  for (std::string name; std::getline(all >> std::ws, name, ',');) list.push_back(name);
  return list;
}
/// Text that `read` understands.
template <class Read>
CLI::Validator readable(const Read& read, const std::string& name) {
  return CLI::Validator(
      [read](std::string& value) {
        try {
          read(value);
          return std::string();
        } catch (const Failure& failure) {
          return std::string(failure.what());
        }
      },
      name);
}
CLI::Validator list_of_widths() { return readable(widths, "N[,N...]|none"); }
CLI::Validator prior_of_codes() { return readable(sampled_prior, "normal[:SCALE]|ring:K"); }
CLI::Validator bound_or_none() {
  return CLI::Validator(
      [](std::string& value) {
        const std::optional<double> parsed = number(value);
        if (value == "none" || (parsed && *parsed > 0 && std::isfinite(*parsed)))
          return std::string();
        return text("is '", value, "', expected a positive number or none");
      },
      "C|none");
}
CLI::Validator rate_or_auto() {
  return CLI::Validator(
      [](std::string& value) {
        const std::optional<double> parsed = number(value);
        if (value == "auto" || (parsed && *parsed > 0 && std::isfinite(*parsed)))
          return std::string();
        return text("is '", value, "', expected a positive number or auto");
      },
      "R|auto");
}
CLI::Validator integer_or_all() {
  return CLI::Validator(
      [](std::string& value) { return value == "all" ? std::string() : integer(0)(value); },
      "D|all");
}

// ---- tables ------------------------------------------------------------------------------------

/// One option and its check; the help shows what the check expects.
template <class T>
CLI::Option* add_optional(CLI::App& app, const std::string& name, T& value, const std::string& says,
                          const CLI::Validator& check) {
  return app.add_option(name, value, says)
      ->type_name(check.get_description())
      ->check(CLI::Validator(check).description(""))
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
}

/// One option and its check, whose help also shows the default.
template <class T>
void add(CLI::App& app, const std::string& name, T& value, const std::string& says,
         const CLI::Validator& check) {
  add_optional(app, name, value, says, check)->capture_default_str();
}

/// Text that is checked where it is used.
void add_path(CLI::App& app, const std::string& name, std::string& value, const std::string& says,
              const std::string& shows) {
  app.add_option(name, value, says)
      ->type_name(shows)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
}

void add_common(CLI::App& app, CommonOptions& o, std::string& config, const char* config_says) {
  add_path(app, "--config", config, config_says, "FILE.toml");
  add(app, "--threads", o.threads,
      "threads; never changes a result (default: OMP_NUM_THREADS, else the physical cores)",
      integer(1, kMostThreads));
  add(app, "--device", o.device, "where to compute", one_of({"auto", "cpu", "cuda"}));
  app.add_flag("--json", o.json, "results as JSON on stdout");
  app.add_flag("--quiet,-q", o.quiet, "nothing on stderr but errors");
}

void add_data(CLI::App& app, DataOptions& o) {
  add_path(app, "--data", o.path,
           "folder of IDX files as MNIST has them, or .npy, .npz:ARRAY, .csv, .idx; - for stdin",
           "PATH");
  add_path(app, "--labels", o.labels, "labels: a .npy, .csv or IDX file, or a column of the csv",
           "PATH|COLUMN");
  add(app, "--missing", o.missing, "what NaN in the data means: a mistake, or a missing value",
      one_of({"error", "nan"}));
  add(app, "--header", o.header, "csv: whether the first line holds names",
      one_of({"auto", "yes", "no"}));
  add_path(app, "--index", o.index, "csv: the column that numbers the rows and is no data",
           "auto|none|COLUMN");
  add_path(app, "--columns", o.columns, "csv: these columns alone (names, or numbers from 1)",
           "A[,B...]");
  add_path(app, "--drop", o.drop, "csv: not these columns", "A[,B...]");
  add(app, "--bytes", o.bytes, "what bytes are divided by (auto: 1 if they are 0 and 1, else 255)",
      one_of({"auto", "1", "255"}));
  add(app, "--separator", o.separator, "between the fields of a csv",
      one_of({"auto", "comma", "semicolon", "tab"}));
  add(app, "--decimal", o.decimal, "before the decimals of a csv",
      one_of({"auto", "point", "comma"}));
  add_path(app, "--image", o.image, "each row is a picture of this shape", "HxW[xC]");
}
void add_split(CLI::App& app, DataOptions& o) {
  add(app, "--split", o.split, "which part of an IDX folder (default: test)",
      one_of({"train", "test"}));
}
void add_out(CLI::App& app, std::string& out, const char* formats) {
  add_path(app, "--out,-o", out, text("file to write, ", formats, " by its ending"), "FILE");
}
void add_label(CLI::App& app, std::optional<std::string>& label, const char* says) {
  app.add_option("--label", label, says)
      ->type_name("CLASS")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
}
void add_model(CLI::App& app, ModelSource& model) {
  app.add_option("model", model.path, "model file (.safetensors)")->type_name("FILE")->required();
}
void add_seed(CLI::App& app, std::uint64_t& seed) {
  add(app, "--seed", seed, "of all randomness", seed_value());
}

void add_changes(CLI::App& app, ChangeOptions& o) {
  add(app, "--binarize", o.binarize,
      "grey pixels as 0 or 1: drawn once, drawn anew in every epoch, or 1 above 1/2",
      one_of({"none", "static", "dynamic", "threshold"}));
  app.add_flag("--dequantize", o.dequantize,
               "bytes as (byte + u) / 256, u uniform and anew in every epoch");
  add(app, "--corrupt", o.corrupt,
      "what the model is given is worse than what it is to come to: noise, numbers put out, or "
      "black and white pixels",
      readable(corrupt_of, "gaussian:S,mask:P,salt:P|none"));
}
void add_augment(CLI::App& app, ChangeOptions& o) {
  add(app, "--augment", o.augment,
      "rows that differ from epoch to epoch: most pixels and degrees that pictures are moved by, "
      "left for right, noise",
      readable(augment_of, "shift:N,rotate:DEG,flip,noise:S|none"));
}

void add_train(CLI::App& app, TrainArguments& t, std::string& config) {
  add_data(app, t.data);
  add_path(app, "--rows", t.data.rows, "only rows A to B - 1 of the data, from 0", "A:B");
  add(app, "--test", t.data.test, "fraction of the rows kept out, for evaluate --part test",
      fraction());
  add_path(app, "--out,-o", t.out, "folder for the model and what belongs to it", "DIR");

  ModelOptions& m = t.model;
  app.option_defaults()->group("Model");
  add(app, "--model", m.kind, "kind of model", one_of({"vae", "ae", "cvae", "aae"}));
  add(app, "--likelihood", m.likelihood, "p(x given z)", one_of(names<io::FileLikelihood>()));
  add(app, "--sigma", m.sigma, "gaussian: standard deviation", positive());
  add(app, "--output", m.output, "gaussian: from the decoder's number to the mean",
      one_of(names<OutputMap>()));
  add(app, "--hidden", m.hidden, "widths of the encoder's hidden layers", list_of_widths());
  add(app, "--decoder-hidden", m.decoder_hidden,
      "widths of the decoder's (default: the encoder's in reverse)", list_of_widths());
  add(app, "--activation", m.activation, "of the hidden layers", one_of(names<Activation>()));
  add(app, "--latent", m.latent, "dimensions of z, or categorical variables", integer(1));
  add(app, "--latent-kind", m.latent_kind,
      "what z is made of (default: code for ae and aae, else gaussian)",
      one_of(names<LatentSpec>()));
  add(app, "--classes", m.classes, "categorical: classes of each variable", integer(2));
  add(app, "--estimator", m.estimator, "categorical: what stands in for the gradient of a choice",
      one_of(names<Estimator>()));
  add(app, "--prior", m.prior, "p(z): N(0, I), or for a cvae learned from the label",
      one_of(names<PriorSpec>()));
  add(app, "--prior-hidden", m.prior_hidden, "conditional prior: widths of its hidden layers",
      list_of_widths());
  add(app, "--logvar-bound", m.logvar_bound, "log variances stay within -C and C", bound_or_none());
  add(app, "--discriminator", m.discriminator, "aae: widths of the discriminator's hidden layers",
      list_of_widths());
  add(app, "--adversarial-prior", m.adversarial_prior,
      "aae: what codes follow, N(0, SCALE^2 I) or K Gaussians on a circle", prior_of_codes());
  add(app, "--dropout", m.dropout, "probability, in hidden layers", fraction());
  add(app, "--init", m.init, "how weights start", one_of(names<Init>()));
  add(app, "--input-transform", t.input_transform,
      "fitted to the data, kept in the model: to [0, 1], to [-1, 1], or per column",
      one_of(names<InputTransform::Kind>()));
  app.add_flag("--standardize", t.standardize, "the same as --input-transform standardize");

  app.option_defaults()->group("Objective");
  add(app, "--beta", t.beta, "weight of the KL", not_negative());
  add(app, "--kl-warmup", t.kl_warmup, "steps in which that weight grows from 0", integer(0));
  add(app, "--temperature", t.temperature, "categorical: temperature at the first step",
      positive());
  add(app, "--temperature-min", t.temperature_min, "categorical: where it ends", positive());
  add(app, "--temperature-rate", t.temperature_rate,
      "categorical: it falls as e^(-R step); auto: it ends half way", rate_or_auto());
  add_changes(app, t.changes);
  add_augment(app, t.changes);
  add(app, "--l1", t.l1, "weight of sum |theta|", not_negative());
  add(app, "--l2", t.l2, "weight of sum theta^2 / 2", not_negative());

  app.option_defaults()->group("Training");
  add(app, "--epochs", t.epochs, "passes over the data", integer(1));
  add(app, "--batch", t.batch, "rows per step", integer(1));
  add(app, "--optimizer", t.optimizer, "", one_of({"adam", "adamw", "sgd", "momentum", "rmsprop"}));
  add(app, "--lr", t.learning_rate, "learning rate", positive());
  add_optional(app, "--discriminator-lr", t.discriminator_lr,
               "aae: learning rate of the discriminator (default: as --lr)", positive());
  add_optional(app, "--generator-lr", t.generator_lr,
               "aae: learning rate of the encoder as it deceives (default: as --lr)", positive());
  add(app, "--beta1", t.beta1, "adam, adamw: decay of the mean of gradients", fraction());
  add_optional(app, "--adversarial-beta1", t.adversarial_beta1,
               "aae: beta1 of discriminator and generator (default: as --beta1)", fraction());
  add(app, "--weight-decay", t.weight_decay, "adamw", not_negative());
  add(app, "--momentum", t.momentum, "momentum: rho", fraction());
  add(app, "--lr-schedule", t.schedule, "", one_of({"constant", "cosine", "step"}));
  add(app, "--lr-step", t.lr_step, "step: steps between drops", integer(1));
  add(app, "--lr-gamma", t.lr_gamma, "step: factor of a drop", positive());
  add(app, "--clip-norm", t.clip_norm, "most the gradient's global norm may be (0: any)",
      not_negative());
  add(app, "--validation", t.validation, "fraction of the rows held out", fraction());
  add(app, "--early-stop", t.early_stop,
      "epochs without a better validation loss, after the warm-up (0: never)", integer(0));
  app.add_flag("--grad-norms", t.grad_norms, "the gradient norm of every tensor in metrics.jsonl");
  add_seed(app, t.seed);
  add(app, "--scalar", t.scalar, "", one_of({"float", "double"}));
  add(app, "--precision", t.precision, "of products, on cuda", one_of({"fp32", "tf32"}));
  add(app, "--steps-per-launch", t.steps_per_launch,
      "training steps recorded as one CUDA graph (0: no graph), on cuda", integer(0));

  app.option_defaults()->group("Long trainings");
  add(app, "--checkpoint-every", t.checkpoint_every,
      "how often the state of the training is kept, to go on from",
      readable(checkpoint_every, "N[s|m|h|steps|epochs]|none"));
  add(app, "--keep", t.keep, "how many checkpoints are kept, the newest", integer(1));
  add_path(
      app, "--resume", t.resume,
      "go on from a checkpoint: a file, the folder of a run, or auto: from --out if one is there",
      "auto|PATH");
  add_optional(app, "--max-time", t.max_time,
               "after this time keep the state and end with exit code 6",
               readable(duration, "N[s|m|h]"));

  app.option_defaults()->group("Options");
  add_common(app, t.common, config, "options as `name = value`; the command line stands above it");
}

// ---- the configuration file --------------------------------------------------------------------

bool is_flag(const CLI::Option& option) { return option.get_expected_max() == 0; }
bool in_config(const CLI::Option& option) {
  const std::string name = option.get_single_name();
  return name != "help" && name != "config" && name != "json" && name != "quiet" &&
         name != "resume";
}

Config effective(const CLI::App& app) {
  Config config;
  for (const CLI::Option* option : app.get_options()) {
    if (!in_config(*option)) continue;
    const std::string name = option->get_single_name();
    if (is_flag(*option)) {
      config.emplace_back(name, option->count() > 0 && option->as<bool>() ? "true" : "false");
    } else if (option->count() > 0) {
      config.emplace_back(name, toml_value(option->as<std::string>()));
    } else if (!option->get_default_str().empty()) {
      config.emplace_back(name, toml_value(option->get_default_str()));
    }
  }
  return config;
}

std::vector<std::string> names_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options())
    names.push_back("--" + option->get_single_name());
  return names;
}
/// "unknown option '--epoch' (did you mean --epochs?)" for the first word that is none of `app`;
/// nothing if there is none.
std::string unknown_option(const std::vector<std::string>& words, const CLI::App& app) {
  for (const std::string& word : words) {
    const std::string name = word.substr(0, word.find('='));
    if (name.starts_with("--") && name.size() > 2 && app.get_option_no_throw(name) == nullptr)
      return text("unknown option '", name, "'", did_you_mean(name, names_of(app)));
  }
  return "";
}

/// Gives every option of `app` that is still open what the file says. Keys stand at the top or
/// under [train].
void read_config(const std::string& path, CLI::App& app) {
  for (const auto& [name, value] : read_config_file(path)) {
    CLI::Option* option = app.get_option_no_throw("--" + name);
    if (option == nullptr || !in_config(*option)) {
      throw Failure(ExitCode::usage, path, ": unknown key '", name,
                    "', expected the name of an option of `longhand train`",
                    did_you_mean("--" + name, names_of(app)));
    }
    if (option->count() > 0) continue;
    if (is_flag(*option) && value != "true" && value != "false") {
      throw Failure(ExitCode::usage, path, ": ", name, " is '", value, "', expected true or false");
    }
    try {
      option->add_result(value);
      option->run_callback();
    } catch (const CLI::Error& error) {
      throw Failure(ExitCode::usage, path, ": ", error.what());
    }
  }
}

/// What may be another when a training goes on: it changes no bit of what the steps compute. More
/// epochs are a longer training, and with a schedule that depends on their number another one.
bool may_change(const std::string& name) {
  static const std::set<std::string> names = {"epochs", "threads", "device", "steps-per-launch",
                                              "data",   "labels",  "out",    "checkpoint-every",
                                              "keep",   "max-time"};
  return names.contains(name);
}
/// Whether an option that was not given is that of the checkpoint. The others are decided anew by
/// where the training goes on.
bool is_taken_over(const std::string& name) {
  return name != "threads" && name != "device" && name != "out" && name != "max-time";
}

/// Gives every option of `app` that is still open what the training had that left the checkpoint.
/// Throws Failure where one was given and says something else.
void take_over(const std::string& path, CLI::App& app) {
  const CheckpointNotes notes = CheckpointNotes::from(io::read_model_file(path));
  for (const auto& [name, value] : parse_config(notes.config, path)) {
    CLI::Option* option = app.get_option_no_throw("--" + name);
    if (option == nullptr)
      throw Failure(ExitCode::bad_input, path, ": was made with the option --", name,
                    ", which this version does not have");
    if (option->count() > 0) {
      const bool same = is_flag(*option)
                            ? (option->as<bool>() ? "true" : "false") == value
                            : toml_value(option->as<std::string>()) == toml_value(value);
      if (!same && !may_change(name))
        throw Failure(ExitCode::usage, "--", name, " is ",
                      is_flag(*option) ? "given" : option->as<std::string>(), ", but ", path,
                      " was made with ", value,
                      ": a training goes on with the options it began with, but for --epochs, "
                      "--threads, --device, --steps-per-launch, --data, --labels, --out and those "
                      "of checkpoints");
    } else if (is_taken_over(name)) {
      option->add_result(value);
      option->run_callback();
    }
  }
}

}  // namespace

bool TrainArguments::given(const std::string& option) const {
  return std::ranges::find(said, option) != said.end();
}

std::vector<Index> widths(const std::string& list) {
  std::vector<Index> numbers;
  if (list.empty() || list == "none") return numbers;
  for (std::size_t start = 0; start <= list.size();) {
    const std::size_t end = std::min(list.find(',', start), list.size());
    std::string part = list.substr(start, end - start);
    const std::string problem = integer(1)(part);
    if (!problem.empty()) {
      throw Failure(ExitCode::usage, "is '", list,
                    "', expected whole numbers from 1 with commas between them, or none");
    }
    numbers.push_back(std::stoll(part));
    start = end + 1;
  }
  return numbers;
}

Threshold threshold_of(const std::string& text) {
  const bool quantile = text.starts_with('q');
  const std::optional<double> value = number(quantile ? text.substr(1) : text);
  if (value && std::isfinite(*value) && (!quantile || (*value > 0 && *value < 1)))
    return {*value, quantile};
  throw Failure(ExitCode::usage, "is '", text,
                "', expected qQ with Q between 0 and 1, a quantile of normal rows, or a number of "
                "nats");
}

SampledPriorSpec sampled_prior(const std::string& name) {
  const std::size_t colon = name.find(':');
  const std::string kind = name.substr(0, colon);
  std::string rest = colon == name.npos ? "" : name.substr(colon + 1);
  if (name == NormalPrior::name) return NormalPrior{};
  if (kind == NormalPrior::name && positive()(rest).empty()) return NormalPrior{std::stod(rest)};
  if (kind == RingPrior::name && integer(2, RingPrior::most_components)(rest).empty())
    return RingPrior{.components = std::stoll(rest)};
  throw Failure(ExitCode::usage, "is '", name,
                "', expected normal, normal:SCALE with a positive SCALE, or ring:K with a whole K "
                "from 2 to ",
                RingPrior::most_components);
}

std::optional<Arguments> parse(int argc, char** argv) {
  CLI::App app("Variational autoencoders with gradients derived by hand.", "longhand");
  app.set_version_flag("--version",
                       text("longhand ", version, " (products: ", product_engine(), ")"));
  app.require_subcommand(1);
  app.formatter(std::make_shared<NarrowHelp>());
  app.footer(
      "longhand help COMMAND says more of one. A training and what came of it:\n"
      "  longhand train --data mnist --out run\n"
      "  longhand sample run/model.safetensors --out samples.png");

  CommonOptions common;
  common.threads = default_threads();
  TrainArguments train;
  EvaluateArguments evaluate;
  SampleArguments sample;
  ReconstructArguments reconstruct;
  EmbedArguments embed;
  ScoreArguments score;
  AnomalyArguments anomaly;
  DenoiseArguments denoise;
  EditArguments edit;
  InterpolateArguments interpolate;
  TraverseArguments traverse;
  InfoArguments info;
  ImportArguments import;
  GradcheckArguments gradcheck;
  std::string config;
  train.common = common;
  CLI::App* const train_app = app.add_subcommand("train", "train a model");
  train_app->footer(
      "Examples:\n  longhand train --data mnist --hidden 400 --latent 20 --out run\n"
      "  longhand train --data table.csv --likelihood gaussian --standardize --out run\n"
      "  longhand train --resume run");
  add_train(*train_app, train, config);

  struct Command {
    CLI::App* app;
    ModelSource* model;
    Arguments (*finish)(const void*);
    const void* arguments;
  };
  std::vector<Command> commands;
  const auto add_command = [&]<class A>(const char* name, const char* says, A& arguments) {
    CLI::App* const sub = app.add_subcommand(name, says);
    arguments.common = common;
    add_model(*sub, arguments.model);
    add_common(*sub, arguments.common, config,
               "what `train` was told: describes a file that holds weights alone");
    commands.push_back({sub, &arguments.model,
                        [](const void* a) { return Arguments(*static_cast<const A*>(a)); },
                        &arguments});
    return sub;
  };

  CLI::App* sub = add_command("evaluate", "the bound on log p(x) and its parts", evaluate);
  sub->footer("Example:\n  longhand evaluate run/model.safetensors --data mnist --importance 100");
  add_data(*sub, evaluate.data);
  add_split(*sub, evaluate.data);
  add(*sub, "--part", evaluate.data.part,
      "only these rows of the data that the model was trained on (its folder lists them)",
      one_of({"train", "validation", "test"}));
  add_out(*sub, evaluate.out, ".json");
  add(*sub, "--samples", evaluate.samples, "draws of z per row, averaged", integer(1, 65535));
  add(*sub, "--importance", evaluate.importance,
      "draws of z per row for the log-mean-exp bound, tighter than the ELBO (0: it is left out)",
      integer(0, 65535));
  add_changes(*sub, evaluate.changes);
  add_seed(*sub, evaluate.seed);

  sub = add_command("sample", "new rows from the model", sample);
  sub->footer("Example:\n  longhand sample run/model.safetensors --count 64 --out samples.png");
  add_out(*sub, sample.out, ".png, .npy or .csv");
  add(*sub, "--count", sample.count, "how many", integer(1));
  add_label(*sub, sample.label, "cvae: the class (default: all in turn)");
  sub->add_flag("--draw", sample.draw, "draw from p(x given z) instead of taking its mean");
  add_path(*sub, "--image", sample.image, "each row is a picture of this shape", "HxW[xC]");
  add_seed(*sub, sample.seed);

  sub = add_command("reconstruct", "rows through the encoder and back", reconstruct);
  sub->footer(
      "Example:\n  longhand reconstruct run/model.safetensors --data mnist --out pairs.png");
  add_data(*sub, reconstruct.data);
  add_split(*sub, reconstruct.data);
  add_out(*sub, reconstruct.out, ".png, .npy or .csv");
  add_optional(*sub, "--count", reconstruct.count, "only the first rows (default: all; png: 8)",
               integer(1));
  add_label(*sub, reconstruct.label, "cvae: decode as this class");
  add_changes(*sub, reconstruct.changes);
  add_augment(*sub, reconstruct.changes);
  add_seed(*sub, reconstruct.seed);

  sub = add_command("embed", "posterior means of rows", embed);
  sub->footer("Example:\n  longhand embed run/model.safetensors --data mnist --out codes.npy");
  add_data(*sub, embed.data);
  add_split(*sub, embed.data);
  add_out(*sub, embed.out, ".npy or .csv");
  sub->add_flag("--logvar", embed.logvar, "also the log variances");

  sub = add_command("score", "the bound on log p(x) row by row", score);
  sub->footer("Example:\n  longhand score run/model.safetensors --data table.csv --out scores.csv");
  add_data(*sub, score.data);
  add_split(*sub, score.data);
  add_out(*sub, score.out, ".npy or .csv");
  add(*sub, "--samples", score.samples, "draws of z per row, averaged", integer(1, 65535));
  add_seed(*sub, score.seed);

  sub = add_command("anomaly", "how odd rows are, and because of which column", anomaly);
  sub->footer(
      "Example:\n  longhand anomaly run/model.safetensors --data new.csv --fit clean.csv \\\n    "
      "--threshold q0.99 --out odd.csv");
  add_data(*sub, anomaly.data);
  add_split(*sub, anomaly.data);
  add_path(*sub, "--fit", anomaly.fit,
           "rows known to be normal, which scores and deviations are measured by (default: the "
           "rows that the training held out, where the model's folder lists them)",
           "PATH");
  add_path(*sub, "--threshold", anomaly.threshold,
           "above it a row is odd: a quantile of normal rows, or nats", "qQ|NATS");
  sub->get_option("--threshold")->check(readable(threshold_of, "").description(""));
  add_out(*sub, anomaly.out, ".csv");
  add(*sub, "--blame", anomaly.blame, "how many columns are named for each row", integer(0, 1000));
  add(*sub, "--samples", anomaly.samples, "draws of z per row, averaged", integer(1, 65535));
  add_seed(*sub, anomaly.seed);

  sub = add_command("denoise", "noisy rows as the model knows them", denoise);
  sub->footer(
      "Example:\n  longhand denoise run/model.safetensors --data noisy.npy --clean clean.npy \\\n"
      "    --out denoised.png");
  add_data(*sub, denoise.data);
  add_split(*sub, denoise.data);
  add_path(*sub, "--clean", denoise.clean, "the same rows without noise, to say how near they come",
           "PATH");
  add(*sub, "--corrupt", denoise.corrupt,
      "the rows are clean: make them noisy, denoise them and say how near they come",
      readable(corrupt_of, "gaussian:S,mask:P,salt:P|none"));
  add_out(*sub, denoise.out, ".png, .npy or .csv");
  add_optional(*sub, "--count", denoise.count, "only the first rows", integer(1));
  add_seed(*sub, denoise.seed);

  sub = add_command("edit", "rows with something changed in their codes", edit);
  sub->footer(
      "Example:\n  longhand edit run/model.safetensors --data mnist --direction labels:3:8 \\\n    "
      "--out edited.png --count 8");
  add_data(*sub, edit.data);
  add_split(*sub, edit.data);
  add_path(*sub, "--direction", edit.direction,
           "what is added to the codes: the way from the mean code of class K to that of class M, "
           "for the rows of class K, or the numbers of a file, for all rows",
           "labels:K:M|FILE");
  add(*sub, "--strength", edit.strength, "how many times it is added",
      number_that([](double v) { return std::isfinite(v); }, "a number", "NUMBER"));
  add_out(*sub, edit.out, ".png, .npy or .csv");
  add_optional(*sub, "--count", edit.count, "only the first of these rows", integer(1));

  sub = add_command("interpolate", "the way from one row to another", interpolate);
  sub->footer(
      "Example:\n  longhand interpolate run/model.safetensors --data mnist --from 3 --to 8 \\\n    "
      "--out way.png");
  add_data(*sub, interpolate.data);
  add_split(*sub, interpolate.data);
  add_out(*sub, interpolate.out, ".png, .npy or .csv");
  add(*sub, "--from", interpolate.from, "first row, from 0", integer(0));
  add(*sub, "--to", interpolate.to, "last row", integer(0));
  add(*sub, "--steps", interpolate.steps, "points, both ends included", integer(2));

  sub = add_command("traverse", "one latent at a time from -range to range", traverse);
  sub->footer("Example:\n  longhand traverse run/model.safetensors --out latents.png");
  add_data(*sub, traverse.data);
  add_split(*sub, traverse.data);
  add_out(*sub, traverse.out, ".png, .npy or .csv");
  add(*sub, "--dim", traverse.dim, "latent, from 0", integer_or_all());
  add(*sub, "--range", traverse.range, "in units of the prior", positive());
  add(*sub, "--steps", traverse.steps, "points, both ends included", integer(2));
  add_optional(*sub, "--row", traverse.row, "start at this row of --data instead of at 0",
               integer(0));
  add_label(*sub, traverse.label, "cvae: the class (default: the row's, else the first)");

  sub = add_command("info", "what a model file holds", info);
  sub->footer("Example:\n  longhand info run/model.safetensors");

  sub = add_command("import", "weights of another program as a model file", import);
  add_path(*sub, "--names", import.names,
           "TOML of foreign = own beginnings of names (default: they are longhand's own)",
           "FILE.toml|pytorch-examples|pythae");
  add_path(*sub, "--out,-o", import.out, "model file to write", "FILE");
  sub->footer(
      "Example:\n  longhand import vae.safetensors --names pytorch-examples "
      "--config vae.toml \\\n    --out model.safetensors");

  CLI::App* const gradcheck_app =
      app.add_subcommand("gradcheck", "the library's own gradients under its own checker");
  add_path(*gradcheck_app, "--layer", gradcheck.layer,
           "one check by name, a group (net, latent, likelihood, model), or all", "NAME|all");
  add_seed(*gradcheck_app, gradcheck.seed);
  gradcheck_app->add_flag("--json", gradcheck.common.json, "results as JSON on stdout");
  gradcheck_app->footer("Example:\n  longhand gradcheck --layer latent");

  // `longhand help` and `longhand help COMMAND`.
  std::vector<std::string> words(argv + 1, argv + argc);
  if (!words.empty() && words.front() == "help") {
    words.erase(words.begin());
    words.resize(std::min<std::size_t>(words.size(), 1));
    words.emplace_back("--help");
  }
  try {
    std::vector<std::string> reversed(words.rbegin(), words.rend());  // as CLI11 wants them
    app.parse(reversed);
  } catch (const CLI::CallForHelp& call) {
    app.exit(call);
    return std::nullopt;
  } catch (const CLI::CallForAllHelp& call) {
    app.exit(call);
    return std::nullopt;
  } catch (const CLI::CallForVersion& call) {
    app.exit(call);
    return std::nullopt;
  } catch (const CLI::ParseError& error) {
    const std::vector<CLI::App*> chosen = app.get_subcommands();
    if (chosen.empty() && !words.empty() && !words.front().starts_with('-')) {
      std::vector<std::string> names;
      for (const CLI::App* command : app.get_subcommands({})) names.push_back(command->get_name());
      throw Failure(ExitCode::usage, "unknown command '", words.front(), "'",
                    did_you_mean(words.front(), names), " (see longhand --help)");
    }
    if (chosen.empty()) throw Failure(ExitCode::usage, error.what(), " (see longhand --help)");
    const CLI::App& command = *chosen.front();
    const std::string unknown = unknown_option(words, command);
    throw Failure(ExitCode::usage, unknown.empty() ? error.what() : unknown, " (see longhand help ",
                  command.get_name(), ")");
  }
  if (gradcheck_app->parsed()) return gradcheck;
  if (!config.empty()) read_config(config, *train_app);

  for (const Command& command : commands) {
    if (!command.app->parsed()) continue;
    if (!config.empty()) command.model->bare = train.model;
    return command.finish(command.arguments);
  }
  if (!train.resume.empty()) {
    if (const auto found = find_checkpoint(train.resume, train.out)) {
      train.checkpoint = found->string();
      take_over(train.checkpoint, *train_app);
      if (train.out.empty()) {
        CLI::Option* const out = train_app->get_option("--out");
        out->add_result(run_folder_of(*found).string());
        out->run_callback();
      }
    }
  }
  train.effective = effective(*train_app);
  for (const CLI::Option* option : train_app->get_options())
    if (option->count() > 0) train.said.push_back(option->get_single_name());
  return train;
}

}  // namespace longhand::cli
