// SPDX-License-Identifier: MIT
#pragma once
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "longhand/core/view.hpp"

/// What a training says: while it runs, when it is over, and when it fails.
namespace longhand {

enum class Split { train, validation };

/// One line of a training's history: means over the rows of an epoch, in nats.
struct EpochReport {
  Index epoch = 0;  ///< from 1
  Index step = 0;   ///< steps taken so far
  Split split = Split::train;
  double loss = 0;  ///< the objective: -(log_likelihood_term - kl_weight * kl)
  double log_likelihood_term = 0;
  double kl = 0;
  double kl_weight = 0;  ///< at the epoch's last step
  double grad_norm = 0;  ///< mean over steps, before clipping (0 for validation)
  double learning_rate = 0;
  Index rows = 0;
  double seconds = 0;

  double elbo() const { return log_likelihood_term - kl; }
};

/// One step, for progress bars.
struct StepReport {
  Index epoch = 0;
  Index step = 0;  ///< steps taken so far, of `steps`
  Index steps = 0;
  double log_likelihood_term = 0;  ///< mean over the batch, in nats
  double kl = 0;
};

struct TrainResult {
  enum class Stop { finished, early, cancelled };
  Stop stop = Stop::finished;
  std::vector<EpochReport> history;
  Index steps = 0;
  Index best_epoch = 0;         ///< whose weights the model has; 0 = the last (no validation)
  bool warmup_complete = true;  ///< false: the KL never reached its full weight
};

/// Loss or gradient stopped being finite. The model has the weights of the last good epoch. Thrown
/// after the step; on a GPU when the losses are read, after the epoch (TrainOptions::on_step).
class NonFinite : public std::runtime_error {
 public:
  NonFinite(Index at_step, std::string in_tensor, std::vector<Index> of_rows)
      : std::runtime_error(message(at_step, in_tensor, of_rows)),
        step(at_step),
        tensor(std::move(in_tensor)),
        rows(std::move(of_rows)) {}
  Index step;               ///< from 0
  std::string tensor;       ///< first parameter or gradient that is not finite; empty if none is
  std::vector<Index> rows;  ///< rows of the data set whose loss is not finite

 private:
  static std::string message(Index at_step, const std::string& in_tensor,
                             const std::vector<Index>& of_rows) {
    std::ostringstream text;
    text << "training stopped at step " << at_step << ": ";
    text << (in_tensor.empty() ? "the loss" : in_tensor) << " is not finite";
    if (!of_rows.empty()) {
      text << "; the loss is not finite for " << of_rows.size()
           << " row(s) of the batch, first row " << of_rows.front();
    }
    return text.str();
  }
};

}  // namespace longhand
