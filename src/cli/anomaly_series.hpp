// SPDX-License-Identifier: MIT
#pragma once

#include <optional>

#include "model.hpp"

namespace longhand::cli {

/// The score above which something is odd, if --threshold asks for one: a number, or a quantile of
/// what is normal. `missing` ends the sentence that says that nothing normal is known. Throws
/// Failure (usage).
std::optional<double> score_threshold(const AnomalyArguments& a, const NormalSamples* normal,
                                      const char* missing);

/// `longhand anomaly` for a model of windows: how odd each time step of a series is. Options and
/// data are as for single rows.
ExitCode find_odd_steps(const AnomalyArguments& a, const Model& model);

}  // namespace longhand::cli
