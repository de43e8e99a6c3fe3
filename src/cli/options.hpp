// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "longhand/core/view.hpp"
#include "longhand/latent/sampled_prior_spec.hpp"

/// What the command line (and a configuration file) can say, one struct per command. Everything
/// here was range-checked by itself; what only makes sense together is checked where it is used.
namespace longhand::cli {

struct CommonOptions {
  int threads = 1;
  std::string device = "auto";
  bool json = false;
  bool quiet = false;
};

struct DataOptions {
  std::string path;
  std::string split;      ///< "train", "test", or empty: the command's own choice
  std::string labels;     ///< a file, or a column of a csv
  std::string condition;  ///< a file, or columns of the csv; empty: those that the model knows
  std::string header = "auto";
  std::string index = "auto";
  std::string columns;  ///< names with commas between them; empty: all
  std::string drop;     ///< likewise; empty: none
  std::string bytes = "auto";
  std::string missing = "error";
  std::string image;               ///< "HxW" or "HxWxC"
  std::string separator = "auto";  ///< of a csv: "comma", "semicolon", "tab"
  std::string decimal = "auto";    ///< of a csv: "point", "comma"
  std::string rows;                ///< "A:B": rows A to B - 1 alone; empty: all
  double test = 0;                 ///< fraction of the rows that `train` keeps out
  Index window = 0;                ///< time steps of a row; 0: as the model has it, or none
  Index stride = 1;                ///< time steps between the beginnings of two windows
  std::string time;                ///< column of a csv with time stamps; empty: none
  std::string part;  ///< "train", "validation", "test" of the training's rows; empty: all
};

/// The part of `train` that says what a model is; it also describes a bare state dict.
struct ModelOptions {
  std::string kind = "vae";
  std::string likelihood = "bernoulli";
  double sigma = 1;
  std::string output = "identity";
  std::string hidden = "400";
  std::string decoder_hidden;  ///< empty: the encoder's in reverse
  std::string activation = "relu";
  Index latent = 20;
  std::string latent_kind;  ///< empty: code for ae and aae, else gaussian
  Index classes = 10;
  std::string estimator = "gumbel";
  std::string prior = "standard-normal";
  std::string prior_hidden = "none";
  std::string logvar_bound = "15";
  double dropout = 0;
  std::string init = "pytorch";
  std::string discriminator = "1000,1000";
  std::string adversarial_prior = "normal";
};

/// What happens to rows on their way into a batch.
struct ChangeOptions {
  bool dequantize = false;
  std::string augment = "none";
  std::string binarize = "none";
  std::string corrupt = "none";
};

/// Names and values of a configuration file, in TOML.
using Config = std::vector<std::pair<std::string, std::string>>;

struct TrainArguments {
  CommonOptions common;
  DataOptions data;
  ModelOptions model;
  std::string out;
  std::string input_transform = "none";
  bool standardize = false;
  double beta = 1;
  Index kl_warmup = 0;
  double temperature = 1;
  double temperature_min = 0.5;
  std::string temperature_rate = "auto";
  std::string optimizer = "adam";
  double learning_rate = 1e-3;
  std::optional<double> discriminator_lr;  ///< absent: as learning_rate
  std::optional<double> generator_lr;      ///< likewise
  double beta1 = 0.9;
  std::optional<double> adversarial_beta1;  ///< absent: as beta1
  double weight_decay = 0.01;
  double momentum = 0.9;
  std::string schedule = "constant";
  Index lr_step = 1000;
  double lr_gamma = 0.5;
  double clip_norm = 0;
  double l1 = 0;
  double l2 = 0;
  Index batch = 128;
  Index epochs = 10;
  double validation = 0.1;
  Index early_stop = 0;
  bool grad_norms = false;
  ChangeOptions changes;
  std::uint64_t seed = 0;
  std::string scalar = "float";
  std::string precision = "fp32";
  Index steps_per_launch = 16;  // as TrainOptions
  std::string checkpoint_every = "5m";
  Index keep = 1;
  std::string resume;             ///< "auto", a checkpoint or a folder of a run; empty: no
  std::string checkpoint;         ///< the file that `resume` comes to; empty: a new training
  std::string max_time;           ///< empty: none
  std::string tensorboard;        ///< a folder; empty: none
  Config effective;               ///< all of the above as it was used
  std::vector<std::string> said;  ///< names of the options that were given

