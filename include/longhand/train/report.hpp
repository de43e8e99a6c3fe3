// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <span>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "longhand/core/named_values.hpp"
#include "longhand/core/terms.hpp"
#include "longhand/core/view.hpp"

/// What a training says: while it runs, when it is over, and when it fails.
namespace longhand {

enum class Split { train, validation };

/// Means of a model's terms over samples, in nats, under the terms' names; with the names that
/// models with a likelihood ("nll") and a KL ("kl") have in common.
struct TermMeans {
  NamedValues terms;

  double term(std::string_view name) const { return terms.get(name); }
  double log_likelihood_term() const { return -term("nll"); }
  double kl() const { return term("kl"); }
  /// The evidence lower bound. (Only a model whose has_elbo() is true has one.)
  double elbo() const { return log_likelihood_term() - kl(); }
};

/// What one player did.
struct PlayerReport {
  std::string name;
  double loss = 0;           ///< the weighted sum of its terms
  double grad_norm = 0;      ///< mean over steps, before clipping (0 for validation)
  double learning_rate = 0;  ///< at the last step
};

/// One line of a training's history: means over the samples of an epoch.
struct EpochReport : TermMeans {
  Index epoch = 0;  ///< from 1
  Index step = 0;   ///< steps taken so far
  Split split = Split::train;
  std::vector<PlayerReport> players;
  NamedValues schedules;   ///< at the last step; for validation where they arrive
  NamedValues grad_norms;  ///< by tensor, mean over steps, where TrainOptions asks for them
  /// For validation: what the model says of all codes together, where it says something.
  NamedValues diagnostics;
  Index samples = 0;
  double seconds = 0;

  /// What the first player minimises: for a Vae -(log_likelihood_term - beta kl).
  double loss() const { return players.empty() ? 0 : players.front().loss; }
};

/// One step, for progress bars. Valid during the call that gets it.
struct StepReport {
  Index epoch = 0;
  Index step = 0;  ///< steps taken so far, of `steps`
  Index steps = 0;
  std::span<const NamedValue> terms;  ///< means over the batch

  double term(std::string_view name) const {
    const auto found = std::ranges::find(terms, name, &NamedValue::name);
    return found == terms.end() ? 0 : found->value;
  }
};

struct TrainResult {
  enum class Stop { finished, early, cancelled };
  Stop stop = Stop::finished;
  std::vector<EpochReport> history;
  Index steps = 0;
  Index best_epoch = 0;  ///< whose weights the model has; 0 = the last (none were validated)
  /// Schedules that had not arrived when the training ended, with the numbers they had reached.
  NamedValues unfinished;
  /// What the user should know of the data and of the epoch that was kept, in sentences.
  std::vector<std::string> remarks;
};

/// Loss or gradient stopped being finite, or the loss of held-out samples. The model has the
/// weights of the last good epoch, those with which a finite loss was seen. Thrown after the step;
/// on a GPU when the losses are read, after the epoch (TrainOptions::on_step).
class NonFinite : public std::runtime_error {
 public:
  NonFinite(Index at_step, std::string in_tensor, std::vector<Index> of_samples,
            Split split = Split::train)
      : std::runtime_error(message(at_step, in_tensor, of_samples, split)),
        step(at_step),
        tensor(std::move(in_tensor)),
        samples(std::move(of_samples)) {}
  Index step;                  ///< from 0
  std::string tensor;          ///< first parameter or gradient that is not finite; empty if none is
  std::vector<Index> samples;  ///< numbers of the samples whose loss is not finite

 private:
  static std::string message(Index at_step, const std::string& in_tensor,
                             const std::vector<Index>& of_samples, Split split) {
    const bool validation = split == Split::validation;
    std::ostringstream text;
    text << "training stopped at step " << at_step << ": ";
    text << (!in_tensor.empty() ? in_tensor
             : validation       ? "the validation loss"
                                : "the loss")
         << " is not finite";
    if (!of_samples.empty()) {
      text << (validation ? " for " : "; the loss is not finite for ") << of_samples.size()
           << (validation ? " row(s) that are held out" : " row(s) of the batch") << ", first row "
           << of_samples.front();
    }
    return text.str();
  }
};

}  // namespace longhand
