// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "longhand/train/trainer.hpp"

namespace longhand::cli {

/// One line of metrics.jsonl, without the line break. `elbo` is null for a model that has none,
/// and for the training of one whose training codes are relaxed (`surrogate`), where the same sum
/// stands under "surrogate"; `kl` and `kl_weight` are null where there is no KL. The terms,
/// schedules and diagnostics that only some models have stand under their own names, and several
/// players under "players".
std::string metrics_line(const EpochReport& report, bool has_elbo, bool surrogate = false);

}  // namespace longhand::cli
