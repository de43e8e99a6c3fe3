// SPDX-License-Identifier: MIT
#include "command_table.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <sstream>

#include "changes.hpp"
#include "checkpoints.hpp"
#include "environment.hpp"
#include "failure.hpp"
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
/// A positive number, or this word.
CLI::Validator positive_or(const std::string& word, const std::string& name) {
  return CLI::Validator(
      [word](std::string& value) {
        if (value == word || positive()(value).empty()) return std::string();
        return text("is '", value, "', expected a positive number or ", word);
      },
      name);
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

void add_data(CLI::App& app, DataOptions& o, bool condition = true) {
  add_path(app, "--data", o.path,
           "folder of IDX files as MNIST has them, or .npy, .npz:ARRAY, .csv, .idx; - for stdin",
           "PATH");
  add_path(app, "--labels", o.labels, "labels: a .npy, .csv or IDX file, or a column of the csv",
           "PATH|COLUMN");
  if (condition)
    add_path(app, "--condition", o.condition,
             "cvae: the numbers that it depends on, a file or columns of the csv (default: the "
             "columns that the model knows)",
             "PATH|A[,B...]");
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
  add(app, "--window", o.window,
      "the rows are a series in time: the model sees so many of them at a time (0: one; with a "
      "model: as it was trained)",
      integer(0));
  add(app, "--stride", o.stride, "rows between the beginnings of two windows", integer(1));
  add_path(app, "--time", o.time, "csv: the column of time stamps, which is no data", "COLUMN");
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
  add_path(app, "--tensorboard", t.tensorboard,
           "also a folder that TensorBoard shows: losses, weights, pictures, codes", "DIR");

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
  add(app, "--logvar-bound", m.logvar_bound, "log variances stay within -C and C",
      positive_or("none", "C|none"));
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
      "categorical: it falls as e^(-R step); auto: it ends half way",
      positive_or("auto", "R|auto"));
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

}  // namespace

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

