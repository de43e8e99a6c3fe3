// SPDX-License-Identifier: MIT
#pragma once
#include <atomic>
#include <cmath>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "longhand/core/check.hpp"
#include "longhand/optim/optimizer.hpp"
#include "longhand/optim/schedule.hpp"
#include "longhand/train/batch_changes.hpp"
#include "longhand/train/report.hpp"

namespace longhand {

/// How one player of a model steps, where it differs from the others; what is absent is as for all.
struct PlayerOptions {
  std::optional<Optimizer> optimizer = {};
  std::optional<double> learning_rate = {};
  std::optional<double> clip_norm = {};
};

/// When the state of a training is kept: after so many seconds, steps or epochs; 0 = not by this
/// number. With seconds and steps it is between two steps, on a GPU after the launch.
struct CheckpointEvery {
  double seconds = 0;
  Index steps = 0;
  Index epochs = 0;
};

struct TrainOptions {
  Index epochs = 10;
  Index batch = 128;  ///< the last, smaller batch of an epoch is kept
  Optimizer optimizer = Adam{};
  double learning_rate = 1e-3;
  LearningRateSchedule schedule = {};
  double beta = 1;       ///< where the schedule "beta" arrives: the weight of the KL
  Index kl_warmup = 0;   ///< steps in which it grows from 0
  double clip_norm = 0;  ///< most a player's gradient norm may be; 0 = no clipping
  double l1 = 0;         ///< penalty l1 |theta| [OPT-9], on top of the optimizer's own
  double l2 = 0;         ///< penalty l2 theta^2 / 2 [OPT-8], likewise
  /// Other schedules of the model, by name ("tau"), or "beta" in another form than the two numbers
  /// above give it.
  std::map<std::string, Schedule> schedules = {};
  /// Options of single players, by name, for a model with several ("discriminator").
  std::map<std::string, PlayerOptions> players = {};
  double validation = 0;  ///< fraction of samples held out, in [0, 1)
  Index early_stop = 0;   ///< epochs without a better validation loss after the warm-up; 0 = never
  bool grad_norms = false;  ///< report the gradient norm of every tensor
  /// On a backend that records: steps in one recording (a CUDA graph), played by one call, no more
  /// than an epoch has full batches; 0 = no recording. Changes the speed and nothing else.
  Index steps_per_launch = 16;
  BatchChanges changes = {};  ///< what happens to samples on their way into a batch
  std::uint64_t seed = 0;     ///< of order, noise, dropout, split
  std::function<void(const EpochReport&)> on_epoch = {};
  /// Called inside the parallel region of the CPU's threads: a region of its own has one thread.
  /// On a GPU losses are then read after every launch, and it is called for all steps of that; else
  /// they are read once an epoch.
  std::function<void(const StepReport&)> on_step = {};
  /// Called after an epoch, at most once in so many seconds, while the model has the weights that
  /// it would end with now: the best validated ones, or the last good ones.
  std::function<void()> on_save = {};
  double save_every = 300;
  /// Called as `checkpoint` says, and once when the training ends in whatever way but by NonFinite,
  /// while Trainer::state() is there to be asked for. Inside the parallel region, as on_step.
  std::function<void()> on_checkpoint = {};
  CheckpointEvery checkpoint = {};
  /// Set it from anywhere to stop after the step; on a GPU after the launch. The model then has the
  /// best validated weights, as at any other end, or the last ones where none were validated.
  const std::atomic<bool>* cancel = nullptr;
};

/// The options as they are. Throws std::invalid_argument naming the one that is wrong.
inline TrainOptions checked(TrainOptions o) {
  const auto positive = [](const std::string& name, double v) {
    require(v > 0 && std::isfinite(v), name, " is ", v, ", expected a positive number");
  };
  const auto not_negative = [](const std::string& name, double v) {
    require(v >= 0 && std::isfinite(v), name, " is ", v, ", expected 0 or more");
  };
  require(o.epochs > 0, "epochs is ", o.epochs, ", expected at least 1");
  require(o.batch > 0, "batch is ", o.batch, ", expected at least 1");
  positive("learning rate", o.learning_rate);
  not_negative("beta", o.beta);
  not_negative("save_every", o.save_every);
  not_negative("checkpoint.seconds", o.checkpoint.seconds);
  require(o.checkpoint.steps >= 0 && o.checkpoint.epochs >= 0, "checkpoint is ", o.checkpoint.steps,
          " steps and ", o.checkpoint.epochs, " epochs, expected 0 or more");
  require(o.kl_warmup >= 0, "kl_warmup is ", o.kl_warmup, ", expected 0 or more steps");
  not_negative("clip_norm", o.clip_norm);
  not_negative("l1", o.l1);
  not_negative("l2", o.l2);
  for (const auto& [name, player] : o.players) {
    if (player.learning_rate) positive(name + ": learning rate", *player.learning_rate);
    if (player.clip_norm) not_negative(name + ": clip_norm", *player.clip_norm);
  }
  require(o.validation >= 0 && o.validation < 1, "validation is ", o.validation,
          ", expected a fraction in [0, 1)");
  o.changes = checked(o.changes);
  require(o.steps_per_launch >= 0, "steps_per_launch is ", o.steps_per_launch,
          ", expected 0 (no recording) or more");
  require(o.early_stop >= 0, "early_stop is ", o.early_stop, ", expected 0 or more epochs");
  require(o.schedule.every > 0, "the learning-rate schedule drops every ", o.schedule.every,
          " steps, expected at least 1");
  return o;
}

}  // namespace longhand