  bool given(const std::string& option) const;
};

/// The model file every other command starts from.
struct ModelSource {
  std::string path;
  std::optional<ModelOptions> bare;  ///< for a state dict without description
};

struct EvaluateArguments {
  CommonOptions common;
  ModelSource model;
  DataOptions data;
  std::string out;
  int samples = 1;
  int importance = 0;
  ChangeOptions changes;
  std::uint64_t seed = 0;
};

struct SampleArguments {
  CommonOptions common;
  ModelSource model;
  std::string out;
  std::string image;
  Index count = 64;
  std::optional<std::string> label;
  std::string condition;  ///< "a=1.5,b=0"
  bool draw = false;
  std::uint64_t seed = 0;
};

struct ReconstructArguments {
  CommonOptions common;
  ModelSource model;
  DataOptions data;
  std::string out;
  std::optional<Index> count;
  std::optional<std::string> label;
  ChangeOptions changes;
  std::uint64_t seed = 0;
};

struct EmbedArguments {
  CommonOptions common;
  ModelSource model;
  DataOptions data;
  std::string out;
  bool logvar = false;
};

struct ScoreArguments {
  CommonOptions common;
  ModelSource model;
  DataOptions data;
  std::string out;
  int samples = 1;
  std::uint64_t seed = 0;
};

struct AnomalyArguments {
  CommonOptions common;
  ModelSource model;
  DataOptions data;
  std::string fit;        ///< rows known to be normal: a file, as --data
  std::string threshold;  ///< "q0.99" or a number of nats; empty: no verdict
  std::string out;
  int samples = 1;
  Index blame = 1;
  std::uint64_t seed = 0;
};

struct DenoiseArguments {
  CommonOptions common;
  ModelSource model;
  DataOptions data;
  std::string clean;  ///< the rows that the noisy ones should come to: a file; empty: not known
  std::string corrupt = "none";
  std::string out;
  std::optional<Index> count;
  std::uint64_t seed = 0;
};

struct EditArguments {
  CommonOptions common;
  ModelSource model;
  DataOptions data;
  std::string direction;  ///< "labels:K:M" or a file
  double strength = 1;
  std::string out;
  std::optional<Index> count;
};

struct ImputeArguments {
  CommonOptions common;
  ModelSource model;
  DataOptions data;
  std::string hide;  ///< a file of zeros and ones, 1 = hidden; empty: what is NaN is missing
  int passes = 1;
  int draws = 0;
  std::string spread;  ///< a file for the deviations; empty: none
  std::string out;
  std::optional<Index> count;
  std::uint64_t seed = 0;

  ImputeArguments() { data.missing = "nan"; }
};

struct ClusterArguments {
  CommonOptions common;
  ModelSource model;
  DataOptions data;
  Index clusters = 10;
  std::string method = "k-means";
  std::string out;
  std::uint64_t seed = 0;
};

struct ProbeArguments {
  CommonOptions common;
  ModelSource model;
  DataOptions data;
  std::optional<double> test;  ///< fraction of the rows to judge by
  std::string out;
  std::uint64_t seed = 0;
};

struct PlotArguments {
  CommonOptions common;
  ModelSource model;
  DataOptions data;
  std::string what = "latent";
  std::string out;
  Index count = 5000;
  Index steps = 20;
  std::optional<std::string> label;
};

struct InterpolateArguments {
  CommonOptions common;
  ModelSource model;
  DataOptions data;
  std::string out;
  Index from = 0;
  Index to = 1;
  Index steps = 10;
};

struct TraverseArguments {
  CommonOptions common;
  ModelSource model;
  DataOptions data;
  std::string out;
  std::string dim = "all";
  double range = 3;
  Index steps = 9;
  std::optional<Index> row;
  std::optional<std::string> label;
  std::string condition;  ///< "a=0:1:9,b=2"; data.condition says where those of the data are
};

struct InfoArguments {
  CommonOptions common;
  ModelSource model;
};

struct ImportArguments {
  CommonOptions common;
  ModelSource model;
  std::string names;  ///< a file, or one of the known sets; empty: the names are longhand's
  std::string out;
};

struct GradcheckArguments {
  CommonOptions common;
  std::string layer = "all";
  std::uint64_t seed = 1;
};

using Arguments =
    std::variant<TrainArguments, EvaluateArguments, SampleArguments, ReconstructArguments,
                 EmbedArguments, ScoreArguments, AnomalyArguments, DenoiseArguments, EditArguments,
                 ImputeArguments, ClusterArguments, ProbeArguments, PlotArguments,
                 InterpolateArguments, TraverseArguments, InfoArguments, ImportArguments,
                 GradcheckArguments>;

/// Reads the command line and the file of --config, which says only what the command line leaves
/// open. Nothing is returned after --help or --version, which print. Throws Failure with
/// ExitCode::usage.
std::optional<Arguments> parse(int argc, char** argv);

/// "400,200" as numbers; "none" and "" are no numbers.
std::vector<Index> widths(const std::string& list);

/// "q0.99" as {0.99, true}, "41.5" as {41.5, false}. Throws Failure with the rest of a sentence.
struct Threshold {
  double value = 0;
  bool quantile = false;
};
Threshold threshold_of(const std::string& text);

/// "normal", "normal:SCALE" or "ring:K" as the prior that codes are matched to.
SampledPriorSpec sampled_prior(const std::string& name);

}  // namespace longhand::cli
