// SPDX-License-Identifier: MIT
#include "progress.hpp"

#include <doctest/doctest.h>

#include <sstream>

using namespace longhand;
using namespace longhand::cli;

namespace {

/// A progress display with a clock that goes when told to.
struct Screen {
  double now = 100;
  std::ostringstream out;
  ProgressStyle style;
  Progress progress;

  explicit Screen(const ProgressStyle& s)
      : style(s), progress(out, style, [this] { return now; }) {}

  /// One step of `seconds`, with an ELBO of -3 = -2 - 1; what it printed.
  std::string step(Index epoch, Index step, double seconds) {
    now += seconds;
    out.str("");
    const NamedValues terms{{"nll", 2}, {"kl", 1}};
    progress.step({.epoch = epoch, .step = step, .steps = 1000, .terms = terms});
    return out.str();
  }
};

ProgressStyle on_terminal() {
  ProgressStyle style;
  style.animate = true;
  style.width = [] { return 120; };
  style.epochs = 4;
  return style;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

EpochReport report(Split split, double term, double kl) {
  EpochReport r;
  r.epoch = 3;
  r.split = split;
  r.terms = {{"nll", -term}, {"kl", kl}};
  r.seconds = 1.25;
  return r;
}

}  // namespace

TEST_CASE("progress: redraws at most 10 times a second") {
  Screen screen(on_terminal());
  int drawn = 0;
  for (Index step = 1; step <= 1000; ++step) drawn += screen.step(1, step, 0.001).empty() ? 0 : 1;
  CHECK(drawn <= 10);
  CHECK(drawn >= 9);
}

TEST_CASE("progress: rate and time left of a steady run") {
  Screen screen(on_terminal());
  std::string line;
  for (Index step = 1; step <= 400; ++step) line = screen.step(1, step, 0.125);
  CHECK(has(line, "epoch 1/4 "));
  CHECK(has(line, " 40% "));
  CHECK(has(line, " 8 steps/s "));
  CHECK(has(line, "ETA 1:15 "));  // 600 steps at 8 per second
  CHECK(has(line, "elbo -3.00 = -2.00 - kl 1.00"));
}

TEST_CASE("progress: the rate follows a change and forgets the past") {
  Screen screen(on_terminal());
  std::string line;
  for (Index step = 1; step <= 100; ++step) line = screen.step(1, step, 0.125);
  line = screen.step(1, 101, 0.5);  // now 2 per second
  CHECK_FALSE(has(line, " 8 steps/s"));
  CHECK_FALSE(has(line, " 2 steps/s"));
  for (Index step = 102; step <= 160; ++step) line = screen.step(1, step, 0.5);
  CHECK(has(line, " 2 steps/s"));
}

TEST_CASE("progress: terms are means over the epoch so far") {
  Screen screen(on_terminal());
  screen.step(1, 1, 1);
  screen.now += 1;
  screen.out.str("");
  const NamedValues terms{{"nll", 4}, {"kl", 3}};
  screen.progress.step({.epoch = 1, .step = 2, .steps = 4, .terms = terms});
  CHECK(has(screen.out.str(), "elbo -5.00 = -3.00 - kl 2.00"));
  CHECK(has(screen.step(2, 3, 1), "elbo -3.00 = -2.00 - kl 1.00"));
}

TEST_CASE("progress: a line never wraps") {
  for (const int width : {10, 20, 40, 60, 80, 100, 200}) {
    ProgressStyle style = on_terminal();
    style.width = [width] { return width; };
    Screen screen(style);
    screen.step(1, 1, 1);
    std::string line = screen.step(1, 2, 1);
    const std::string start = "\r\x1b[K";
    REQUIRE(line.starts_with(start));
    CHECK(line.size() - start.size() < static_cast<std::size_t>(width));
  }
}

TEST_CASE("progress: color and blocks only where they may be") {
  ProgressStyle style = on_terminal();
  Screen plain(style);
  plain.step(1, 1, 1);
  std::string line = plain.step(1, 500, 1);
  CHECK(has(line, "[##"));
  CHECK_FALSE(has(line, "\x1b[32m"));
  style.color = style.unicode = true;
  Screen rich(style);
  rich.step(1, 1, 1);
  line = rich.step(1, 500, 1);
  CHECK(has(line, "\x1b[32m█"));
}

TEST_CASE("progress: without a terminal one plain line per epoch") {
  ProgressStyle style = on_terminal();
  style.animate = false;
  Screen screen(style);
  for (Index step = 1; step <= 100; ++step) CHECK(screen.step(1, step, 1).empty());
  screen.progress.epoch(report(Split::train, -5, 2));
  CHECK(screen.out.str() == "epoch 3/4  elbo -7.00 = -5.00 - kl 2.00  | 1.25 s\n");
}

TEST_CASE("progress: training and validation of an epoch share a line") {
  ProgressStyle style = on_terminal();
  style.animate = false;
  style.validation = true;
  Screen screen(style);
  screen.progress.epoch(report(Split::train, -5, 2));
  CHECK(screen.out.str().empty());
  screen.progress.epoch(report(Split::validation, -6, 3));
  CHECK(screen.out.str() ==
        "epoch 3/4  elbo -7.00 = -5.00 - kl 2.00  | validation elbo -9.00 = -6.00 - kl 3.00  | "
        "1.25 s\n");

  // A training that stops between the two still shows what it has.
  screen.out.str("");
  screen.progress.epoch(report(Split::train, -5, 2));
  screen.progress.finish();
  CHECK(screen.out.str() == "epoch 3/4  elbo -7.00 = -5.00 - kl 2.00  | 1.25 s\n");
}

TEST_CASE("progress: an epoch's line takes the place of the bar") {
  Screen screen(on_terminal());
  screen.step(1, 1, 1);
  screen.step(1, 2, 1);
  screen.out.str("");
  screen.progress.epoch(report(Split::train, -5, 2));
  CHECK(screen.out.str().starts_with("\r\x1b[Kepoch 3/4"));
}

TEST_CASE("progress: a model without a bound shows its terms by name") {
  ProgressStyle style = on_terminal();
  style.has_elbo = false;
  Screen screen(style);
  screen.step(1, 1, 1);
  screen.now += 1;
  screen.out.str("");
  const NamedValues terms{{"nll", 2}, {"fooled", 0.5}};
  screen.progress.step({.epoch = 2, .step = 2, .steps = 4, .terms = terms});
  CHECK(has(screen.out.str(), "log-likelihood term -2.00, fooled 0.50"));
  CHECK_FALSE(has(screen.out.str(), "elbo"));

  style.animate = false;
  Screen plain(style);
  EpochReport autoencoder = report(Split::train, -2, 0);
  autoencoder.terms = {{"nll", 2}};
  plain.progress.epoch(autoencoder);
  CHECK(plain.out.str() == "epoch 3/4  log-likelihood term -2.00  | 1.25 s\n");
}

TEST_CASE("progress: validation shows what the model says of all codes together") {
  ProgressStyle style = on_terminal();
  style.has_elbo = style.animate = false;
  style.validation = true;
  Screen screen(style);
  EpochReport train = report(Split::train, -2, 0), held = report(Split::validation, -3, 0);
  train.terms = {{"nll", 2}, {"fooled", 0.75}};
  held.terms = {{"nll", 3}, {"fooled", 0.5}};
  held.diagnostics = {{"mean_gap", 0.05}, {"mmd", 0.00125}};
  screen.progress.epoch(train);
  screen.progress.epoch(held);
  CHECK(screen.out.str() ==
        "epoch 3/4  log-likelihood term -2.00, fooled 0.75  | validation log-likelihood term "
        "-3.00, fooled 0.50, mean_gap 0.05, mmd 0.0013  | 1.25 s\n");
}

TEST_CASE("progress: time left as a clock") {
  CHECK(clock_text(0) == "0:00");
  CHECK(clock_text(7.4) == "0:07");
  CHECK(clock_text(754) == "12:34");
  CHECK(clock_text(3723) == "1:02:03");
  CHECK(clock_text(-1) == "0:00");
}
