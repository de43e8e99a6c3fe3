// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "longhand/core/view.hpp"

/// What a model is to its training: named loss terms, players that each minimise a weighted sum of
/// some of them, and the phases of a step (docs/derivations/elbo.md, "Terms, players and phases").
namespace longhand {

/// One number per sample that a model computes, in nats where it is a log-probability. A step
/// leaves the numbers of all terms as the rows of one T x N matrix.
struct Term {
  std::string name;  ///< "nll", "kl", …: the key under which it is reported
};

/// A quantity that changes with the step: the weight of the KL, a temperature. The trainer plans it
/// and sweeps read it in backend memory, by its place in the model's list.
struct Scheduled {
  std::string name;
  double usual = 1;  ///< its value where the training options say nothing about it
};

/// A term in a player's loss, times `weight` and times a schedule of the model if one is named.
struct WeightedTerm {
  Index term = 0;
  double weight = 1;
  Index schedule = -1;  ///< place in the model's list of schedules; -1: none
};

/// A player: it minimises a loss of its own, by an optimizer of its own over some segments of the
/// parameters.
struct Player {
  std::string name;
  std::vector<std::string> segments;
  std::vector<WeightedTerm> loss;  ///< the player's loss is the sum of these, a mean over samples
};

/// One part of a training step: a pass that leaves the gradients of some players, whose segments
/// do not overlap; then each of them steps.
struct Phase {
  std::string name;
  std::vector<Index> players;
};

/// The numbers that change from step to step. They live in backend memory and are read by the
/// sweeps, so that a step that was recorded once (a CUDA graph) never holds a number of the host.
/// A default-constructed one says that no training is under way.
template <class T>
struct StepScalars {
  /// The number of the step and of its epoch.
  struct Counters {
    std::uint32_t step = 0;   ///< of the training, from 0: keys the noise
    std::uint32_t epoch = 0;  ///< from 0: keys dynamic binarisation
  };
  const Counters* counters = nullptr;
  const T* inverse_samples = nullptr;  ///< 1/N of [ELBO-1]
  const T* schedules = nullptr;        ///< one number per schedule of the model
  const T* weights = nullptr;          ///< one per entry of the players' losses, player by player

  bool present() const { return counters != nullptr; }
};

/// Step scalars in host memory, for a pass outside of a training:
///
///     HostScalars<float> numbers{.inverse_samples = 1.f / 128, .schedules = {beta}};
///     pass.scalars = numbers.view();
template <class T>
struct HostScalars {
  typename StepScalars<T>::Counters counters = {};
  T inverse_samples = T(1);
  std::vector<T> schedules = {};
  std::vector<T> weights = {};

  StepScalars<T> view() const {
    return {&counters, &inverse_samples, schedules.data(), weights.data()};
  }
};

/// What an optimizer reads of its player in backend memory, and what judging a step leaves there.
template <class T>
struct PlayerScalars {
  const T* learning_rate = nullptr;
  const T* correction1 = nullptr;  ///< 1/(1 - b1^t) of [OPT-5]
  const T* correction2 = nullptr;  ///< 1/(1 - b2^t) of [OPT-5]
  T* clip = nullptr;               ///< factor of [OPT-10]
  T* finite = nullptr;  ///< s of [OPT-14], shared by all players; 0: no update changes anything
};

/// By what an epoch is chosen, from its report on held-out samples: its loss, and among epochs of
/// nearly the same loss a second number. Less is better.
struct Selection {
  double loss = 0;
  double tie_break = 0;
};

}  // namespace longhand
