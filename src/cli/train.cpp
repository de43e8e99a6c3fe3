// SPDX-License-Identifier: MIT
#include <atomic>
#include <chrono>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <optional>

#include "changes.hpp"
#include "checkpoints.hpp"
#include "commands.hpp"
#include "environment.hpp"
#include "metrics.hpp"
#include "model.hpp"
#include "output.hpp"
#include "progress.hpp"
#include "row_parts.hpp"
#include "run_folder.hpp"
#include "tensorboard.hpp"

namespace longhand::cli {
namespace {

std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free,
              "a signal handler may only touch such a flag");

/// The first Ctrl-C ends the training in good order, the second ends the program; so do the signals
/// of batch systems and of closed terminals.
constexpr int kEnding[] = {SIGINT, SIGTERM, SIGHUP};
void on_signal(int) {
  interrupted.store(true);
  for (const int signal : kEnding) std::signal(signal, SIG_DFL);
}

/// Metrics for a reader on stdout. One who goes away does not end the training.
class Reader {
 public:
  void print(const std::string& line) {
    if (gone_) return;
    std::cout << line << std::flush;
    gone_ = !std::cout;
  }
  bool gone() const { return gone_; }

 private:
  bool gone_ = false;
};

Optimizer optimizer_of(const TrainArguments& a, double beta1) {
  const bool adams = a.optimizer == "adam" || a.optimizer == "adamw";
  if (!adams && (a.beta1 != TrainArguments().beta1 || a.adversarial_beta1))
    throw Failure(ExitCode::usage,
                  "--beta1 and --adversarial-beta1 are for --optimizer adam and adamw");
  if (a.weight_decay != TrainArguments().weight_decay && a.optimizer != "adamw")
    throw Failure(ExitCode::usage, "--weight-decay is for --optimizer adamw");
  if (a.momentum != TrainArguments().momentum && a.optimizer != "momentum")
    throw Failure(ExitCode::usage, "--momentum is for --optimizer momentum");
  Adam adam, adamw;
  adam.beta1 = adamw.beta1 = beta1;
  adamw.weight_decay = a.weight_decay;
  Momentum momentum;
  momentum.rho = a.momentum;
  if (a.optimizer == "adamw") return adamw;
  if (a.optimizer == "momentum") return momentum;
  if (a.optimizer == "sgd") return Sgd{};
  if (a.optimizer == "rmsprop") return RmsProp{};
  return adam;
}

LearningRateSchedule schedule_of(const TrainArguments& a) {
  using Kind = LearningRateSchedule::Kind;
  const TrainArguments usual;
  if ((a.lr_step != usual.lr_step || a.lr_gamma != usual.lr_gamma) && a.schedule != "step")
    throw Failure(ExitCode::usage, "--lr-step and --lr-gamma are for --lr-schedule step");
  LearningRateSchedule schedule;
  schedule.kind = a.schedule == "cosine" ? Kind::cosine
                  : a.schedule == "step" ? Kind::step
                                         : Kind::constant;
  schedule.every = a.lr_step;
  schedule.gamma = a.lr_gamma;
  return schedule;
}

/// The temperature of a categorical latent.
Schedule temperature_of(const TrainArguments& a) {
  if (a.temperature_min > a.temperature)
    throw Failure(ExitCode::usage, "--temperature-min is ", a.temperature_min,
                  ", expected at most --temperature ", a.temperature);
  return Schedule::exponential(a.temperature, a.temperature_min,
                               a.temperature_rate == "auto" ? 0 : std::stod(a.temperature_rate));
}

TrainOptions options_of(const TrainArguments& a) {
  TrainOptions o;
  o.epochs = a.epochs;
  o.batch = a.batch;
  o.optimizer = optimizer_of(a, a.beta1);
  o.learning_rate = a.learning_rate;
  o.schedule = schedule_of(a);
  o.beta = a.beta;
  o.kl_warmup = a.kl_warmup;
  const TrainArguments usual;
  const bool adversarial = a.model.kind == "aae";
  if (adversarial && (a.beta != usual.beta || a.kl_warmup != usual.kl_warmup))
    throw Failure(ExitCode::usage,
                  "--beta and --kl-warmup are for a model with a KL, --model aae has none");
  if (!adversarial && (a.discriminator_lr || a.generator_lr || a.adversarial_beta1))
    throw Failure(ExitCode::usage,
                  "--discriminator-lr, --generator-lr and --adversarial-beta1 are for --model aae");
  if (adversarial) {
    PlayerOptions player;
    if (a.adversarial_beta1) player.optimizer = optimizer_of(a, *a.adversarial_beta1);
    player.learning_rate = a.discriminator_lr;
    o.players["discriminator"] = player;
    player.learning_rate = a.generator_lr;
    o.players["generator"] = player;
  }
  if (a.model.latent_kind == CategoricalLatentSpec::name)
    o.schedules["tau"] = temperature_of(a);
  else if (a.temperature != usual.temperature || a.temperature_min != usual.temperature_min ||
           a.temperature_rate != usual.temperature_rate)
    throw Failure(ExitCode::usage,
                  "--temperature, --temperature-min and --temperature-rate are for --latent-kind "
                  "categorical");
  o.clip_norm = a.clip_norm;
  o.l1 = a.l1;
  o.l2 = a.l2;
  o.validation = a.validation;
  o.early_stop = a.early_stop;
  o.grad_norms = a.grad_norms;
  o.steps_per_launch = a.steps_per_launch;
  o.seed = a.seed;
  o.cancel = &interrupted;
  return o;
}

/// What only makes sense together, before any file is read.
void check(const TrainArguments& a) {
  require_device(a.common);
  if (a.out.empty())
    throw Failure(ExitCode::usage, "--out is missing, expected a folder for the results");
  if (a.precision != "fp32" && a.common.device != "cuda")
    throw Failure(ExitCode::usage, "--precision ", a.precision, " is for --device cuda");
  if (a.steps_per_launch != TrainOptions{}.steps_per_launch && a.common.device != "cuda")
    throw Failure(ExitCode::usage, "--steps-per-launch is for --device cuda");
  if (a.early_stop > 0 && a.validation == 0)
    throw Failure(ExitCode::usage, "--early-stop needs --validation above 0");
  if (!a.data.condition.empty() && a.model.kind != "cvae")
    throw Failure(ExitCode::usage, "--condition is for --model cvae, here it is ", a.model.kind);
  if (!a.data.condition.empty() && !a.data.labels.empty())
    throw Failure(ExitCode::usage,
                  "--condition and --labels are both there: a condition is numbers or a class");
  if (a.standardize && a.input_transform != "none" && a.input_transform != "standardize")
    throw Failure(ExitCode::usage, "--standardize contradicts --input-transform ",
                  a.input_transform);
}

/// What is asked of the training data, and what they say about the model.
DataRequest request_of(const TrainArguments& a, const std::string& scalar) {
  DataRequest request;
  request.scalar = scalar;
  request.numeric_condition = !a.data.condition.empty();
  request.or_numbers = a.model.kind == "cvae";
  request.classes =
      a.model.kind == "cvae" && !request.numeric_condition ? kCountClasses : kNoLabels;
  request.kind = a.standardize ? "standardize" : a.input_transform;
  request.binary = a.model.likelihood == Bernoulli::name;
  request.test = a.data.test;
  request.seed = a.seed;
  return request;
}
/// The rows of the file in the parts that they have in this training.
RowParts parts_of(const TrainArguments& a, const DataSet& data) {
  RowParts parts;
  std::error_code problem;
  const std::filesystem::path path = std::filesystem::absolute(data.path, problem);
  parts.file = problem ? data.path : path.lexically_normal().string();
  parts.split = data.split;
  parts.rows_in_file = data.rows_in_file;
  const auto in_file = [&](std::uint32_t row) {
    return data.row_numbers.empty() ? row : data.row_numbers[row];
  };
  const SplitRows split = split_rows(data.rows, a.validation, a.seed);  // as the trainer does
  parts.first = data.first_row;
  parts.end = data.end_row;
  for (const std::uint32_t row : split.held_out) parts.validation.push_back(in_file(row));
  parts.test = data.test_rows;
  return parts;
}
InputFacts facts_of(const DataSet& data) {
  InputFacts facts;
  facts.dim = data.dim;
  facts.classes = data.classes;
  facts.image = data.image;
  if (data.series) facts.window = data.series->windows.length;
  facts.transform = data.transform;
  if (data.named) facts.names = data.names;
  facts.class_names = data.class_names;
  facts.condition_names = data.condition_names;
  facts.condition_transform = data.condition_transform;
  return facts;
}

/// A batch that was asked for must fit; the usual one shrinks to small data.
void fit_batch(const TrainArguments& a, DataSet& data, TrainOptions& options) {
  const auto held_out = static_cast<Index>(std::llround(a.validation * double(data.rows)));
  const Index rows = data.rows - held_out;
  if (rows < 1)
    throw Failure(ExitCode::bad_input, data.path, ": has ", data.rows,
                  " rows, nothing is left to train on with --validation ", a.validation);
  if (a.validation > 0 && held_out == 0)
    data.notes.push_back(text("--validation ", a.validation, " of ", data.rows,
                              data.rows == 1 ? " row" : " rows",
                              " is less than half a row: none is held out, and ",
                              "the weights of the last epoch are kept",
                              a.early_stop > 0 ? "; --early-stop never stops" : ""));
  if (options.batch <= rows) return;
  if (a.given("batch"))
    throw Failure(ExitCode::usage, "--batch is ", options.batch, ", expected at most ", rows,
                  ", the rows of ", data.path, " to train on");
  options.batch = rows;
}

/// What to say of a schedule that had not arrived where the options wanted it.
std::string unfinished_text(const NamedValue& schedule, const TrainOptions& options, Index steps) {
  if (schedule.name == "beta" && options.kl_warmup > 0)
    return text("warning: training ended after ", steps, " of the ", options.kl_warmup,
                " steps of --kl-warmup; the KL never had its weight ", options.beta, ", but only ",
                schedule.value);
  return text("warning: training ended after ", steps, " steps with ",
              schedule.name == "tau" ? "the temperature" : schedule.name.c_str(), " at ",
              schedule.value, ", before it arrived where it was to end");
}

/// The time after which a training is to end, counted from the program's start.
class TimeLimit {
 public:
  explicit TimeLimit(const TrainArguments& a)
      : seconds_(a.max_time.empty() ? 0 : duration(a.max_time)) {}
  bool reached() const {
    return seconds_ > 0 && std::chrono::duration<double>(Clock::now() - start).count() >= seconds_;
  }