CommandTable::CommandTable(CLI::App& app) {
  CommonOptions common;
  common.threads = default_threads();
  train.common = common;
  train_app = app.add_subcommand("train", "train a model");
  train_app->footer(
      "Examples:\n  longhand train --data mnist --hidden 400 --latent 20 --out run\n"
      "  longhand train --data table.csv --likelihood gaussian --standardize --out run\n"
      "  longhand train --resume run");
  add_train(*train_app, train, config);

  const auto add_command = [&](const char* name, const char* says, auto& arguments) {
    CLI::App* const sub = app.add_subcommand(name, says);
    arguments.common = common;
    add_model(*sub, arguments.model);
    add_common(*sub, arguments.common, config,
               "what `train` was told: describes a file that holds weights alone");
    commands.push_back({sub, &arguments.model, [&arguments] { return Arguments(arguments); }});
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
  add_path(*sub, "--condition", sample.condition,
           "cvae: the numbers that it depends on (default: their means in the training data)",
           "NAME=VALUE[,...]");
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

  sub = add_command("impute", "rows with what was missing filled in", impute);
  sub->footer(
      "Example:\n  longhand impute run/model.safetensors --data gaps.csv --draws 1000 \\\n    "
      "--out filled.csv --spread spread.csv");
  add_data(*sub, impute.data);
  add_split(*sub, impute.data);
  add_path(*sub, "--hide", impute.hide,
           "zeros and ones, for every row or for all alike: treat what has a 1 as missing, and say "
           "how near it is told",
           "PATH");
  add(*sub, "--passes", impute.passes,
      "how often what is missing is told, each time from a row with what was told before",
      integer(1, 10000));
  add(*sub, "--draws", impute.draws,
      "draws of z per row, weighed by how well they explain the rest (0: one pass)",
      integer(0, 65535));
  add_path(*sub, "--spread", impute.spread,
           "file to write, .npy or .csv by its ending: standard deviations of what was missing",
           "FILE");
  add_out(*sub, impute.out, ".png, .npy or .csv");
  add_optional(*sub, "--count", impute.count, "only the first rows", integer(1));
  add_seed(*sub, impute.seed);

  sub = add_command("cluster", "groups of rows, found in their codes", cluster);
  sub->footer(
      "Example:\n  longhand cluster run/model.safetensors --data mnist --k 10 --out groups.csv");
  add_data(*sub, cluster.data);
  add_split(*sub, cluster.data);
  add(*sub, "--k", cluster.clusters, "how many groups", integer(1, 100000));
  add(*sub, "--method", cluster.method,
      "how they are found: round groups, or a mixture of Gaussians",
      one_of({"k-means", "mixture"}));
  add_out(*sub, cluster.out, ".npy or .csv");
  add_seed(*sub, cluster.seed);

  sub = add_command("probe", "how far a linear classifier tells labels from codes", probe);
  sub->footer("Example:\n  longhand probe run/model.safetensors --data mnist");
  add_data(*sub, probe.data);
  add_split(*sub, probe.data);
  add_optional(*sub, "--test", probe.test,
               "fraction of the rows that it is judged by, the others are learned from (default: "
               "0.2; an IDX folder has both)",
               fraction());
  add_out(*sub, probe.out, ".npy or .csv");
  add_seed(*sub, probe.seed);

  sub = add_command("plot", "a picture of codes, of decoded codes, or of a training", plot);
  sub->footer(
      "Example:\n  longhand plot run/model.safetensors --data mnist --what latent --out "
      "latent.png");
  add_data(*sub, plot.data);
  add_split(*sub, plot.data);
  add(*sub, "--what", plot.what,
      "the codes of rows; pictures decoded over two latents; loss and terms over the epochs; how "
      "latents go with columns or labels",
      one_of({"latent", "manifold", "curves", "correlation"}));
  add_out(*sub, plot.out, ".png or .svg");
  add(*sub, "--count", plot.count, "latent: most rows that are drawn", integer(1));
  add(*sub, "--steps", plot.steps, "manifold: pictures in each direction", integer(2, 100));
  add_label(*sub, plot.label, "manifold of a cvae: the class (default: the first)");

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
  add_data(*sub, traverse.data, false);
  sub->add_option("--condition", traverse_conditions_,
                  "cvae: the numbers that it depends on, one of them from LOW to HIGH in STEPS "
                  "instead of a latent (default: those of --row, else their means); and where "
                  "--data is no csv, the file that has them")
      ->type_name("NAME=VALUE[,NAME=LOW:HIGH:STEPS,...]|PATH")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  add_split(*sub, traverse.data);
  add_out(*sub, traverse.out, ".png, .npy or .csv");
  add(*sub, "--dim", traverse.dim, "latent, from 0", integer_or_all());
  add(*sub, "--range", traverse.range, "in units of the prior", positive());
  add(*sub, "--steps", traverse.steps, "points, both ends included", integer(2));
  add_optional(*sub, "--row", traverse.row, "start at this row of --data instead of at 0",
               integer(0));
  add_label(*sub, traverse.label, "cvae: the class (default: the row's, else the first)");

  commands.back().finish = [this] {
    for (const std::string& condition : traverse_conditions_)
      (condition.find('=') == condition.npos ? traverse.data.condition : traverse.condition) =
          condition;
    return Arguments(traverse);
  };

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

  gradcheck_app =
      app.add_subcommand("gradcheck", "the library's own gradients under its own checker");
  add_path(*gradcheck_app, "--layer", gradcheck.layer,
           "one check by name, a group (net, latent, likelihood, model), or all", "NAME|all");
  add_seed(*gradcheck_app, gradcheck.seed);
  gradcheck_app->add_flag("--json", gradcheck.common.json, "results as JSON on stdout");
  gradcheck_app->footer("Example:\n  longhand gradcheck --layer latent");
}

}  // namespace longhand::cli
