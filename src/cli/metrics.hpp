// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "longhand/train/trainer.hpp"

namespace longhand::cli {

/// One line of metrics.jsonl, without the line break. An autoencoder has no ELBO: null.
std::string metrics_line(const EpochReport& report, bool has_elbo);

}  // namespace longhand::cli
