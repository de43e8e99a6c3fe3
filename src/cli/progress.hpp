// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <optional>
#include <ostream>
#include <string>

#include "longhand/train/trainer.hpp"

namespace longhand::cli {

/// How progress is shown. `animate` means a line that redraws itself.
struct ProgressStyle {
  bool animate = false;
  bool color = false;
  bool unicode = false;
  std::function<int()> width = [] { return 80; };  ///< columns of the terminal as it is now
  bool surrogate = false;   ///< in training the sum is no bound, but a surrogate
  bool has_elbo = true;     ///< whether the model has a bound
  bool validation = false;  ///< every epoch is reported twice
  Index epochs = 0;

  /// What stderr and the environment (TERM, NO_COLOR, LANG) allow.
  static ProgressStyle of_stderr();
};

/// Progress of a training: on a terminal a bar with rate, time left and the bound with its two
/// terms in nats (or the terms of a model without a bound), means over the epoch so far; anywhere
/// else one plain line per epoch. Validation also shows what the model says of all codes together.
class Progress {
 public:
  using Clock = std::function<double()>;  ///< seconds since any moment

  Progress(std::ostream& out, const ProgressStyle& style, Clock clock);

  void step(const StepReport& report);
  void epoch(const EpochReport& report);
  /// Removes the bar and prints what still waits. Call it before anything else is written.
  void finish();

 private:
  void draw(const StepReport& report);
  void print_epoch(const EpochReport& train, const EpochReport* validation);
  void clear();
  /// The sums of some terms as means: the bound and its two terms, or every term by its name.
  std::string terms(const NamedValues& terms, double divisor, Split split) const;

  std::ostream& out_;
  ProgressStyle style_;
  Clock clock_;
  bool drawn_ = false;    ///< a bar is on the screen
  double last_time_ = 0;  ///< of the last redraw
  Index last_step_ = -1;  ///< then
  double rate_ = 0;       ///< steps per second, an exponential moving average; 0 = unknown
  Index epoch_ = 0;       ///< the running epoch, its steps and the sums over them
  Index steps_in_epoch_ = 0;
  NamedValues sums_;
  std::optional<EpochReport> waiting_;  ///< train report whose validation is still to come
};

/// "0:07", "12:34", "1:02:03"
std::string clock_text(double seconds);

}  // namespace longhand::cli