 private:
  using Clock = std::chrono::steady_clock;
  static const Clock::time_point start;
  double seconds_;
};
const TimeLimit::Clock::time_point TimeLimit::start = TimeLimit::Clock::now();

/// The checkpoint to go on from, whose training had these very data.
io::ModelFile checkpoint_for(const TrainArguments& a, const DataSet& data) {
  io::ModelFile file = io::read_model_file(a.checkpoint);
  if (CheckpointNotes::from(file).data_checksum != checksum_of(data))
    throw Failure(ExitCode::bad_input, a.checkpoint, ": was made with other rows than those of ",
                  data.path, ", and a training goes on with its own");
  return file;
}

/// When the state of a training is kept, and where.
class Checkpoints {
 public:
  Checkpoints(const TrainArguments& a, RunFolder& folder, const std::string& config,
              const DataSet& data)
      : every_(checkpoint_every(a.checkpoint_every)),
        keep_(a.keep),
        wanted_(a.given("checkpoint-every") || a.given("resume") || a.given("max-time")),
        folder_(folder),
        data_(data),
        notes_{config, 0} {}

  Checkpointing hooks() {
    Checkpointing hooks;
    if (every_.seconds == 0 && every_.steps == 0 && every_.epochs == 0) return hooks;
    hooks.every = every_;
    hooks.keep = [this](Index step, bool over, const Checkpointing::Save& save) {
      // A short training that came to its end needs none, unless it was asked for.
      if (over && !wanted_ && newest_.empty()) return;
      if (newest_.empty()) notes_.data_checksum = checksum_of(data_);
      folder_.save_checkpoint(step, keep_, [&](const std::string& path) {
        save(path, notes_.text());
        newest_ = checkpoint_name(step);
      });
    };
    return hooks;
  }

