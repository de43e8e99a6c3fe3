// SPDX-License-Identifier: MIT
#pragma once

#include "failure.hpp"
#include "options.hpp"

/// The commands, each in its own file. They end with a code, or throw.
namespace longhand::cli {

ExitCode run(const TrainArguments& arguments);
ExitCode run(const EvaluateArguments& arguments);
ExitCode run(const SampleArguments& arguments);
ExitCode run(const ReconstructArguments& arguments);
ExitCode run(const EmbedArguments& arguments);
ExitCode run(const ScoreArguments& arguments);
ExitCode run(const AnomalyArguments& arguments);
ExitCode run(const DenoiseArguments& arguments);
ExitCode run(const EditArguments& arguments);
ExitCode run(const ImputeArguments& arguments);
ExitCode run(const ClusterArguments& arguments);
ExitCode run(const ProbeArguments& arguments);
ExitCode run(const PlotArguments& arguments);
ExitCode run(const InterpolateArguments& arguments);
ExitCode run(const TraverseArguments& arguments);
ExitCode run(const InfoArguments& arguments);
ExitCode run(const ImportArguments& arguments);
ExitCode run(const GradcheckArguments& arguments);

}  // namespace longhand::cli
