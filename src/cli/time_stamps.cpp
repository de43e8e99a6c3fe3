// SPDX-License-Identifier: MIT
#include "time_stamps.hpp"

#include <chrono>
#include <cmath>
#include <cstdio>
#include <optional>

#include "failure.hpp"
#include "number.hpp"

namespace longhand::cli {
namespace {

/// A time stamp as a number, if it is one: itself, or the seconds of 2024-05-31 and
/// 2024-05-31T23:59[:59[.5]] since the beginning of 1970, without time zones.
std::optional<double> seconds_of(const std::string& stamp) {
  if (const std::optional<double> plain = number(stamp)) return plain;
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, used = 0;
  double second = 0;
  char separator = 0;
  const int parts = std::sscanf(stamp.c_str(), "%4d-%2d-%2d%n%c%2d:%2d%n:%lf%n", &year, &month,
                                &day, &used, &separator, &hour, &minute, &used, &second, &used);
  const bool whole = parts >= 3 && static_cast<std::size_t>(used) == stamp.size();
  if (!whole || (parts > 3 && separator != 'T' && separator != ' ')) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return std::nullopt;
  const auto days = std::chrono::sys_days(date).time_since_epoch().count();
  return static_cast<double>(days) * 86400 + hour * 3600 + minute * 60 + second;
}

}  // namespace

std::vector<std::string> remarks_on_times(const std::string& path,
                                          const std::vector<std::string>& times) {
  std::vector<std::string> remarks;
  double step = 0, before = 0;
  bool said = false;
  for (std::size_t row = 0; row < times.size(); ++row) {
    const std::optional<double> now = seconds_of(times[row]);
    if (!now) {
      remarks.push_back(text(path, ": the time ", times[row],
                             " is neither a number nor a date: whether steps are equal is not "
                             "known"));
      return remarks;
    }
    const double passed = *now - before;
    if (row == 1) step = passed;
    if (row > 0 && !(passed > 0))
      throw Failure(ExitCode::bad_input, path, ": row ", row, " has the time ", times[row],
                    " after ", times[row - 1], ", expected rows in the order of time");
    if (!said && row > 1 && std::abs(passed - step) > 1e-6 * std::abs(step)) {
      said = true;
      const char* const unit = number(times[row]) ? "" : " s";
      remarks.push_back(text(path, ": time steps are unequal, ", passed, unit, " before row ", row,
                             " (", times[row], ") and ", step, unit,
                             " at the beginning: rows are taken as they come, nothing is ",
                             "resampled"));
    }
    before = *now;
  }
  return remarks;
}

}  // namespace longhand::cli