  /// The name of the file that was written last; empty if none was.
  const std::string& newest() const { return newest_; }

 private:
  CheckpointEvery every_;
  Index keep_;
  bool wanted_;
  RunFolder& folder_;
  const DataSet& data_;
  CheckpointNotes notes_;
  std::string newest_;
};

/// The label of each row as text: those that the training has, or those beside an IDX file.
std::vector<std::string> labels_of(const TrainArguments& a, const DataSet& data) {
  std::vector<std::string> labels;
  const auto take = [&](const DataSet& from) {
    for (const std::int64_t label : from.labels) labels.push_back(from.class_name(label));
  };
  if (!data.labels.empty()) {
    take(data);
  } else if (!data.series && has_labels(a.data)) {
    DataRequest request;
    request.classes = kCountClasses;
    request.only = data.row_numbers;
    request.rows_in_file = data.rows_in_file;
    DataOptions source = a.data;
    source.rows.clear();
    source.condition.clear();
    take(read_data(source, request));
  }
  return labels;
}

std::string config_toml(const TrainArguments& a, const TrainOptions& used) {
  std::string toml = "# longhand train --config this file: the same model, bit for bit.\n";
  for (const auto& [name, value] : a.effective)
    toml += name + " = " + (name == "batch" ? std::to_string(used.batch) : value) + "\n";
  return toml;
}

}  // namespace

