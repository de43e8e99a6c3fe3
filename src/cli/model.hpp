// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "checkpoints.hpp"
#include "data.hpp"
#include "kinds.hpp"
#include "longhand/train/evaluate.hpp"
#include "longhand/train/trainer.hpp"
#include "longhand/uses/anomaly.hpp"
#include "longhand/uses/impute.hpp"
#include "options.hpp"

namespace longhand::cli {

/// A small matrix of results, one row per sample.
struct Rows {
  Index count = 0;
  Index dim = 0;
  std::vector<double> values;
  bool single = true;  ///< the values are float32's and are written as such

  Rows() = default;
  Rows(Index rows, Index columns)
      : count(rows), dim(columns), values(static_cast<std::size_t>(rows * columns)) {}
  double& operator()(Index row, Index column) {
    return values[static_cast<std::size_t>(row * dim + column)];
  }
  double operator()(Index row, Index column) const {
    return values[static_cast<std::size_t>(row * dim + column)];
  }
};

/// Rows whose missing numbers were told from the others, as longhand::Imputed.
struct ImputedRows {
  Rows values, deviation;
  std::vector<double> effective_draws;
};

/// The one door to the templates: the models of kinds.hpp on Cpu<float>, Cpu<double> and, where it
/// was built, Cuda<float>, each compiled once. No type of Eigen goes through it: the two sides may
/// be compiled for different instruction sets. Data sets must have been read in the model's scalar.
class Model {
 public:
  virtual ~Model() = default;

  virtual std::string scalar() const = 0;  ///< "float32" or "float64"
  virtual Index parameters() const = 0;
  virtual Index input_dim() const = 0;
  virtual Index condition_dim() const = 0;
  virtual Index latents() const = 0;
  /// From the user's units, as the file has it.
  virtual const InputTransform& transform() const = 0;
  /// The names of the input's numbers, and those of the classes; empty where the model has none.
  virtual const std::vector<std::string>& names() const = 0;
  virtual const std::vector<std::string>& class_names() const = 0;
  /// Those of a condition of numbers, and its units; no names where the condition is a class.
  virtual const std::vector<std::string>& condition_names() const = 0;
  virtual const InputTransform& condition_transform() const = 0;
  virtual const std::array<Index, 3>& image() const = 0;
  virtual Index window() const = 0;           ///< time steps of a row, 0: rows are no windows
  virtual bool has_elbo() const = 0;          ///< a bound of log p(x)
  virtual bool has_prior() const = 0;         ///< codes can be drawn, and rows sampled
  virtual bool has_logvar() const = 0;        ///< a posterior variance
  virtual bool has_draw_weights() const = 0;  ///< an importance-weighted bound
  virtual Index classes() const = 0;  ///< of each categorical latent variable, 0 for other latents
  /// In training the codes are relaxed: what looks like the bound is a surrogate.
  virtual bool trains_on_surrogate() const = 0;
  virtual bool is_binary() const = 0;  ///< the likelihood is no density of numbers beside 0 and 1
  /// Why a training with validation kept the weights that it kept, as the end of a sentence.
  virtual std::string why_kept() const = 0;

  /// Throws std::invalid_argument if the rows do not suit the model.
  virtual void check(const DataSet& data, bool input_is_target) const = 0;
  virtual TrainResult fit(const DataSet& data, TrainOptions options,
                          const Checkpointing& checkpointing) = 0;
  virtual void save(const std::string& path) const = 0;
  /// The numbers of every tensor, by the names that files have.
  virtual std::map<std::string, std::vector<double>> weights() const = 0;

