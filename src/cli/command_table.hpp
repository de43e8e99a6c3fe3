// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "options.hpp"

namespace CLI {
class App;
}

namespace longhand::cli {

/// Every command of the program with its options, their checks and their help, and the arguments
/// that a command line fills in.
class CommandTable {
 public:
  /// Adds all commands to `app`.
  explicit CommandTable(CLI::App& app);
  CommandTable(const CommandTable&) = delete;
  CommandTable& operator=(const CommandTable&) = delete;

  /// A command that starts from a model file.
  struct Command {
    CLI::App* app;
    ModelSource* model;
    std::function<Arguments()> finish;  ///< its arguments, once they are filled in
  };
  std::vector<Command> commands;

  CLI::App* train_app = nullptr;
  TrainArguments train;
  CLI::App* gradcheck_app = nullptr;
  GradcheckArguments gradcheck;
  std::string config;  ///< the file of --config

 private:
  EvaluateArguments evaluate;
  SampleArguments sample;
  ReconstructArguments reconstruct;
  EmbedArguments embed;
  ScoreArguments score;
  AnomalyArguments anomaly;
  DenoiseArguments denoise;
  EditArguments edit;
  ImputeArguments impute;
  ClusterArguments cluster;
  ProbeArguments probe;
  PlotArguments plot;
  InterpolateArguments interpolate;
  TraverseArguments traverse;
  InfoArguments info;
  ImportArguments import;
  std::vector<std::string> traverse_conditions_;
};

}  // namespace longhand::cli
