// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "data.hpp"
#include "longhand/io/model_header.hpp"
#include "longhand/models/vae_config.hpp"
#include "longhand/train/evaluate.hpp"
#include "longhand/train/trainer.hpp"
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

/// The one door to the templates: Vae<Cpu<float>>, Vae<Cpu<double>> and, where it was built,
/// Vae<Cuda<float>>, each compiled once. No type of Eigen goes through it: the two sides may be
/// compiled for different instruction sets. Data sets must have been read in the model's scalar.
class Model {
 public:
  virtual ~Model() = default;

  virtual const VaeConfig& config() const = 0;
  virtual std::string scalar() const = 0;  ///< "float32" or "float64"
  virtual Index parameters() const = 0;

  /// Throws std::invalid_argument if the rows do not suit the model.
  virtual void check(const DataSet& data) const = 0;
  virtual TrainResult fit(const DataSet& data, TrainOptions options) = 0;
  virtual void save(const std::string& path) const = 0;

  virtual Evaluation evaluate(const DataSet& data, const EvaluateOptions& options) const = 0;
  /// The log-likelihood term and the KL of each row.
  virtual Rows score(const DataSet& data, int draws, std::uint64_t seed) const = 0;
  virtual Rows encode(const DataSet& data, Range rows) const = 0;
  virtual Rows encode_logvar(const DataSet& data, Range rows) const = 0;
  virtual Rows decode(const Rows& z, const Rows& condition) const = 0;
  virtual Rows sample(Index count, std::uint64_t seed, const Rows& condition, bool draw) const = 0;
};

// One file each: model_float.cpp, model_double.cpp, model_cuda.cpp (or model_no_cuda.cpp).
std::unique_ptr<Model> make_float_model(const VaeConfig& config, int threads);
std::unique_ptr<Model> load_float_model(const std::string& path, const VaeConfig* bare,
                                        int threads);
std::unique_ptr<Model> make_double_model(const VaeConfig& config, int threads);
std::unique_ptr<Model> load_double_model(const std::string& path, const VaeConfig* bare,
                                         int threads);
std::unique_ptr<Model> make_cuda_model(const VaeConfig& config, const std::string& precision);
std::unique_ptr<Model> load_cuda_model(const std::string& path, const VaeConfig* bare);
/// Why there is no GPU to compute on; empty if there is one.
std::string cuda_unavailable();
/// What the CPU's models were compiled for.
std::vector<std::string> instruction_sets();

/// A new model where `common` wants it. `scalar` as Model::scalar().
std::unique_ptr<Model> make_model(const VaeConfig& config, const std::string& scalar,
                                  const CommonOptions& common, const std::string& precision);

/// What a file says; a bare state dict is described by source.bare if that is there.
io::ModelHeader read_header(const ModelSource& source);

/// The model of a file; for one that holds weights alone, source.bare says what they are. Throws
/// Failure, io::Error.
std::unique_ptr<Model> load_model(const ModelSource& source, const CommonOptions& common);

/// What `options` and the data make a model.
VaeConfig model_config(const ModelOptions& options, Index input_dim, Index classes);

/// Ends the program unless it can compute where it was told to.
void require_device(const CommonOptions& common);

/// Reads the rows that a command needs for this model, and checks that they suit it.
DataSet read_data_for(const Model& model, const DataOptions& options);

/// model.check(), with the file's name in the message.
void check_data_for(const Model& model, const DataSet& data);

/// Throws Failure (usage) unless the model knows this class.
void require_label(const Model& model, Index label);
/// Throws Failure (usage) unless the data set has this row; `option` named it.
void require_row(const DataSet& data, const char* option, Index row);

/// `count` times the condition of one class; no rows for an unconditional model.
Rows condition_of(const Model& model, Index label, Index count);
/// The conditions of rows of a data set.
Rows conditions_of(const DataSet& data, Range rows);

}  // namespace longhand::cli
