// SPDX-License-Identifier: MIT
#pragma once

#include "model.hpp"

namespace longhand::cli {

/// `longhand anomaly` for a model of windows: how odd each time step of a series is. Options and
/// data are as for single rows.
ExitCode find_odd_steps(const AnomalyArguments& a, const Model& model);

}  // namespace longhand::cli
