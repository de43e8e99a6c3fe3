// SPDX-License-Identifier: MIT
#include "progress.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace longhand::cli {
namespace {

constexpr double redraw_interval = 0.1;  // seconds: at most 10 Hz
constexpr double rate_memory = 3;        // seconds after which an old rate counts 1/e

std::string fixed(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// The first of LC_ALL, LC_CTYPE, LANG that is set decides, as for the C library.
bool utf8_locale() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const std::string value = environment(name);
    if (value.empty()) continue;
    return value.find("UTF-8") != value.npos || value.find("utf8") != value.npos;
  }
  return false;
}

}  // namespace

std::string clock_text(double seconds) {
  const auto total = static_cast<long long>(std::llround(std::clamp(seconds, 0.0, 3.6e8)));
  char text[64];
  if (total >= 3600) {
    std::snprintf(text, sizeof text, "%lld:%02lld:%02lld", total / 3600, total / 60 % 60,
                  total % 60);
  } else {
    std::snprintf(text, sizeof text, "%lld:%02lld", total / 60, total % 60);
  }
  return text;
}

ProgressStyle ProgressStyle::of_stderr() {
  ProgressStyle style;
  const std::string terminal = environment("TERM");
  style.animate = isatty(STDERR_FILENO) != 0 && terminal != "dumb" && !terminal.empty();
  style.color = style.animate && environment("NO_COLOR").empty();
  style.unicode = utf8_locale();
  style.width = [] {
    winsize size{};
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
  };
  return style;
}

Progress::Progress(std::ostream& out, const ProgressStyle& style, Clock clock)
    : out_(out), style_(style), clock_(std::move(clock)) {}

void Progress::step(const StepReport& report) {
  if (report.epoch != epoch_) {
    epoch_ = report.epoch;
    steps_in_epoch_ = 0;
    sums_ = {};
  }
  ++steps_in_epoch_;
  sums_.resize(report.terms.size());
  for (std::size_t t = 0; t < sums_.size(); ++t)
    sums_[t] = {report.terms[t].name, sums_[t].value + report.terms[t].value};

  const double now = clock_();
  if (last_step_ < 0) {
    last_time_ = now;
    last_step_ = report.step;
    return;
  }
  const double elapsed = now - last_time_;
  if (elapsed < redraw_interval) return;
  const double newest = static_cast<double>(report.step - last_step_) / elapsed;
  rate_ = rate_ == 0 ? newest : newest + (rate_ - newest) * std::exp(-elapsed / rate_memory);
  last_time_ = now;
  last_step_ = report.step;
  if (style_.animate) draw(report);
}

void Progress::epoch(const EpochReport& report) {
  if (report.split == Split::validation) {
    print_epoch(waiting_.value_or(report), &report);
    waiting_.reset();
  } else if (style_.validation) {
    waiting_ = report;
  } else {
    print_epoch(report, nullptr);
  }
}

void Progress::finish() {
  if (waiting_) print_epoch(*waiting_, nullptr);
  waiting_.reset();
  clear();
  out_.flush();
}

std::string Progress::terms(const NamedValues& terms, double divisor, Split split) const {
  const TermMeans means{terms};
  const auto shown = [&](double value) { return fixed(value / divisor, 2); };
  if (style_.has_elbo)
    return (style_.surrogate && split == Split::train ? "surrogate " : "elbo ") +
           shown(means.elbo()) + " = " + shown(means.log_likelihood_term()) + " - kl " +
           shown(means.kl());
  std::string all;
  for (const NamedValue& term : terms) {
    all += all.empty() ? "" : ", ";
    all += term.name == "nll" ? "log-likelihood term " + shown(-term.value)
                              : term.name + " " + shown(term.value);
  }
  return all;
}

void Progress::draw(const StepReport& report) {
  const double n = static_cast<double>(std::max<Index>(steps_in_epoch_, 1));
  const double done =
      report.steps > 0 ? static_cast<double>(report.step) / static_cast<double>(report.steps) : 0;
  const std::string left =
      "epoch " + std::to_string(report.epoch) + "/" + std::to_string(style_.epochs) + " ";
  std::string right = " " + fixed(100 * done, 0) + "% " + fixed(rate_, 0) + " steps/s";
  if (rate_ > 0)
    right += " ETA " + clock_text(static_cast<double>(report.steps - report.step) / rate_);
  right += "  " + terms(sums_, n, Split::train);

  // A line as wide as the terminal would wrap, and then no longer redraw itself.
  const int width = style_.width();
  const int room = width - 1 - static_cast<int>(left.size() + right.size());
  std::string line = left + right;
  if (room >= 6) {
    const int cells = std::min(room, 30) - 2;
    const int full = static_cast<int>(done * cells);
    std::string bar;
    for (int i = 0; i < cells; ++i)
      bar += i < full ? (style_.unicode ? "█" : "#") : (style_.unicode ? "·" : ".");
    if (style_.color) bar = "\x1b[32m" + bar + "\x1b[0m";
    line = left + "[" + bar + "]" + right;
  } else {
    line.resize(std::min(line.size(), static_cast<std::size_t>(std::max(0, width - 1))));
  }
  out_ << "\r\x1b[K" << line << std::flush;
  drawn_ = true;
}

void Progress::print_epoch(const EpochReport& train, const EpochReport* validation) {
  clear();
  out_ << "epoch " << train.epoch << "/" << style_.epochs << "  "
       << terms(train.terms, 1, Split::train);
  if (validation != nullptr) {
    out_ << "  | validation " << terms(validation->terms, 1, Split::validation);
    // A discrepancy of samples is small where other differences are not.
    for (const NamedValue& number : validation->diagnostics)
      out_ << ", " << number.name << " " << fixed(number.value, number.name == "mmd" ? 4 : 2);
  }
  out_ << "  | " << fixed(train.seconds, 2) << " s\n" << std::flush;
}

void Progress::clear() {
  if (drawn_) out_ << "\r\x1b[K";
  drawn_ = false;
}

}  // namespace longhand::cli
