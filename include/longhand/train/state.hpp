// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "longhand/core/terms.hpp"
#include "longhand/train/report.hpp"

namespace longhand {

/// All that a training is made of between two of its steps, as plain numbers: Trainer::state()
/// gives it, Trainer::resume() takes it. There is no state of a random generator in it, since noise
/// has none: the order of an epoch, the noise of a step, dropout and binarisation are functions of
/// the seed, the step and the sample's number (docs/derivations/noise.md).
///
/// Numbers per parameter stand in the order of the model's flat buffer, padding included.
template <class S>
struct TrainState {
  using Values = std::vector<S>;

  // What the training that goes on must have too.
  std::uint64_t seed = 0;
  Index batch = 0;
  Index samples = 0;   ///< to train on
  Index held_out = 0;  ///< for validation

  Index epoch = 1;     ///< the one under way, from 1
  Index steps = 0;     ///< taken before that epoch
  Index taken = 0;     ///< taken in that epoch
  EpochReport report;  ///< of these, with sums in the place of means

  Values weights;
  struct PlayerState {
    std::string name;
    std::vector<Values> moments;  ///< of its optimizer; 0 for parameters that it does not learn
  };
  std::vector<PlayerState> players;

  Values good;             ///< the newest weights with which a finite loss was seen for certain
  Values unseen;           ///< those of the last epoch's end, which the next step sees
  Index unseen_until = 0;  ///< that step

  /// A validated epoch that can still be the best one.
  struct Kept {
    Index epoch = 0;
    Selection selection;
    Values weights;
  };
  std::vector<Kept> kept;
  double least_loss = std::numeric_limits<double>::infinity();  ///< of all validated epochs
  Index stale = 0;                                              ///< epochs since the best one
  bool stopped_early = false;

  std::vector<EpochReport> history;
};

}  // namespace longhand