ExitCode run(const TrainArguments& a) {
  check(a);
  TrainOptions options = options_of(a);
  model_spec(a.model, {.classes = 1}, a.seed);  // complains before a large file is read

  const std::string scalar = a.scalar == "double" ? "float64" : "float32";
  DataSet data = read_data(a.data, request_of(a, scalar));
  fill_missing(data);
  fit_batch(a, data, options);
  const ModelSpec spec = model_spec(a.model, facts_of(data), a.seed);
  const std::unique_ptr<Model> model = make_model(spec, scalar, a.common, a.precision);
  check_data_for(*model, data);
  if (data.series && a.validation > 0 && a.data.stride < data.series->windows.length)
    data.notes.push_back(text("windows overlap (--stride ", a.data.stride, " below --window ",
                              data.series->windows.length,
                              "): validation rows share time steps with rows that are ",
                              "trained on, and their loss is too low"));
  options.changes = changes_for(a.changes, data);
  for (const std::string& note : data.notes) say(a.common, "warning: " + note);

  std::optional<io::ModelFile> from;
  if (!a.checkpoint.empty()) from = checkpoint_for(a, data);
  if (!a.tensorboard.empty()) require_folder(a.tensorboard);
  RunFolder folder(a.out, a.checkpoint);
  const std::string config = config_toml(a, options);
  folder.describe(config, environment_json(a.common, a.precision, a.seed, scalar),
                  parts_of(a, data).text());
  Reader reader;

  const bool has_elbo = model->has_elbo();
  ProgressStyle style = ProgressStyle::of_stderr();
  style.has_elbo = has_elbo;
  style.surrogate = model->trains_on_surrogate();
  style.validation = a.validation > 0;
  style.epochs = options.epochs;
  std::ostream silence(nullptr);
  Progress progress(a.common.quiet ? silence : std::cerr, style, [] {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration<double>(now).count();
  });
  bool epoch_finished = false;
  const auto line_of = [&](const EpochReport& report) {
    epoch_finished = true;
    return metrics_line(report, has_elbo, model->trains_on_surrogate());
  };
  std::optional<TensorBoard> board;
  if (!a.tensorboard.empty()) board.emplace(a.tensorboard, *model, data, a.seed);
  const TimeLimit limit(a);
  options.on_step = [&](const StepReport& report) {
    progress.step(report);
    if (limit.reached()) interrupted.store(true);
  };
  options.on_epoch = [&](const EpochReport& report) {
    const std::string line = line_of(report);
    folder.add_metrics(line);
    if (board) board->epoch(report);
    progress.epoch(report);
    if (a.common.json) reader.print(line + "\n");
  };
  const auto save = [&] { folder.save([&](const std::string& path) { model->save(path); }); };
  options.on_save = save;
  Checkpoints checkpoints(a, folder, config, data);
  Checkpointing checkpointing = checkpoints.hooks();
  checkpointing.from = from ? &*from : nullptr;
  checkpointing.past = [&](const std::vector<EpochReport>& history) {
    for (const EpochReport& report : history) folder.add_metrics(line_of(report));
  };

  say(a.common,
      text("training ", model->parameters(), " parameters on ", data.rows, " rows of ", data.path,
           a.common.device == "cuda"
               ? text(", cuda, ", a.precision)
               : text(", ", a.common.threads, a.common.threads == 1 ? " thread, " : " threads, ",
                      instruction_set())));
  if (const std::string wider = wider_instruction_set();
      !wider.empty() && a.common.device != "cuda")
    say(a.common,
        text("warning: this build computes with ", instruction_set(), ", and the processor has ",
             wider, ": built with -Dnative=true or -Dhwcaps=x86-64-v3,x86-64-v4 it is faster"));
  if (from) say(a.common, text("going on from ", a.checkpoint));
  for (const int signal : kEnding) std::signal(signal, on_signal);
  std::signal(SIGPIPE, SIG_IGN);
  TrainResult result;
  try {
    result = model->fit(data, options, checkpointing);
  } catch (const NonFinite& error) {
    progress.finish();
    // Initial weights are no reason to lose the model of an earlier run.
    const bool keep = folder.has_earlier_model() && !epoch_finished;
    if (!keep) save();
    throw Failure(ExitCode::diverged, error.what(), "; ", folder.model(),
                  keep             ? " was left as it was"
                  : epoch_finished ? " has the weights of the last good epoch"
                                   : " has the initial weights");
  }
  progress.finish();
  save();
  if (board) board->finish(labels_of(a, data));

  const bool stopped = result.stop == TrainResult::Stop::cancelled;
  if (!stopped)
    for (const NamedValue& schedule : result.unfinished)
      say(a.common, unfinished_text(schedule, options, result.steps));
  for (const std::string& remark : result.remarks) say(a.common, "warning: " + remark);
  if (result.stop == TrainResult::Stop::early)
    say(a.common, text("stopped early: no better validation loss for ", options.early_stop,
                       options.early_stop == 1 ? " epoch" : " epochs"));
  const bool time_is_up = stopped && limit.reached();
  std::string which =
      stopped
          ? text(time_is_up ? "time is up after step " : "interrupted after step ", result.steps)
          : "";
  if (stopped && result.best_epoch > 0) which += "; ";
  if (result.best_epoch > 0)
    which += text("weights of epoch ", result.best_epoch, ", ", model->why_kept());
  else if (!stopped)
    which = "weights of the last epoch";
  say(a.common, text("wrote ", folder.model(), " (", which, ")"));
  if (stopped && !checkpoints.newest().empty())
    say(a.common, text("wrote ", a.out, "/", checkpoints.newest(), " (--resume ", a.out,
                       " goes on from there)"));
  if (reader.gone() && !stopped)
    throw Failure(ExitCode::runtime,
                  "stdout: cannot be written; the training went on, and its "
                  "metrics are in ",
                  folder.metrics());
  return time_is_up ? ExitCode::time_is_up : stopped ? ExitCode::interrupted : ExitCode::ok;
}

}  // namespace longhand::cli
