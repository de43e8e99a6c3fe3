// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <vector>

#include "longhand/core/check.hpp"
#include "longhand/core/view.hpp"
#include "longhand/uses/anomaly.hpp"

/// A series as samples: `length` of its rows, one after the other, from every `stride`-th row on
/// (docs/guides/signals.md).
namespace longhand {

struct Windows {
  Index steps = 0;   ///< rows of the series
  Index length = 0;  ///< rows of a window
  Index stride = 1;  ///< rows between the beginnings of two windows

  /// Throws std::invalid_argument for a window that is longer than the series.
  Windows(Index steps_of_series, Index window, Index between)
      : steps(steps_of_series), length(window), stride(between) {
    require(length > 0, "a window has ", length, " time steps, expected at least 1");
    require(stride > 0, "the stride of windows is ", stride, ", expected at least 1");
    require(steps >= length, "a window has ", length, " time steps, but the series only ", steps);
  }

  Index count() const { return (steps - length) / stride + 1; }
  /// The first row of window k.
  Index first(Index k) const { return k * stride; }
  /// Rows of the series that are in some window; what is left at the end is in none.
  Index covered() const { return stride > length ? count() * length : first(count() - 1) + length; }

  /// The series cut into windows: `values` has `channels` numbers per row of the series, the result
  /// length x channels per window.
  template <class T>
  std::vector<T> cut(const std::vector<T>& values, Index channels) const {
    std::vector<T> all;
    all.reserve(static_cast<std::size_t>(count() * length * channels));
    for (Index k = 0; k < count(); ++k) {
      const auto begin = values.begin() + first(k) * channels;
      all.insert(all.end(), begin, begin + length * channels);
    }
    return all;
  }

  /// The mean over the windows that have a row of what each of them says of it: `values` has
  /// `channels` numbers per row of each window, the result that many per row of the series. A row
  /// that no window has gets `otherwise`.
  std::vector<double> mean(const std::vector<double>& values, Index channels,
                           double otherwise) const {
    std::vector<double> sum(static_cast<std::size_t>(steps * channels));
    std::vector<double> seen(static_cast<std::size_t>(steps));
    for (Index k = 0; k < count(); ++k)
      for (Index t = 0; t < length; ++t) {
        const Index row = first(k) + t;
        seen[static_cast<std::size_t>(row)] += 1;
        for (Index c = 0; c < channels; ++c)
          sum[static_cast<std::size_t>(row * channels + c)] +=
              values[static_cast<std::size_t>((k * length + t) * channels + c)];
      }
    for (Index row = 0; row < steps; ++row)
      for (Index c = 0; c < channels; ++c) {
        double& value = sum[static_cast<std::size_t>(row * channels + c)];
        const double windows = seen[static_cast<std::size_t>(row)];
        value = windows > 0 ? value / windows : otherwise;
      }
    return sum;
  }
};

/// How odd one row of a series is, from all windows that have it.
struct OddStep {
  double score = 0;   ///< root mean square of the deviations, over windows and channels
  Index channel = 0;  ///< of the largest mean square
  double actual = 0, expected = 0, deviation = 0;  ///< of that channel, means over the windows
  bool covered = false;                            ///< false: no window has the row
};

/// From the windows of a series to its rows: `found` are the windows' anomalies with every feature
/// blamed that was observed. What was not counts neither as odd nor as normal; a row with nothing
/// observed is not covered. Throws std::invalid_argument unless there is an anomaly per window.
inline std::vector<OddStep> odd_steps(const Windows& windows, Index channels,
                                      const std::vector<Anomaly>& found) {
  const Index features = windows.length * channels;
  require(static_cast<Index>(found.size()) == windows.count(), "there are ", found.size(),
          " anomalies, expected one for each of ", windows.count(), " windows");
  const auto all = static_cast<std::size_t>(windows.count() * features);
  std::vector<double> actual(all), expected(all), deviation(all), square(all), observed(all);
  for (Index k = 0; k < windows.count(); ++k) {
    const Anomaly& window = found[static_cast<std::size_t>(k)];
    for (const OddFeature& odd : window.blame) {
      const auto place = static_cast<std::size_t>(k * features + odd.feature);
      actual[place] = odd.actual;
      expected[place] = odd.expected;
      deviation[place] = odd.deviation;
      square[place] = odd.deviation * odd.deviation;
      observed[place] = 1;
    }
  }
  const auto mean = [&](const std::vector<double>& values) {
    return windows.mean(values, channels, 0);
  };
  const std::vector<double> a = mean(actual), e = mean(expected), d = mean(deviation),
                            s = mean(square), seen = mean(observed);
  std::vector<OddStep> steps(static_cast<std::size_t>(windows.steps));
  for (Index row = 0; row < windows.steps; ++row) {
    OddStep& step = steps[static_cast<std::size_t>(row)];
    const auto at = [&](Index c) { return static_cast<std::size_t>(row * channels + c); };
    double sum = 0, channels_seen = 0;
    for (Index c = 0; c < channels; ++c) {
      if (!(seen[at(c)] > 0)) continue;  // it is missing in every window that has it
      sum += s[at(c)];
      channels_seen += 1;
      if (!step.covered || s[at(c)] > s[at(step.channel)]) step.channel = c;
      step.covered = true;
    }
    if (!step.covered) continue;
    const std::size_t worst = at(step.channel);
    step.score = std::sqrt(sum / channels_seen);
    step.actual = a[worst], step.expected = e[worst], step.deviation = d[worst];
  }
  return steps;
}

}  // namespace longhand