  virtual Evaluation evaluate(const DataSet& data, const EvaluateOptions& options) const = 0;
  /// The log-likelihood term and the KL of each sample, in nats.
  virtual Rows score(const DataSet& data, int draws, std::uint64_t seed) const = 0;
  /// From the mean code of one class to that of another.
  virtual std::vector<double> class_direction(const Rows& z,
                                              const std::vector<std::int64_t>& labels,
                                              std::int64_t from, std::int64_t to) const = 0;
  /// Samples that are known to be normal, and how odd others are beside them (null: beside none).
  /// Numbers are without the offsets that were taken off the data.
  virtual NormalSamples normal(const DataSet& data, const AnomalyOptions& options) const = 0;
  virtual std::vector<Anomaly> anomalies(const DataSet& data, const NormalSamples* normal,
                                         const AnomalyOptions& options) const = 0;
  /// What is missing of each row, told from the rest. Numbers are without the offsets that were
  /// taken off the data. No draws: one pass, without deviations.
  virtual ImputedRows impute(const DataSet& data, Range rows,
                             const ImputeOptions& options) const = 0;
  /// What the model is given for these rows in the first epoch of a training with this seed.
  /// Without the offsets that were taken off the data.
  virtual Rows given(const DataSet& data, Range rows, const BatchChanges& changes,
                     std::uint64_t seed) const = 0;
  virtual Rows encode(const DataSet& data, Range rows) const = 0;
  /// The codes of inputs that given() made.
  virtual Rows encode(const Rows& given, const Rows& condition) const = 0;
  virtual Rows encode_logvar(const DataSet& data, Range rows) const = 0;
  virtual Rows decode(const Rows& z, const Rows& condition) const = 0;
  virtual Rows sample(Index count, std::uint64_t seed, const Rows& condition, bool draw) const = 0;
};

// One file each: model_float.cpp, model_double.cpp, model_cuda.cpp (or model_no_cuda.cpp).
// `spec` of a file: what the file says; `bare`: it does not say it.
std::unique_ptr<Model> make_float_model(const ModelSpec& spec, int threads);
std::unique_ptr<Model> load_float_model(const std::string& path, const ModelSpec& spec, bool bare,
                                        int threads);
std::unique_ptr<Model> make_double_model(const ModelSpec& spec, int threads);
std::unique_ptr<Model> load_double_model(const std::string& path, const ModelSpec& spec, bool bare,
                                         int threads);
std::unique_ptr<Model> make_cuda_model(const ModelSpec& spec, const std::string& precision);
std::unique_ptr<Model> load_cuda_model(const std::string& path, const ModelSpec& spec, bool bare);
/// Why there is no GPU to compute on; empty if there is one.
std::string cuda_unavailable();
/// What the CPU's models were compiled for.
std::vector<std::string> instruction_sets();

/// A new model where `common` wants it. `scalar` as Model::scalar().
std::unique_ptr<Model> make_model(const ModelSpec& spec, const std::string& scalar,
                                  const CommonOptions& common, const std::string& precision);

/// A model file and the model that it describes, proven to be the one whose weights it holds.
struct DescribedFile {
  io::ModelHeader header;
  std::optional<ModelSpec> spec;  ///< absent for weights that nobody describes
};
/// Reads a file; a bare state dict is described by source.bare if that is there.
DescribedFile read_described(const ModelSource& source);

/// The model of a file; for one that holds weights alone, source.bare says what they are. Throws
/// Failure, io::Error.
std::unique_ptr<Model> load_model(const ModelSource& source, const CommonOptions& common);

/// What the data say about a model.
struct InputFacts {
  Index dim = 1;
  Index classes = 0;
  std::array<Index, 3> image{};
  Index window = 0;
  InputTransform transform = {};
  std::vector<std::string> names = {};
  std::vector<std::string> class_names = {};
  std::vector<std::string> condition_names = {};
  InputTransform condition_transform = {};
};
/// The model that options and data make. Throws Failure (usage).
ModelSpec model_spec(const ModelOptions& options, const InputFacts& input, std::uint64_t seed);

/// The model whose weights a state dict holds, which options describe but for the width of its
/// data: that is the first layer's and the last one's. Throws Failure (bad_input).
ModelSpec describe_bare(const ModelOptions& options, const io::ModelHeader& header,
                        const std::string& path);
/// Whether the log variances of its latents have a bound.
bool bounds_logvar(const ModelSpec& spec);

/// Ends the program unless it can compute where it was told to.
void require_device(const CommonOptions& common);

/// Some rows of a file that is known.
struct ChosenRows {
  std::string split;       ///< the part of an IDX folder that has them
  Index rows_in_file = 0;  ///< another number is another file
  std::vector<std::uint32_t> rows;
};
/// Reads the rows that a command needs for this model (all, or those that are chosen), checks that
/// they suit it, and says what the user should know of how they were read.
DataSet read_data_for(const Model& model, const DataOptions& options, const CommonOptions& common,
                      const ChosenRows* only = nullptr);
/// The same for rows that are not to be reproduced: their numbers may leave the domain of the
/// likelihood, as noise does.
DataSet read_inputs_for(const Model& model, const DataOptions& options,
                        const CommonOptions& common);
/// The same with a label for each row, for a model that has no classes: those that occur.
DataSet read_labelled_data_for(const Model& model, const DataOptions& options,
                               const CommonOptions& common);

/// The names of a model's columns, or "x0", "x1", …
std::vector<std::string> names_of(const Model& model);

/// model.check(), with the file's name in the message.
void check_data_for(const Model& model, const DataSet& data, bool input_is_target = true);

/// The class that a model calls by this name. Throws Failure (usage).
Index require_label(const Model& model, const std::string& label);
/// Throws Failure (usage) unless the data set has this row; `option` named it.
void require_row(const DataSet& data, const char* option, Index row);

/// `count` times the condition of one class; no rows for an unconditional model.
Rows condition_of(const Model& model, Index label, Index count);
/// The conditions of rows of a data set; no rows without any.
Rows conditions_of(const DataSet& data, Range rows);
/// Rows of a data set, without the offsets that were taken off its columns.
Rows values_of(const DataSet& data, Range rows);
/// What was taken off the numbers of a model while they were read: off its columns by
/// model.transform(), off its condition by model.condition_transform().
std::vector<double> offsets_of(const Model& model, const InputTransform& transform);
/// Rows without the offsets of a model's columns in the user's units.
Rows with_offsets_of(const Model& model, Rows rows);

}  // namespace longhand::cli
