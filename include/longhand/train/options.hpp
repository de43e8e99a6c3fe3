// SPDX-License-Identifier: MIT
#pragma once
#include <atomic>
#include <cmath>
#include <cstdint>
#include <functional>

#include "longhand/core/check.hpp"
#include "longhand/optim/optimizer.hpp"
#include "longhand/optim/schedule.hpp"
#include "longhand/train/batch.hpp"
#include "longhand/train/report.hpp"

namespace longhand {

struct TrainOptions {
  Index epochs = 10;
  Index batch = 128;  ///< the last, smaller batch of an epoch is kept
  Optimizer optimizer = Adam{};
  double learning_rate = 1e-3;
  LearningRateSchedule schedule = {};
  double beta = 1;        ///< weight of the KL
  Index kl_warmup = 0;    ///< steps until the weight reaches beta
  double clip_norm = 0;   ///< most the gradient's global norm may be; 0 = no clipping
  double l1 = 0;          ///< penalty l1 |theta| [OPT-9], on top of the optimizer's own
  double l2 = 0;          ///< penalty l2 theta^2 / 2 [OPT-8], likewise
  double validation = 0;  ///< fraction of rows held out, in [0, 1)
  Index early_stop = 0;   ///< epochs without a better validation loss after the warm-up; 0 = never
  /// On a backend that records: steps in one recording (a CUDA graph), played by one call, no more
  /// than an epoch has full batches; 0 = no recording. Changes the speed and nothing else.
  Index steps_per_launch = 16;
  Binarize binarize = Binarize::none;
  std::uint64_t seed = 0;  ///< of order, noise, dropout, split
  std::function<void(const EpochReport&)> on_epoch = {};
  /// Called inside the parallel region of the CPU's threads: a region of its own has one thread.
  /// On a GPU losses are then read after every launch, and it is called for all steps of that; else
  /// they are read once an epoch.
  std::function<void(const StepReport&)> on_step = {};
  /// Set it from anywhere to stop after the step; on a GPU after the launch.
  const std::atomic<bool>* cancel = nullptr;
};

/// The options as they are. Throws std::invalid_argument naming the one that is wrong.
inline TrainOptions checked(TrainOptions o) {
  require(o.epochs > 0, "epochs is ", o.epochs, ", expected at least 1");
  require(o.batch > 0, "batch is ", o.batch, ", expected at least 1");
  require(o.learning_rate > 0 && std::isfinite(o.learning_rate), "learning rate is ",
          o.learning_rate, ", expected a positive number");
  require(o.beta >= 0 && std::isfinite(o.beta), "beta is ", o.beta, ", expected 0 or more");
  require(o.kl_warmup >= 0, "kl_warmup is ", o.kl_warmup, ", expected 0 or more steps");
  require(o.clip_norm >= 0 && std::isfinite(o.clip_norm), "clip_norm is ", o.clip_norm,
          ", expected 0 (off) or more");
  require(o.l1 >= 0 && std::isfinite(o.l1), "l1 is ", o.l1, ", expected 0 or more");
  require(o.l2 >= 0 && std::isfinite(o.l2), "l2 is ", o.l2, ", expected 0 or more");
  require(o.validation >= 0 && o.validation < 1, "validation is ", o.validation,
          ", expected a fraction in [0, 1)");
  require(o.steps_per_launch >= 0, "steps_per_launch is ", o.steps_per_launch,
          ", expected 0 (no recording) or more");
  require(o.early_stop >= 0, "early_stop is ", o.early_stop, ", expected 0 or more epochs");
  require(o.schedule.every > 0, "the learning-rate schedule drops every ", o.schedule.every,
          " steps, expected at least 1");
  return o;
}

}  // namespace longhand
